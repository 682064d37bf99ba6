"""What kinds over folds do alike: their jobs, what is computed once, and results that are one file of parts.

A kind says what is its own: what it refuses, what it measures on a fold, and how that is shown.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.folds import (
    FoldFile,
    check_folds,
    encode_rows,
    fold_jobs,
    inputs_of,
    memory_estimate_mb,
    opened_fold,
)
from hyperpcm.benchmark.kind import Job, Kind, Progress

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark, Row
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.datasets.splits import Split
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["FoldKind", "PartsKind"]


class FoldKind(Kind):
    """A kind that divides a table and runs rows × folds × seeds."""

    protocol: ClassVar[type[BenchmarkFile]] = FoldFile

    def check(self, benchmark: Benchmark) -> None:
        """Refuse unknown data, splits and baselines, and folds that do not exist."""
        check_folds(benchmark)

    def jobs(self, benchmark: Benchmark) -> list[Job]:
        """Fold by fold, all rows of a fold together."""
        return fold_jobs(benchmark)

    def prepare(
        self,
        benchmark: Benchmark,
        rows: Sequence[str],
        store: EmbeddingStore,
        threads: int,
        progress: Progress,
    ) -> dict[str, Any]:
        """Embeddings, fingerprints and alignments of the models, features of the baselines, once."""
        config, interactions, _ = opened_fold(benchmark, benchmark.rows[0], 0, 0, threads, progress)
        chosen = [benchmark.row(name) for name in rows]
        models = [row for row in chosen if self.is_model(row)]
        networks = encode_rows(benchmark, models, interactions, store, threads)
        if any(self.needs_features(row) for row in chosen):
            inputs_of(interactions, store, threads, progress)
        return {
            "protocol": self.shared(benchmark, config, interactions),
            "estimate_mb": memory_estimate_mb(interactions),
            "rows_mb": networks,
        }

    def is_model(self, row: Row) -> bool:
        """Whether a row trains our model, and so needs embeddings."""
        return row.file.baseline is None

    def needs_features(self, row: Row) -> bool:
        """Whether a row needs the features of the baselines."""
        return row.file.baseline is not None

    def shared(self, benchmark: Benchmark, config: RunConfig, interactions: Interactions) -> dict[str, Any]:  # noqa: ARG002  # kinds add what they take from the benchmark
        """What results must share to stand in one table, JSON-able."""
        from hyperpcm.training.evaluation import protocol_of

        return protocol_of(config, interactions)


class PartsKind(FoldKind):
    """A kind over folds whose results are one file of parts, below a folder of the kind's name."""

    @abstractmethod
    def measured(
        self,
        benchmark: Benchmark,
        config: RunConfig,
        interactions: Interactions,
        split: Split,
        store: EmbeddingStore,
        progress: Progress,
    ) -> dict[str, Any]:
        """What is found on one fold with the settings of one row, JSON-able.

        Raises:
            HyperpcmError: it cannot be measured.
        """

    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Measure one row on one fold; with the time and memory that it took."""
        from hyperpcm.evaluation.measure import peak_memory_mb

        row = benchmark.row(job.row)
        config, interactions, split = opened_fold(benchmark, row, job.fold, job.seed, threads, progress)
        start = time.perf_counter()
        found = self.measured(benchmark, config, interactions, split, store, progress)
        part = {"row": row.name, "fold": job.fold, "seed": job.seed, **found}
        part |= {"seconds": time.perf_counter() - start, "peak_mb": peak_memory_mb(), "settings": row.digest}
        return {"protocol": self.shared(benchmark, config, interactions), "part": part}

    def results_path(self, benchmark: Benchmark, folder: Path) -> Path:
        """``<kind>/<data>.json``, or of the name that the benchmark gives its results."""
        return folder / self.name / f"{benchmark.file.results or benchmark.data_label}.json"
