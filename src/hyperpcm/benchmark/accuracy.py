"""The kind of benchmark that fits on the training side of each fold and is judged on its test side."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from hyperpcm.benchmark.accuracy_results import AccuracyFile, AccuracyOnDisk
from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.fold_kind import FoldKind
from hyperpcm.benchmark.folds import inputs_of, opened_fold
from hyperpcm.benchmark.kind import Job, Progress
from hyperpcm.evaluation.results import ResultRow, accuracy_path
from hyperpcm.evaluation.target_values import TargetValues, target_values

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark, Row
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.datasets.splits import Split
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["AccuracyKind"]


@final
class AccuracyKind(FoldKind):
    """Rows × folds × seeds; the results are those of `evaluation.results`, with values per target beside."""

    name: ClassVar[str] = "accuracy"
    protocol: ClassVar[type[BenchmarkFile]] = AccuracyFile

    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Fit and score one row; a whole model is scored with shuffled targets too."""
        row = benchmark.row(job.row)
        config, interactions, split = opened_fold(benchmark, row, job.fold, job.seed, threads, progress)
        if row.file.baseline is not None:
            refit = config.training.refit
            made = [_of_baseline(row, interactions, split, job.seed, refit, store, threads, progress)]
        else:
            made = _of_model(row, config, interactions, split, store, progress)
        return {
            "protocol": self.shared(benchmark, config, interactions),
            "rows": [result.as_dict() | {"settings": row.digest} for result, _ in made],
            "targets": [values.as_lists() for _, values in made],
        }

    def results_path(self, benchmark: Benchmark, folder: Path) -> Path:
        """``accuracy/<data>/<name>.json``."""
        return accuracy_path(folder, benchmark.data_label, benchmark.results_name)

    def results(self, benchmark: Benchmark, folder: Path) -> AccuracyOnDisk:
        """The results file and the table of targets beside it."""
        return AccuracyOnDisk(benchmark, self.results_path(benchmark, folder))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The table of the rows that have files."""
        from hyperpcm.benchmark.accuracy_view import accuracy_view

        return accuracy_view(benchmark, self.results(benchmark, folder))


def _of_baseline(
    row: Row,
    interactions: Interactions,
    split: Split,
    seed: int,
    refit: bool,
    store: EmbeddingStore,
    threads: int,
    progress: Progress,
) -> tuple[ResultRow, TargetValues]:
    from hyperpcm.baselines import build_baseline
    from hyperpcm.evaluation.measure import result_row

    inputs = inputs_of(interactions, store, threads, progress)
    start = time.perf_counter()
    baseline = build_baseline(str(row.file.baseline), threads=max(1, threads), options=dict(row.file.options))
    baseline.fit(inputs, split.train, split.valid, seed=seed)
    valid = baseline.predict(split.valid)
    if refit:
        baseline.refit(split.seen, seed=seed)
    test = baseline.predict(split.test)
    seconds = time.perf_counter() - start
    found = result_row(interactions, split, row.name, valid, test, seed=seed, seconds=seconds)
    return found, target_values(interactions, split.test, test)


def _of_model(
    row: Row,
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    store: EmbeddingStore,
    progress: Progress,
) -> list[tuple[ResultRow, TargetValues]]:
    from hyperpcm.evaluation.measure import result_row
    from hyperpcm.evaluation.shuffle import shuffled_targets
    from hyperpcm.training.encoded import encode
    from hyperpcm.training.loop import predict_pairs
    from hyperpcm.training.prior_fit import prior_alone
    from hyperpcm.training.refit import refit_model
    from hyperpcm.training.run import train_model

    start = time.perf_counter()
    if row.file.part == "prior":
        model = prior_alone(config, interactions, split, store, progress)
    else:
        model, _ = train_model(config, interactions, split, store=store, progress=progress)
    data = encode(config, interactions, split, store, progress)
    compound, target = interactions.compound_index, interactions.target_index
    valid = predict_pairs(model, data, compound[split.valid], target[split.valid])
    if config.training.refit:
        model = refit_model(model, config, interactions, split, store=store, progress=progress)
        data = encode(config, interactions, split, store, progress, learned=split.seen)
    test = predict_pairs(model, data, compound[split.test], target[split.test])
    seconds = time.perf_counter() - start
    scored = {row.name: (test, seconds)}
    if row.is_shuffled_too and len(np.unique(target[split.test])) > 1:
        start = time.perf_counter()
        others = shuffled_targets(target[split.test], config.seed)
        shuffled = predict_pairs(model, data, compound[split.test], others)
        scored[f"{row.name}_shuffled"] = (shuffled, time.perf_counter() - start)
    return [
        (
            result_row(interactions, split, name, valid, scores, seed=config.seed, seconds=spent),
            target_values(interactions, split.test, scores),
        )
        for name, (scores, spent) in scored.items()
    ]
