"""The results file of one speed comparison: ours beside something else, measured side by side."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperpcm.errors import LabelError, TableError
from hyperpcm.evaluation.results import read_json, write_json
from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["Performance", "performance_path"]


@dataclasses.dataclass(frozen=True)
class Performance:
    """One comparison, as it lies at ``<folder>/performance/<name>.json``.

    Attributes:
        name: such as ``train_step_published``.
        ours: what this package reached, in ``unit``.
        against: what the other one reached, in ``unit``.
        ratio: how many times as fast ours is; above 1 it is faster.
        unit: such as ``pairs/s`` or ``s``.
        detail: what was compared, sizes, repeats, memory.
        versions: as in `surroundings.Surroundings`.
        commit: likewise.
        machine: likewise.
    """

    name: str
    ours: float
    against: float
    ratio: float
    unit: str
    detail: Mapping[str, Any]
    versions: Mapping[str, str]
    commit: str | None
    machine: Mapping[str, Any]

    @classmethod
    def of_rates(
        cls, name: str, ours: float, against: float, unit: str, detail: Mapping[str, Any], where: Surroundings
    ) -> Performance:
        """A comparison of two rates (more is faster).

        Raises:
            LabelError: a rate that is not a positive number.
        """
        _check(name, ours, against)
        return cls(
            name, ours, against, ours / against, unit, detail, where.versions, where.commit, where.machine
        )

    @classmethod
    def of_times(
        cls, name: str, ours: float, against: float, detail: Mapping[str, Any], where: Surroundings
    ) -> Performance:
        """A comparison of two durations in seconds (less is faster).

        Raises:
            LabelError: a duration that is not a positive number.
        """
        _check(name, ours, against)
        return cls(
            name, ours, against, against / ours, "s", detail, where.versions, where.commit, where.machine
        )

    @classmethod
    def read(cls, path: Path) -> Performance:
        """Read the file of one comparison.

        Raises:
            TableError: no such file, or it holds something else.
        """
        record = read_json(path)
        strange = sorted(set(record) ^ {field.name for field in dataclasses.fields(cls)})
        if strange:
            raise TableError(f"{path}: missing or unknown entries: {', '.join(strange)}.")
        for entry in ("ours", "against", "ratio"):
            if not isinstance(record[entry], (int, float)) or isinstance(record[entry], bool):
                raise TableError(f"{path}: {entry} is {record[entry]!r}, not a number.")
        return cls(**record)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; its folder is made, an older file replaced.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        write_json(path, {field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


def performance_path(folder: Path, name: str) -> Path:
    """Where the comparison of this name lies below ``folder``."""
    return folder / "performance" / f"{name}.json"


def _check(name: str, ours: float, against: float) -> None:
    for value in (ours, against):
        if not (math.isfinite(value) and value > 0):
            raise LabelError(f"{name}: {value} was measured; a positive number is expected.")
