"""What a job will need is known well enough to not start two that do not fit."""

from __future__ import annotations

import pytest

from hyperpcm.benchmark.benchmark import find_benchmark
from hyperpcm.benchmark.folds import fold_jobs, networks_mb
from hyperpcm.benchmark.kind import Job
from hyperpcm.benchmark.run import Choice, wanted_jobs
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


def test_other_seeds_are_run_by_the_rows_that_are_bound_to_them_and_each_once(tmp_path):
    folder = write_benchmark(tmp_path, mean='baseline = "compound_mean"\nseeds = [1]\n')
    path = folder / "benchmark.toml"
    path.write_text(path.read_text().replace("folds = [0, 1]", "folds = [0, 0]\nseeds = [0, 1]"))
    benchmark = find_benchmark(tmp_path, "small")
    jobs = wanted_jobs(benchmark, fold_jobs(benchmark), Choice(seeds=[1, 1]))
    assert jobs == [Job(0, 1, "model"), Job(0, 1, "mean")]
    jobs = wanted_jobs(benchmark, fold_jobs(benchmark), Choice())
    assert jobs == [Job(0, 0, "model"), Job(0, 1, "model"), Job(0, 1, "mean")]


def test_jobs_go_fold_by_fold_within_the_bounds_of_rows(tmp_path):
    write_benchmark(tmp_path, mean='baseline = "compound_mean"\nfolds = [1]\n')
    jobs = fold_jobs(find_benchmark(tmp_path, "small"))
    assert jobs == [Job(0, 0, "model"), Job(1, 0, "model"), Job(1, 0, "mean")]
