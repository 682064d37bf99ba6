"""The kind of benchmark that replays campaigns: how many of a target's best compounds each method finds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from hyperpcm.benchmark.active_results import ActiveFile, ActiveOnDisk
from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.fold_kind import PartsKind
from hyperpcm.benchmark.folds import check_held_out, check_whole_models, protocol_file
from hyperpcm.benchmark.kind import Progress

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.datasets.splits import Split
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["ActiveKind"]


@final
class ActiveKind(PartsKind):
    """Rows × folds × seeds; a row is a model that learns from measurements, and is asked what to measure."""

    name: ClassVar[str] = "active"
    protocol: ClassVar[type[BenchmarkFile]] = ActiveFile

    def check(self, benchmark: Benchmark) -> None:
        """Refuse what no benchmark over folds may hold, splits that share targets, and rows of no model."""
        from hyperpcm.training.active import ACTIVE_SPLITS

        super().check(benchmark)
        check_held_out(benchmark, ACTIVE_SPLITS, "active learning")
        check_whole_models(benchmark, "only a whole model learns from measurements")

    def shared(self, benchmark: Benchmark, config: RunConfig, interactions: Interactions) -> dict[str, Any]:
        """Data and division, and how campaigns are replayed."""
        replay = protocol_file(benchmark, ActiveFile).replay
        return super().shared(benchmark, config, interactions) | {"replay": replay.record()}

    def measured(
        self,
        benchmark: Benchmark,
        config: RunConfig,
        interactions: Interactions,
        split: Split,
        store: EmbeddingStore,
        progress: Progress,
    ) -> dict[str, Any]:
        """Train, and replay campaigns on the targets that the model never saw."""
        from hyperpcm.training.active import replayed_fold

        replay = protocol_file(benchmark, ActiveFile).replay
        return replayed_fold(config, interactions, split, replay, store=store, progress=progress)

    def results(self, benchmark: Benchmark, folder: Path) -> ActiveOnDisk:
        """The results file."""
        return ActiveOnDisk(benchmark, self.results_path(benchmark, folder))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The table of the reference and of the other rows that have results."""
        from hyperpcm.benchmark.active_view import active_view

        return active_view(benchmark, self.results(benchmark, folder))
