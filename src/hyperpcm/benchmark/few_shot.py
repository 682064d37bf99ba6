"""The kind of benchmark that asks how far a few measured compounds of a held-out target carry each method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from hyperpcm.benchmark.few_shot_results import FewShotFile, FewShotOnDisk, FewShotRowFile
from hyperpcm.benchmark.files import BenchmarkFile, RowFile
from hyperpcm.benchmark.fold_kind import FoldKind
from hyperpcm.benchmark.folds import check_held_out, inputs_of, opened_fold, protocol_file
from hyperpcm.benchmark.kind import Job, Progress
from hyperpcm.errors import ConfigError
from hyperpcm.evaluation.few_shot import LABELS_ROW, summary_path

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark, Row
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["FewShotKind"]


@final
class FewShotKind(FoldKind):
    """Rows × folds × seeds; a row is a zero-shot model, and one more are the methods that need none."""

    name: ClassVar[str] = "few_shot"
    protocol: ClassVar[type[BenchmarkFile]] = FewShotFile
    row: ClassVar[type[RowFile]] = FewShotRowFile

    def check(self, benchmark: Benchmark) -> None:
        """Refuse what no benchmark over folds may hold, splits that share targets, and a missing row."""
        from hyperpcm.baselines.few_shot import YARDSTICKS
        from hyperpcm.training.few_shot import FEW_SHOT_SPLITS
        from hyperpcm.training.few_shot_adapters import MODEL_ADAPTERS

        super().check(benchmark)
        path = benchmark.folder / "benchmark.toml"
        check_held_out(benchmark, FEW_SHOT_SPLITS, "few-shot")
        for row in benchmark.rows:
            if _is_zero_shot(row) == (row.name == LABELS_ROW):
                raise ConfigError(
                    f"{benchmark.folder / row.name}.toml: zero_shot = false belongs into {LABELS_ROW}.toml, "
                    "the row of the methods that use measured labels alone, and into no other."
                )
            if row.name in {*MODEL_ADAPTERS, *(one.name for one in YARDSTICKS)}:
                raise ConfigError(
                    f"{benchmark.folder / row.name}.toml: {row.name!r} is the name of a method that adapts; "
                    "call the row something else."
                )
        if all(_is_zero_shot(row) for row in benchmark.rows):
            raise ConfigError(
                f"{benchmark.folder}: the row of the methods that use measured labels alone is missing. "
                f"Add a file {LABELS_ROW}.toml with zero_shot = false."
            )
        if benchmark.file.reference == LABELS_ROW:
            raise ConfigError(f"{path}: reference: name a row that is a zero-shot model.")

    def is_model(self, row: Row) -> bool:
        """Whether a row trains our model: of the methods that use labels alone none does."""
        return super().is_model(row) and _is_zero_shot(row)

    def needs_features(self, row: Row) -> bool:  # noqa: ARG002  # whatever is adapted
        """Every row: the methods that adapt read the features of the baselines."""
        return True

    def shared(self, benchmark: Benchmark, config: RunConfig, interactions: Interactions) -> dict[str, Any]:
        """Data and division, and how measured compounds are drawn."""
        from hyperpcm.training.few_shot import few_shot_protocol

        return few_shot_protocol(config, interactions, protocol_file(benchmark, FewShotFile).drawn)

    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Fit one row and measure every adapter on it."""
        from hyperpcm.training.few_shot import FewShotRow, few_shot_part

        row = benchmark.row(job.row)
        config, interactions, split = opened_fold(benchmark, row, job.fold, job.seed, threads, progress)
        part = few_shot_part(
            config,
            interactions,
            split,
            FewShotRow(row.name, row.file.baseline, row.file.options, row.file.part == "prior"),
            protocol_file(benchmark, FewShotFile).drawn,
            inputs_of(interactions, store, threads, progress),
            store=store,
            progress=progress,
        )
        return {"part": part.as_dict() | {"settings": row.digest}}

    def results_path(self, benchmark: Benchmark, folder: Path) -> Path:
        """``fewshot/<data>.json``, or of the name that the benchmark gives its results."""
        return summary_path(folder, benchmark.file.results or benchmark.data_label)

    def results(self, benchmark: Benchmark, folder: Path) -> FewShotOnDisk:
        """The summary and the folder of parts beside it."""
        return FewShotOnDisk(benchmark, folder, self.results_path(benchmark, folder))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The curves of the summary as tables and a figure."""
        from hyperpcm.benchmark.few_shot_view import few_shot_view

        return few_shot_view(benchmark, self.results(benchmark, folder))


def _is_zero_shot(row: Row) -> bool:
    return isinstance(row.file, FewShotRowFile) and row.file.zero_shot
