"""The files of an accuracy benchmark: its protocol, and its results on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from hyperpcm.benchmark.folds import FoldFile
from hyperpcm.benchmark.kind import Done, Job, Results
from hyperpcm.errors import TableError
from hyperpcm.evaluation.results import AccuracyResults, ResultRow
from hyperpcm.evaluation.surroundings import Surroundings
from hyperpcm.evaluation.tables import DEFAULT_METRICS
from hyperpcm.evaluation.target_values import Key, TargetTable, TargetValues

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark

__all__ = ["AccuracyFile", "AccuracyOnDisk"]


class AccuracyFile(FoldFile):
    """The ``benchmark.toml`` of this kind."""

    refit: bool = False
    """All rows learn once more from training and validation side together what they have chosen."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    """Columns of the table."""

    def settings(self) -> dict[str, dict[str, Any]]:
        """Whether to refit."""
        return {"training": {"refit": True}} if self.refit else {}


@final
class AccuracyOnDisk(Results):
    """The results file and the table of values per target beside it."""

    def __init__(self, benchmark: Benchmark, path: Path) -> None:
        self.path, self.targets_path = path, path.with_suffix(".targets.parquet")
        self._with_shuffled = {row.name: row.is_shuffled_too for row in benchmark.rows}
        self.content = AccuracyResults.read(path) if path.exists() else None
        self.targets = TargetTable.read(self.targets_path)

    @property
    def has_table(self) -> bool:
        """Whether any row of the benchmark has a result, with its shuffled row or without."""
        return any(row.model in self._with_shuffled for row in (self.content.rows if self.content else ()))

    def done(self) -> Mapping[Job, Done]:
        """Every job whose result is there; where the row has one, the shuffled row belongs to it."""
        content = self.content
        if content is None:
            return {}
        rows = {row.key(): row for row in content.rows}
        found = {}
        for key, row in rows.items():
            if row.model in self._with_shuffled and (not self._needs_shuffled(key) or _shuffled(key) in rows):
                commit = row.commit or content.commit
                found[Job(row.fold, row.seed, row.model)] = Done(commit, row.settings, row.peak_mb)
        return MappingProxyType(found)

    def _needs_shuffled(self, key: Key) -> bool:
        """Whether targets can be exchanged: the row asks for it, and more than one target was tested."""
        values = self.targets.entries.get(key)
        return self._with_shuffled[key[0]] and values is not None and len(values.target) > 1

    def forget(self, jobs: Collection[Job]) -> None:
        """Leave out these jobs, with their shuffled rows, from what is written next."""
        keys = [(job.row, job.fold, job.seed) for job in jobs]
        gone = {*keys, *map(_shuffled, keys)}
        self.targets = self.targets.without(gone)
        if self.content is not None:
            kept = tuple(row for row in self.content.rows if row.key() not in gone)
            where = Surroundings(self.content.versions, self.content.commit, self.content.machine)
            self.content = AccuracyResults.of(self.content.protocol, kept, where) if kept else None

    def check(self, outcome: Mapping[str, Any], where: Surroundings) -> None:
        """Refuse results of another protocol."""
        if self.content is not None:
            empty = AccuracyResults.of(outcome["protocol"], (), where)
            self._named(lambda: self.content and self.content.merged_with(empty, other_commit=True))

    def add(self, outcome: Mapping[str, Any]) -> str:
        """Add the rows of a job and write both files; a row of another commit keeps its own."""
        rows = [ResultRow.from_dict(row, f"{self.path}, a new row") for row in outcome["rows"]]
        where = Surroundings(**outcome["surroundings"])
        later = AccuracyResults.of(outcome["protocol"], rows, where)
        before = self.content
        if before is None:
            self.content = later
        else:
            self.content = self._named(lambda: before.merged_with(later, other_commit=True))
        values = [TargetValues.from_lists(lists) for lists in outcome["targets"]]
        keys = [row.key() for row in rows]
        self.targets = self.targets.with_values(dict(zip(keys, values, strict=True)))
        self.targets.write(self.targets_path)  # first: a job counts as done once it stands in the other file
        self.content.write(self.path)
        return "; ".join(_words(row) for row in rows)

    def _named(self, merge: Any) -> Any:
        try:
            return merge()
        except TableError as error:
            raise TableError(f"{self.path}: {error}") from None


def _shuffled(key: Key) -> Key:
    """The key of the same model with its targets exchanged."""
    return (f"{key[0]}_shuffled", *key[1:])


def _words(row: ResultRow) -> str:
    """A row's first numbers for people who watch."""
    shown = []
    for metric, title in (("mse", "MSE"), ("ci", "CI"), ("auroc", "AUROC")):
        value = row.metrics.get(metric)
        if isinstance(value, float):
            shown.append(f"{title} {value:.3f}")
    return f"{row.model}: {', '.join(shown) or 'no metric applies'}"
