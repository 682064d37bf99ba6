"""A kind over folds has to say only what is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.benchmark.benchmark import Benchmark, find_benchmark
from hyperpcm.benchmark.fold_kind import FoldKind, PartsKind
from hyperpcm.benchmark.kind import Job, Results
from hyperpcm.benchmark.registry import KINDS, kind_named
from hyperpcm.benchmark.view import TableView
from hyperpcm.encoders import EmbeddingStore
from small_benchmarks import write_benchmark

MEAN = 'baseline = "compound_mean"\n'


class Counting(PartsKind):
    """Counts the rows of the test side."""

    name = "counting"

    def measured(self, benchmark, config, interactions, split, store, progress):
        return {"tested": len(split.test), "seed_of_training": config.seed}

    def results(self, benchmark: Benchmark, folder: Path) -> Results:
        raise NotImplementedError

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        raise NotImplementedError


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def benchmark(tmp_path) -> Benchmark:
    write_benchmark(tmp_path, mean=MEAN)
    return find_benchmark(tmp_path, "small")


def test_a_job_becomes_a_part_with_what_was_measured_and_what_it_took(benchmark, tmp_path):
    kind = Counting()
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        made = [kind.execute(benchmark, Job(fold, 3, "model"), store, 1, silent) for fold in (0, 1)]
        protocol = kind.prepare(benchmark, ["mean"], store, 1, silent)["protocol"]
    for fold, one in enumerate(made):
        part = one["part"]
        assert one["protocol"] == protocol
        assert (part["row"], part["fold"], part["seed"], part["seed_of_training"]) == ("model", fold, 3, 3)
        assert part["settings"] == benchmark.row("model").digest
        assert part["tested"] == 6 * 14
        assert part["seconds"] >= 0
        assert part["peak_mb"] > 0
    assert kind.results_path(benchmark, tmp_path) == tmp_path / "counting" / "table.json"


def test_only_rows_that_are_models_are_given_an_estimate_of_their_networks(benchmark, tmp_path):
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        outcome = Counting().prepare(benchmark, ["mean", "model"], store, 1, silent)
    assert list(outcome["rows_mb"]) == ["model"]
    assert outcome["estimate_mb"] > 100


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_takes_its_jobs_and_what_it_prepares_from_here(name):
    kind = type(kind_named(name, "here"))
    assert issubclass(kind, FoldKind)
    assert {"jobs", "prepare"} & vars(kind).keys() == set()
