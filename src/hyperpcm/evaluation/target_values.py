"""What a model did on every single target of a test side: the ground of intervals over targets.

They lie beside the results file, in ``<split>.targets.parquet``: one row for each model, fold, seed and
target.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.number_tables import read_numbers, write_numbers
from hyperpcm.errors import TableError
from hyperpcm.metrics import per_target

__all__ = ["Key", "TargetTable", "TargetValues", "target_values"]

Key: TypeAlias = tuple[str, int, int]
"""Model, fold and seed: what identifies a row of a results file."""

_MIN_LABELS = 10  # as in `evaluate`: labels that a target needs to count
_VALUES: Final = ("sse", "pearson", "spearman", "ci", "auroc")


@dataclasses.dataclass(frozen=True, eq=False)
class TargetValues:
    """One model on one test side, with the axis t for its targets.

    A value that a target cannot support is nan: correlations, CI and AUROC of fewer than 10 labels or of
    labels that are all equal, AUROC without both classes. Which targets count depends on labels alone.

    Attributes:
        target: position on the target axis of the table, ascending, int32 [t].
        n: number of labels, int32 [t].
        sse: sum of squared errors, float32 [t]; nan for a binary quantity.
        pearson: linear correlation, float32 [t].
        spearman: rank correlation, float32 [t].
        ci: concordance index, float32 [t].
        auroc: area under the ROC curve over rows whose class is known, float32 [t].
    """

    target: npt.NDArray[np.int32]
    n: npt.NDArray[np.int32]
    sse: npt.NDArray[np.float32]
    pearson: npt.NDArray[np.float32]
    spearman: npt.NDArray[np.float32]
    ci: npt.NDArray[np.float32]
    auroc: npt.NDArray[np.float32]

    def as_lists(self) -> dict[str, list[Any]]:
        """Plain lists by name, for JSON; nan becomes None."""
        return {
            field.name: [None if value != value else value for value in getattr(self, field.name).tolist()]
            for field in dataclasses.fields(self)
        }

    @classmethod
    def from_lists(cls, lists: Mapping[str, list[Any]]) -> TargetValues:
        """The values that `as_lists` gave."""
        arrays: dict[str, Any] = {name: np.array(lists[name], dtype=np.int32) for name in ("target", "n")}
        for name in _VALUES:
            numbers = [np.nan if value is None else value for value in lists[name]]
            arrays[name] = np.array(numbers, dtype=np.float32)
        return cls(**arrays)


def target_values(
    interactions: Interactions, rows: npt.NDArray[np.int64], scores: npt.ArrayLike
) -> TargetValues:
    """The values of some scores, target by target.

    Args:
        interactions: the table.
        rows: which rows were scored [n].
        scores: one for each of them [n], in units of the label.

    Raises:
        LabelError: not one finite score for each row.
    """
    chosen = interactions.select(rows)
    labels, values = chosen.point(), np.asarray(scores, dtype=np.float64)
    binary = chosen.quantity.kind == "binary"
    found = per_target(labels, values, chosen.target_index, min_labels=_MIN_LABELS)
    nothing = np.full(len(found.targets), np.nan, dtype=np.float32)
    place = np.searchsorted(found.targets, chosen.target_index)
    error = labels.astype(np.float64) - values
    auroc = nothing.copy()
    if chosen.quantity.active_at is not None or binary:
        known, active = chosen.activity_is_known(), chosen.is_active()
        classes = per_target(
            labels[known], values[known], chosen.target_index[known], active[known], min_labels=_MIN_LABELS
        )
        auroc[np.searchsorted(found.targets, classes.targets)] = classes.auroc
    return TargetValues(
        target=found.targets.astype(np.int32),
        n=found.n.astype(np.int32),
        sse=nothing
        if binary
        else np.bincount(place, weights=error * error, minlength=len(nothing)).astype(np.float32),
        pearson=nothing if binary else found.pearson.astype(np.float32),
        spearman=nothing if binary else found.spearman.astype(np.float32),
        ci=nothing if binary else found.concordance_index.astype(np.float32),
        auroc=auroc,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class TargetTable:
    """The values of several models, folds and seeds; `with_values` gives a new table.

    Attributes:
        entries: values by model, fold and seed.
    """

    entries: Mapping[Key, TargetValues] = dataclasses.field(default_factory=lambda: MappingProxyType({}))

    def with_values(self, later: Mapping[Key, TargetValues]) -> TargetTable:
        """This table with later entries added; one of the same key replaces."""
        return TargetTable(MappingProxyType({**self.entries, **later}))

    def without(self, keys: Iterable[Key]) -> TargetTable:
        """This table without these entries."""
        gone = set(keys)
        return TargetTable(MappingProxyType({k: v for k, v in self.entries.items() if k not in gone}))

    def write(self, path: Path) -> None:
        """Write the table, ordered by model, fold, seed and target, whole or not at all.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        keys = sorted(self.entries)
        counts = [len(self.entries[key].target) for key in keys]
        columns: dict[str, Any] = {
            "model": [key[0] for key, count in zip(keys, counts, strict=True) for _ in range(count)],
            "fold": np.repeat(np.array([key[1] for key in keys], dtype=np.int32), counts),
            "seed": np.repeat(np.array([key[2] for key in keys], dtype=np.int32), counts),
        }
        for field in dataclasses.fields(TargetValues):
            kind = np.int32 if field.name in ("target", "n") else np.float32
            parts = [getattr(self.entries[key], field.name) for key in keys]
            columns[field.name] = np.concatenate([np.empty(0, dtype=kind), *parts]).astype(kind)
        write_numbers(path, columns)

    @classmethod
    def read(cls, path: Path) -> TargetTable:
        """Read the table; an empty one where there is no file.

        Raises:
            TableError: the file is damaged, or holds one target twice for one key.
        """
        if not path.exists():
            return cls()
        kinds: dict[str, type] = {"model": str, "fold": np.int32, "seed": np.int32}
        kinds |= {"target": np.int32, "n": np.int32, **dict.fromkeys(_VALUES, np.float32)}
        columns = read_numbers(path, kinds)
        rows_of: dict[Key, list[int]] = {}
        for row, key in enumerate(
            zip(columns["model"], columns["fold"].tolist(), columns["seed"].tolist(), strict=True)
        ):
            rows_of.setdefault(key, []).append(row)
        entries = {}
        for key, rows in rows_of.items():
            names = [field.name for field in dataclasses.fields(TargetValues)]
            entries[key] = TargetValues(**{name: columns[name][rows] for name in names})
            if len(np.unique(entries[key].target)) < len(rows):
                raise TableError(f"{path}: {key[0]}, fold {key[1]}, seed {key[2]} holds a target twice.")
        return cls(MappingProxyType(entries))
