"""The figures of a card, read from the results files of benchmarks: nothing on a card was typed by hand."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hyperpcm.errors import TableError
from hyperpcm.evaluation.paired import bootstrap_ratio, compare_targets
from hyperpcm.evaluation.results import AccuracyResults, read_json
from hyperpcm.evaluation.target_values import TargetTable
from hyperpcm.pretrained.families import FAMILIES

__all__ = ["ACCURACY", "COVERAGE", "FAMILY_SPLIT", "card_figures"]


@dataclass(frozen=True)
class _Question:
    """What a results file asks of a model, with the words of a card."""

    split: str
    title: str
    about: str


ACCURACY: Final = (
    _Question(
        "homology_target",
        "Proteins unlike every known one",
        "Proteins are held out as whole clusters of relatives, so no known protein resembles the asked one. "
        "This is the hardest question, and what to expect of a protein that is new to science.",
    ),
    _Question(
        "cold_target",
        "Proteins that were never measured, relatives known",
        "Proteins are held out one by one; for most of them a relative, often the same protein of another "
        "animal, stays known. This is what to expect of a new member of a known family.",
    ),
    _Question(
        "pseudo_temporal",
        "Compounds registered later",
        "The compounds with the highest numbers of registration are held out: new chemistry on known "
        "proteins.",
    ),
    _Question(
        "forward",
        "Compounds that this release of ChEMBL did not contain",
        "Measured after ChEMBL 20 was released, on known proteins: a forecast that could not be peeked at.",
    ),
)
"""The divisions whose results stand on a card, in this order."""
FAMILY_SPLIT: Final = "homology_target"
"""The one whose targets are told apart by family."""
COVERAGE: Final = "trust"
"""Folder of the results that tell how many labels intervals hold."""

_METRICS: Final = ("per_target.auroc", "per_target.spearman")
_REFERENCE: Final = "hyperpcm"
_LEAST_TARGETS: Final = 5  # of a family that has a line of its own


def card_figures(results: Path, data: Sequence[str], families: Mapping[str, Path]) -> dict[str, Any]:
    """Return the figures of a card (JSON values); equal files give equal figures.

    Args:
        results: folder of the results, as ``benchmarks/results``.
        data: names of the data sets whose results count, those first that are nearer to the model's own: of
            each division the first that has results is taken.
        families: by name of a data set, the table of the families of its targets.

    Raises:
        TableError: a file cannot be read, or no division has results.
    """
    found: dict[str, Any] = {"accuracy": [], "families": None, "coverage": None}
    for question in ACCURACY:
        for name in data:
            path = results / "accuracy" / name / f"{question.split}.json"
            if path.is_file():
                content = AccuracyResults.read(path)
                table = TargetTable.read(path.with_suffix(".targets.parquet"))
                if not any(row.model == _REFERENCE for row in content.rows):
                    continue
                found["accuracy"].append(_accuracy(question, name, path, results, content, table))
                if question.split == FAMILY_SPLIT and name in families:
                    found["families"] = _by_family(name, families[name], table)
                break
    if not found["accuracy"]:
        raise TableError(
            f"{results}: holds no results of {' or '.join(data)}, of which a card could be made."
        )
    found["coverage"] = _coverage(results, data)
    return found


def _accuracy(
    question: _Question,
    data: str,
    path: Path,
    results: Path,
    content: AccuracyResults,
    table: TargetTable,
) -> dict[str, Any]:
    """The rows of one results file, and the model minus each other row, over targets."""
    own = [row for row in content.rows if row.model == _REFERENCE]
    names = list(dict.fromkeys(row.model for row in content.rows))
    names.sort(key=lambda name: (name != _REFERENCE, name))
    return {
        "split": question.split,
        "title": question.title,
        "about": question.about,
        "data": data,
        "file": path.relative_to(results).as_posix(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "folds": sorted({row.fold for row in own}),
        "of_folds": int(content.protocol["folds"]),
        "rows": [_row(table, name) for name in names],
        "commits": {str(row.fold): row.commit or content.commit or "" for row in own},
    }


def _row(table: TargetTable, name: str) -> dict[str, Any]:
    """Means over targets of one row, on the folds that it has, and the model minus it on the same targets."""
    row: dict[str, Any] = {
        "model": name,
        "folds": sorted({key[1] for key in table.entries if key[0] == name}),
    }
    for metric in _METRICS:
        short = metric.removeprefix("per_target.")
        values = _values(table, name, short)
        row[short] = _rounded(float(np.mean(list(values.values())))) if values else None
        row[f"{short}_targets"] = len(values)
        compared = None if name == _REFERENCE else compare_targets(table, name, metric)
        if compared is not None:
            row[f"{short}_difference"] = {
                "mean": _rounded(compared.difference),
                "low": _rounded(compared.low),
                "high": _rounded(compared.high),
                "targets": compared.targets,
            }
    return row


def _values(table: TargetTable, name: str, metric: str) -> dict[int, float]:
    """The mean over folds and seeds of a metric by target, where it has one."""
    found: dict[int, list[float]] = {}
    for (model, _, _), entry in table.entries.items():
        if model == name:
            values = getattr(entry, metric)
            for target, value in zip(entry.target.tolist(), values.tolist(), strict=True):
                if value == value:
                    found.setdefault(target, []).append(value)
    return {target: float(np.mean(values)) for target, values in found.items()}


def _by_family(data: str, path: Path, table: TargetTable) -> dict[str, Any]:
    """Means over the targets of each family, with intervals; small families stand together at the end."""
    family = _read_families(path)
    groups: dict[str, list[int]] = {name: [] for name in FAMILIES}
    spearman, auroc = _values(table, _REFERENCE, "spearman"), _values(table, _REFERENCE, "auroc")
    for target in spearman:
        groups[family[target]].append(target)
    errors = _squared_errors(table)
    rows = []
    small = [one for members in groups.values() if len(members) < _LEAST_TARGETS for one in members]
    large = {name: members for name, members in groups.items() if len(members) >= _LEAST_TARGETS}
    for name, members in [*large.items(), ("families of fewer than 5 targets", small)]:
        if members:
            rows.append(
                {
                    "family": name,
                    "targets": len(members),
                    "spearman": _mean_of([spearman[one] for one in members]),
                    "auroc": _mean_of([auroc[one] for one in members if one in auroc]),
                    "rmse": _rounded(
                        float(
                            np.sqrt(
                                sum(errors[one][0] for one in members)
                                / sum(errors[one][1] for one in members)
                            )
                        )
                    ),
                }
            )
    return {"data": data, "split": FAMILY_SPLIT, "sha256": _digest(path), "rows": rows}


def _squared_errors(table: TargetTable) -> dict[int, tuple[float, int]]:
    """Sum of squared errors and number of labels by target."""
    found: dict[int, tuple[float, int]] = {}
    for (model, _, _), entry in table.entries.items():
        if model == _REFERENCE:
            for target, sse, n in zip(
                entry.target.tolist(), entry.sse.tolist(), entry.n.tolist(), strict=True
            ):
                before = found.get(target, (0.0, 0))
                found[target] = (before[0] + sse, before[1] + n)
    return found


def _mean_of(values: Sequence[float]) -> dict[str, Any] | None:
    """A mean over targets with the interval from resampling them; None where there are no targets."""
    if not values:
        return None
    above = np.array(values, dtype=np.float64)
    low, high = bootstrap_ratio(above, np.ones_like(above)) if len(above) > 1 else (None, None)
    bounds = {"low": None if low is None else _rounded(low), "high": None if high is None else _rounded(high)}
    return {"mean": _rounded(float(above.mean())), **bounds, "targets": len(above)}


def _read_families(path: Path) -> dict[int, str]:
    """The family of each target by its number.

    Raises:
        TableError: the table cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return {int(row["target"]): row["family"] for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError) as error:
        raise TableError(f"{path}: the families of targets cannot be read ({error}).") from error


def _coverage(results: Path, data: Sequence[str]) -> dict[str, Any] | None:
    """How many labels of new targets intervals held, by the results of a trust benchmark."""
    for name in data:
        path = results / COVERAGE / f"{name}.json"
        if path.is_file():
            record = read_json(path)
            kinds = {
                name: _shares(record[name]) for name in ("new_targets", "known_targets") if name in record
            }
            return {
                "data": name,
                "file": path.relative_to(results).as_posix(),
                "sha256": _digest(path),
                "commits": {str(part["fold"]): part.get("commit") or "" for part in record["parts"]},
                "split": record["protocol"]["split"],
                "coverage": _shares(record),
                "coverage_of_kinds": kinds,
                "rmse_by_verdict": {
                    key: _rounded(float(value)) for key, value in record["rmse_by_verdict"].items()
                },
            }
    return None


def _shares(record: Mapping[str, Any]) -> dict[str, float]:
    """How many labels the intervals of each level held."""
    return {level: _rounded(float(share)) for level, share in record["coverage"].items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rounded(value: float) -> float:
    return round(value, 4)
