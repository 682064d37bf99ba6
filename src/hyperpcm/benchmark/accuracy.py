"""The kind of benchmark that fits on the training side of each fold and is judged on its test side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from hyperpcm.benchmark.accuracy_results import AccuracyFile, AccuracyOnDisk
from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.kind import Job, Kind, Progress
from hyperpcm.errors import ConfigError, MissingExtraError
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

_BASE_MB, _COLUMNS = 700.0, 1200  # of a process that has imported everything; of the widest feature table


@final
class AccuracyKind(Kind):
    """Rows × folds × seeds; the results are those of `evaluation.results`, with values per target beside."""

    name: ClassVar[str] = "accuracy"
    protocol: ClassVar[type[BenchmarkFile]] = AccuracyFile

    def check(self, benchmark: Benchmark) -> None:
        """Refuse unknown data, splits and baselines, and folds that do not exist."""
        from hyperpcm.baselines import build_baseline
        from hyperpcm.datasets import catalog
        from hyperpcm.datasets.splits import SPLIT_NAMES

        file, path = _file(benchmark), benchmark.folder / "benchmark.toml"
        if file.data.name is not None:
            try:
                catalog.record(file.data.name)
            except ConfigError as error:
                raise ConfigError(f"{path}: data.name: {error}") from None
        if file.split.name not in SPLIT_NAMES:
            known = ", ".join(SPLIT_NAMES)
            raise ConfigError(f"{path}: split.name: there is no split {file.split.name!r}. Known: {known}.")
        bounds = {"benchmark": file.folds} | {row.name: row.file.folds for row in benchmark.rows}
        for name, folds in bounds.items():
            for fold in folds or ():
                if not 0 <= fold < file.split.folds:
                    raise ConfigError(
                        f"{benchmark.folder / name}.toml: folds holds {fold}; folds are numbered 0 to "
                        f"{file.split.folds - 1}."
                    )
        for row in benchmark.rows:
            if row.file.baseline is not None:
                try:
                    build_baseline(row.file.baseline, options=dict(row.file.options))
                except MissingExtraError:
                    continue  # the table can be shown without it; its jobs will say what to install
                except ConfigError as error:
                    raise ConfigError(f"{benchmark.folder / row.name}.toml: {error}") from None

    def jobs(self, benchmark: Benchmark) -> list[Job]:
        """Fold by fold, all rows of a fold together."""
        file = _file(benchmark)
        folds = range(file.split.folds) if file.folds is None else file.folds
        return [
            Job(fold, seed, row.name)
            for fold in folds
            for seed in file.seeds
            for row in benchmark.rows
            if (row.file.folds is None or fold in row.file.folds)
            and (row.file.seeds is None or seed in row.file.seeds)
        ]

    def prepare(
        self,
        benchmark: Benchmark,
        rows: Sequence[str],
        store: EmbeddingStore,
        threads: int,
        progress: Progress,
    ) -> dict[str, Any]:
        """Embeddings, fingerprints and alignments of the rows, once."""
        from hyperpcm.baselines import prepare_inputs
        from hyperpcm.encoders.axes import compound_counts, target_similarity
        from hyperpcm.training.encoded import encoders_of
        from hyperpcm.training.evaluation import protocol_of

        config, interactions, _ = self._opened(benchmark, benchmark.rows[0], 0, 0, threads, progress)
        compounds, targets = interactions.compounds, interactions.targets
        of_rows: dict[str, float] = {}
        for name in rows:
            row = benchmark.row(name)
            if row.file.baseline is not None:
                continue
            own = _config(benchmark, row, 0, 0, threads)
            compound, target = encoders_of(own)
            of_rows[name] = _networks_mb(own, compound.width)
            store.encode(compound, compounds)
            store.encode(target, targets)
            compound_counts(compounds, store, radius=own.encoders.radius, width=own.encoders.width)
            if own.model.needs_alignment:
                target_similarity(targets, store, threads=threads)
        if any(benchmark.row(name).file.baseline is not None for name in rows):
            prepare_inputs(interactions, store, threads=threads, progress=progress)
        wide = 4 * _COLUMNS * len(interactions) + 3 * 4 * 2300 * len(compounds) + 16 * len(targets) ** 2
        return {
            "protocol": protocol_of(config, interactions),
            "estimate_mb": _BASE_MB + wide / 1e6,
            "rows_mb": of_rows,
        }

    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Fit and score one row; a whole model is scored with shuffled targets too."""
        from hyperpcm.training.evaluation import protocol_of

        row = benchmark.row(job.row)
        config, interactions, split = self._opened(benchmark, row, job.fold, job.seed, threads, progress)
        if row.file.baseline is not None:
            made = [_of_baseline(row, interactions, split, job.seed, store, threads, progress)]
        else:
            made = _of_model(row, config, interactions, split, store, progress)
        return {
            "protocol": protocol_of(config, interactions),
            "rows": [result.as_dict() | {"settings": row.digest} for result, _ in made],
            "targets": [values.as_lists() for _, values in made],
        }

    def results(self, benchmark: Benchmark, folder: Path) -> AccuracyOnDisk:
        """``accuracy/<data>/<name>.json`` and the table of targets beside it."""
        return AccuracyOnDisk(benchmark, accuracy_path(folder, benchmark.data_label, benchmark.results_name))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The table of the rows that have files."""
        from hyperpcm.benchmark.accuracy_view import accuracy_view

        return accuracy_view(benchmark, self.results(benchmark, folder))

    def _opened(
        self, benchmark: Benchmark, row: Row, fold: int, seed: int, threads: int, progress: Progress
    ) -> tuple[RunConfig, Interactions, Split]:
        from hyperpcm.training.run import open_data, open_split

        config = _config(benchmark, row, fold, seed, threads)
        interactions = open_data(config.data, progress)
        return config, interactions, open_split(config, interactions)


def _of_baseline(
    row: Row,
    interactions: Interactions,
    split: Split,
    seed: int,
    store: EmbeddingStore,
    threads: int,
    progress: Progress,
) -> tuple[ResultRow, TargetValues]:
    from hyperpcm.baselines import build_baseline, prepare_inputs
    from hyperpcm.evaluation.measure import result_row

    inputs = prepare_inputs(interactions, store, threads=threads, progress=progress)
    start = time.perf_counter()
    baseline = build_baseline(str(row.file.baseline), threads=max(1, threads), options=dict(row.file.options))
    baseline.fit(inputs, split.train, split.valid, seed=seed)
    valid, test = baseline.predict(split.valid), baseline.predict(split.test)
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
    from hyperpcm.training.run import train_model

    start = time.perf_counter()
    if row.file.part == "prior":
        model = prior_alone(config, interactions, split, store, progress)
    else:
        model, _ = train_model(config, interactions, split, store=store, progress=progress)
    data = encode(config, interactions, split, store, progress)
    compound, target = interactions.compound_index, interactions.target_index
    valid = predict_pairs(model, data, compound[split.valid], target[split.valid])
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


def _config(benchmark: Benchmark, row: Row, fold: int, seed: int, threads: int) -> RunConfig:
    split = _file(benchmark).split.model_dump() | {"fold": fold}
    settings = row if row.file.baseline is None else None
    chosen = settings or benchmark.rows[0]
    if chosen.file.baseline is not None:
        from hyperpcm.config import validated

        data = benchmark.file.data.model_dump(exclude_defaults=True)
        return validated({"data": data, "split": split, "seed": seed, "threads": threads})
    return benchmark.config(chosen, seed=seed, threads=threads, split=split)


def _networks_mb(config: RunConfig, compound_width: int) -> float:
    """Memory that training needs for heads that make whole matrices, in 10⁶ bytes; others need little.

    Measured: the published settings took 6.3 GB in all; this and the rest of the estimate say 6.5.
    """
    model, training = config.model, config.training
    if model.hypernetwork.parts != "full":
        return 0.0
    widths = [compound_width + model.qsar.noise_head, *model.qsar.hidden, 1]
    generated = sum(a * b for a, b in pairwise(widths)) + compound_width * model.qsar.noise_head
    parameters = generated * model.hypernetwork.trunk[-1] * model.members
    batch = 4 * generated * training.targets_per_batch * model.members  # weights, gradients and copies
    return (1.4 * 16 * parameters + 4 * batch) / 1e6  # parameter, gradient and two moments of Adam


def _file(benchmark: Benchmark) -> AccuracyFile:
    if not isinstance(benchmark.file, AccuracyFile):
        raise TypeError(f"benchmark {benchmark.name!r} is of kind {benchmark.file.kind!r}")
    return benchmark.file
