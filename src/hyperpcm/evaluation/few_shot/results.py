"""Few-shot results as files: one part per row, fold and seed, and the summary of one data set.

A part holds the numbers of every target, so that folds can be added later and methods compared in pairs; it
lies at ``<folder>/fewshot/<name>/<row>/fold-<fold>-seed-<seed>.json``. The summary, at
``<folder>/fewshot/<name>.json``, holds ``{"default", "zero_shot", "reference", "adapters": {adapter: {k:
…}}, "rivals": {model: {adapter: {k: …}}}, "protocol", "folds", "seeds", "draws", "versions", "commit",
"machine"}``; its entries are those of `statistics.curve_record`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import OutputError, TableError
from hyperpcm.evaluation.few_shot.curves import METRICS, Curves
from hyperpcm.evaluation.few_shot.statistics import curve_record
from hyperpcm.evaluation.results import read_json
from hyperpcm.evaluation.surroundings import Surroundings

__all__ = [
    "LABELS_ROW",
    "FewShotPart",
    "check_protocol",
    "part_path",
    "read_parts",
    "summarise",
    "summary_path",
]

Floats = npt.NDArray[np.float64]

LABELS_ROW: Final = "labels"
"""The row of the methods that know nothing of a zero-shot model."""

_DECIMALS: Final = 5


@dataclasses.dataclass(frozen=True, eq=False)
class FewShotPart:
    """The curves of one row on one fold, target by target.

    Attributes:
        protocol: how the numbers were made; parts of one summary share it.
        row: the zero-shot model, or `LABELS_ROW`.
        fold: number of the fold, from 0.
        seed: what the zero-shot model was seeded with.
        targets: position of each target on the axis of the table [t].
        curves: adapter → k → metric → one number for each target [t].
        seconds: wall-clock time of fitting, scoring and adapting.
        where: versions, commit and machine.
        settings: digest of what the row was made with; None where it is not known.
        peak_mb: peak memory of the process, in 10⁶ bytes; None where it is not known.
    """

    protocol: Mapping[str, Any]
    row: str
    fold: int
    seed: int
    targets: npt.NDArray[np.int64]
    curves: Curves
    seconds: float
    where: Surroundings
    settings: str | None = None
    peak_mb: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The part as JSON-able objects; numbers keep five decimals, nan becomes null."""
        return {
            "protocol": dict(self.protocol),
            "row": self.row,
            "fold": self.fold,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "versions": dict(self.where.versions),
            "commit": self.where.commit,
            "machine": dict(self.where.machine),
            "settings": self.settings,
            "peak_mb": self.peak_mb,
            "targets": self.targets.tolist(),
            "curves": {
                adapter: {
                    str(k): {metric: _listed(values) for metric, values in found.items()}
                    for k, found in curve.items()
                }
                for adapter, curve in self.curves.items()
            },
        }

    def write(self, path: Path) -> None:
        """Write `as_dict` as JSON, whole or not at all.

        Raises:
            OutputError: the folder cannot be made or written to.
            DiskFullError: no space is left.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: its folder cannot be made ({error.strerror}).") from error
        text = json.dumps(self.as_dict(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        with atomic_file(path, overwrite=True) as stream:
            stream.write(text.encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> FewShotPart:
        """Read a part.

        Raises:
            TableError: no such file, or it does not hold a part.
        """
        return cls.from_dict(read_json(path), path)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], where_from: Path | str) -> FewShotPart:
        """The part that `as_dict` gave.

        Args:
            record: as read from JSON.
            where_from: what an error begins with.

        Raises:
            TableError: it does not hold a part.
        """
        try:
            targets = np.array(record["targets"], dtype=np.int64)
            curves = {
                adapter: {
                    int(k): {metric: _array(found[metric], len(targets)) for metric in METRICS}
                    for k, found in curve.items()
                }
                for adapter, curve in record["curves"].items()
            }
            where = Surroundings(record["versions"], record["commit"], record["machine"])
            return cls(
                record["protocol"],
                str(record["row"]),
                int(record["fold"]),
                int(record["seed"]),
                targets,
                curves,
                float(record["seconds"]),
                where,
                record.get("settings"),
                record.get("peak_mb"),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TableError(f"{where_from}: this is not a part of few-shot results ({error!r}).") from error


def part_path(folder: Path, name: str, row: str, fold: int, seed: int) -> Path:
    """Where a part lies below ``folder``."""
    return folder / "fewshot" / name / row / f"fold-{fold}-seed-{seed}.json"


def summary_path(folder: Path, name: str) -> Path:
    """Where the summary of a benchmark lies below ``folder``."""
    return folder / "fewshot" / f"{name}.json"


def read_parts(folder: Path, name: str) -> list[FewShotPart]:
    """All parts of a benchmark that are there, by row, fold and seed.

    Raises:
        TableError: a file that is not a part, or parts of different protocols.
    """
    parts = [FewShotPart.read(path) for path in sorted((folder / "fewshot" / name).glob("*/fold-*.json"))]
    for part in parts[1:]:
        check_protocol(name, part, parts[0].protocol)
    return sorted(parts, key=lambda part: (part.row, part.fold, part.seed))


def check_protocol(name: str, part: FewShotPart, protocol: Mapping[str, Any]) -> None:
    """Refuse a part that was made under another protocol.

    Raises:
        TableError: naming what differs.
    """
    if part.protocol != protocol:
        keys = sorted({*part.protocol, *protocol})
        differ = [key for key in keys if part.protocol.get(key) != protocol.get(key)]
        raise TableError(
            f"{name}: fold {part.fold} of {part.row!r} was made under another protocol "
            f"({', '.join(differ)} differ). Run it again."
        )


def summarise(
    parts: Sequence[FewShotPart], *, zero_shot: str, default: str, reference: str | None, seed: int = 0
) -> dict[str, Any]:
    """The summary of all parts, ready for `hyperpcm.evaluation.results.write_json`.

    The seeds that a fold has are averaged target by target; targets of all folds are pooled, each once. A
    model is summarised over the folds that it shares with `LABELS_ROW`.

    Args:
        parts: of one protocol.
        zero_shot: the model whose adapters stand under ``adapters``; other models stand under ``rivals``.
        default: the adapter that is used where nobody chooses.
        reference: the adapter that others are compared with beside ``none``; None: with none.
        seed: of the bootstrap.

    Raises:
        TableError: no part of the zero-shot model, a default or reference that no part has, a target in two
            folds, parts of one row with other adapters, or a model and `LABELS_ROW` with other targets.
    """
    rows: dict[str, list[FewShotPart]] = {}
    for part in parts:
        rows.setdefault(part.row, []).append(part)
    if zero_shot not in rows:
        raise TableError(f"there are no few-shot results of the zero-shot model {zero_shot!r} yet.")
    labels = rows.pop(LABELS_ROW, [])
    models: dict[str, dict[str, Any]] = {}
    for model, own in rows.items():
        folds = {part.fold for part in own}
        shared = sorted(folds & {part.fold for part in labels}) if labels else sorted(folds)
        if shared:
            targets, curves = _pooled([part for part in own if part.fold in shared])
            if labels:
                others, of_labels = _pooled([part for part in labels if part.fold in shared])
                if not np.array_equal(targets, others):
                    raise TableError(
                        f"{model!r} and {LABELS_ROW!r} were measured on other targets in folds "
                        f"{', '.join(map(str, shared))}, so they cannot be compared. Run one of them again."
                    )
                curves |= of_labels
            adapters = _records(curves, reference, default, model, seed)
            models[model] = {"folds": shared, "adapters": adapters}
    if zero_shot not in models:
        raise TableError(f"{zero_shot!r} and {LABELS_ROW!r} have no fold in common yet.")
    if default not in models[zero_shot]["adapters"]:
        known = ", ".join(models[zero_shot]["adapters"])
        raise TableError(f"the default adapter {default!r} has no results. There are: {known}.")
    main = models.pop(zero_shot)
    latest = rows[zero_shot][-1]
    return {
        "default": default,
        "zero_shot": zero_shot,
        "reference": reference,
        "adapters": main["adapters"],
        "rivals": {model: found["adapters"] for model, found in models.items()},
        "protocol": dict(latest.protocol),
        "folds": main["folds"],
        "folds_of_rivals": {model: found["folds"] for model, found in models.items()},
        "seeds": sorted({part.seed for part in rows[zero_shot]}),
        "draws": latest.protocol.get("draws"),
        "versions": dict(latest.where.versions),
        "commit": latest.where.commit,
        "commits": sorted({str(part.where.commit) for part in parts}),
        "machine": dict(latest.where.machine),
    }


def _records(
    curves: dict[str, dict[int, dict[str, Floats]]],
    reference: str | None,
    default: str,
    model: str,
    seed: int,
) -> dict[str, Any]:
    if reference is not None and reference not in curves:
        raise TableError(
            f"{model!r}: the reference {reference!r} has no results. Known: {', '.join(curves)}."
        )
    if "none" not in curves:
        raise TableError(f"{model!r}: the zero-shot scores themselves ('none') have no results.")
    against = None if reference is None else curves[reference]
    usual = curves.get(default)
    return {
        name: curve_record(curve, curves["none"], against, usual, seed=seed) for name, curve in curves.items()
    }


def _pooled(
    parts: Sequence[FewShotPart],
) -> tuple[npt.NDArray[np.int64], dict[str, dict[int, dict[str, Floats]]]]:
    """The targets of all folds, ascending, and the curves over them; the mean over seeds of each fold."""
    row = parts[0].row
    for part in parts[1:]:
        strange = sorted(set(part.curves) ^ set(parts[0].curves))
        if strange:
            raise TableError(
                f"{row!r}: folds {parts[0].fold} and {part.fold} were not measured with the same adapters "
                f"({', '.join(strange)}). Run the older one again."
            )
    targets = np.unique(np.concatenate([part.targets for part in parts]))
    seeds = Counter(part.fold for part in parts)
    owner = np.full(len(targets), -1)
    for part in parts:
        place = np.searchsorted(targets, part.targets)
        if ((owner[place] >= 0) & (owner[place] != part.fold)).any():
            raise TableError(f"{row!r}: a target stands in two folds; this is no split by target.")
        owner[place] = part.fold
    pooled: dict[str, dict[int, dict[str, Floats]]] = {}
    for name, curve in parts[0].curves.items():
        pooled[name] = {}
        for k in curve:
            pooled[name][k] = {metric: np.zeros(len(targets)) for metric in METRICS}
            for part in parts:
                place = np.searchsorted(targets, part.targets)
                for metric in METRICS:
                    pooled[name][k][metric][place] += part.curves[name][k][metric] / seeds[part.fold]
    return targets, pooled


def _listed(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else round(value, _DECIMALS) for value in values.tolist()]


def _array(values: Sequence[float | None], n: int) -> Floats:
    array = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"{array.size} numbers for {n} targets")
    return array
