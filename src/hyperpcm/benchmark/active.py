"""The kind of benchmark that replays campaigns: how many of a target's best compounds each method finds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from hyperpcm.benchmark.active_results import ActiveFile, ActiveOnDisk
from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.folds import (
    check_folds,
    check_held_out,
    check_whole_models,
    fold_jobs,
    opened_fold,
    prepared_rows,
    protocol_file,
)
from hyperpcm.benchmark.kind import Job, Kind, Progress

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["ActiveKind"]


@final
class ActiveKind(Kind):
    """Rows × folds × seeds; a row is a model that learns from measurements, and is asked what to measure."""

    name: ClassVar[str] = "active"
    protocol: ClassVar[type[BenchmarkFile]] = ActiveFile

    def check(self, benchmark: Benchmark) -> None:
        """Refuse what no benchmark over folds may hold, splits that share targets, and rows of no model."""
        from hyperpcm.training.active import ACTIVE_SPLITS

        check_folds(benchmark)
        check_held_out(benchmark, ACTIVE_SPLITS, "active learning")
        check_whole_models(benchmark, "only a whole model learns from measurements")

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
        """Embeddings, fingerprints and alignments of the rows, once."""
        outcome = prepared_rows(benchmark, rows, store, threads, progress)
        return outcome | {"protocol": outcome["protocol"] | _replay(benchmark)}

    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Train one row and replay campaigns on the targets that it never saw."""
        from hyperpcm.evaluation.measure import peak_memory_mb
        from hyperpcm.training.active import replayed_fold
        from hyperpcm.training.evaluation import protocol_of

        row = benchmark.row(job.row)
        config, interactions, split = opened_fold(benchmark, row, job.fold, job.seed, threads, progress)
        start = time.perf_counter()
        replay = protocol_file(benchmark, ActiveFile).replay
        found = replayed_fold(config, interactions, split, replay, store=store, progress=progress)
        part = {"row": row.name, "fold": job.fold, "seed": job.seed, **found}
        part |= {"seconds": time.perf_counter() - start, "peak_mb": peak_memory_mb(), "settings": row.digest}
        return {"protocol": protocol_of(config, interactions) | _replay(benchmark), "part": part}

    def results_path(self, benchmark: Benchmark, folder: Path) -> Path:
        """``active/<data>.json``, or of the name that the benchmark gives its results."""
        return folder / "active" / f"{benchmark.file.results or benchmark.data_label}.json"

    def results(self, benchmark: Benchmark, folder: Path) -> ActiveOnDisk:
        """The results file."""
        return ActiveOnDisk(benchmark, self.results_path(benchmark, folder))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The table of the reference and of the other rows that have results."""
        from hyperpcm.benchmark.active_view import active_view

        return active_view(benchmark, self.results(benchmark, folder))


def _replay(benchmark: Benchmark) -> dict[str, Any]:
    return {"replay": protocol_file(benchmark, ActiveFile).replay.record()}
