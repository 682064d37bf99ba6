"""What a job will need is known well enough to not start two that do not fit."""

from __future__ import annotations

import pytest

from hyperpcm.benchmark.benchmark import find_benchmark
from hyperpcm.benchmark.folds import fold_jobs, networks_mb
from hyperpcm.benchmark.kind import Job
from hyperpcm.config import load_config
from small_benchmarks import write_benchmark


def test_whole_matrices_at_the_published_widths_are_given_gigabytes():
    settings = [
        "data.name=davis",
        "model.members=1",
        "model.qsar.hidden=[512, 256]",
        "model.qsar.noise_head=512",
    ]
    full = load_config(None, [*settings, "model.hypernetwork.parts=full"])
    assert networks_mb(full, 512) == pytest.approx(5700, abs=300)  # measured: 6.3 GB with all the rest
    assert networks_mb(load_config(None, settings), 512) == 0.0


def test_jobs_go_fold_by_fold_within_the_bounds_of_rows(tmp_path):
    write_benchmark(tmp_path, mean='baseline = "compound_mean"\nfolds = [1]\n')
    jobs = fold_jobs(find_benchmark(tmp_path, "small"))
    assert jobs == [Job(0, 0, "model"), Job(1, 0, "model"), Job(1, 0, "mean")]
