"""How good the model is beside the nulls: the table, the verdicts and the sentences of the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.evaluation.report.words import clean, count, decimals, joined_name, listed, metric_title
from hyperpcm.evaluation.results import ResultRow
from hyperpcm.evaluation.tables import (
    DEFAULT_METRICS,
    LOWER_IS_BETTER,
    NULL_ROWS,
    Comparison,
    best_null,
    by_fold,
    compare,
)

__all__ = ["Tile", "headline_metrics", "skill_view", "tiles"]

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "compound_mean": "mean training label of the compound; knows no protein",
        "target_mean": "mean training label of the target; knows no compound",
        "additive": "compound mean plus target mean; no interplay of the two",
        "kernel_knn": "labels of similar compounds at similar targets, averaged; nothing is trained",
        "gbm": "gradient boosting on compound and protein features",
        "ligand_only": "a model of the compound alone",
        "raw_string": "a model of the spelling of the SMILES",
        "hyperpcm_shuffled": "the same model with the proteins exchanged between targets",
    }
)
"""What each null knows, for readers of the table."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "better": "better in",
        "undecided": "better on average, though the folds do not decide, in",
        "worse": "not better in",
    }
)
_BESIDE: Final[Mapping[str, str]] = MappingProxyType(
    {"better": "better than", "undecided": "not surely better than", "worse": "not better than"}
)


@dataclasses.dataclass(frozen=True)
class Tile:
    """One headline number.

    Attributes:
        title: of the metric.
        value: of the model.
        verdict: ``better``, ``undecided``, ``worse`` or ``alone`` where there is no null.
        says: the verdict in words.
    """

    title: str
    value: str
    verdict: str
    says: str


def headline_metrics(quantity: Quantity) -> tuple[str, ...]:
    """The metrics that verdicts are given in."""
    if quantity.kind == "binary":
        return ("auroc", "auprc", "per_target.auroc")
    return ("mse", "ci", "per_target.pearson")


def tiles(rows: Sequence[ResultRow], model: str, quantity: Quantity) -> list[Tile]:
    """The model's headline numbers, each beside the best null; empty where the model has no row."""
    every, found = list(rows), []
    for metric in headline_metrics(quantity):
        values = list(by_fold(every, model, metric).values())
        if not values:
            continue
        best = best_null(every, list(NULL_ROWS), metric)
        comparison = None if best is None else compare(rows, best, metric, model=model)
        value = decimals(float(np.mean(values)))
        if comparison is None:
            found.append(Tile(metric_title(metric), value, "alone", "no null to compare with"))
            continue
        verdict = _verdict(comparison)
        says = f"{_BESIDE[verdict]} the best null, {clean(best)} ({decimals(comparison.other_mean)})"
        found.append(Tile(metric_title(metric), value, verdict, says))
    return found


def skill_view(rows: Sequence[ResultRow], model: str, quantity: Quantity) -> dict[str, Any]:
    """The table (``header``, ``lines``), the ``verdict``, one sentence per null and ``meanings`` of nulls."""
    every = list(rows)
    names = sorted(
        dict.fromkeys(row.model for row in rows), key=lambda name: (name != model, name in NULL_ROWS)
    )
    shown = [metric for metric in DEFAULT_METRICS if any(by_fold(every, name, metric) for name in names)]
    best = {metric: best_null(every, names, metric) for metric in shown}
    header = [{"title": metric_title(one), "arrow": "↓" if one in LOWER_IS_BETTER else "↑"} for one in shown]
    lines = [_line(every, name, model, shown, best) for name in names]
    nulls = [name for name in names if name in NULL_ROWS]
    compared = {null: _comparisons(rows, null, model, headline_metrics(quantity)) for null in nulls}
    compared = {null: found for null, found in compared.items() if found}
    return {
        "header": header,
        "lines": lines,
        "verdict": _overall(compared, model, any(row.model == model for row in rows)),
        "sentences": [(null, _sentence(found)) for null, found in compared.items()],
        "meanings": [(null, MEANINGS[null]) for null in nulls],
        "folds": len({row.fold for row in rows}),
    }


def _line(
    every: list[ResultRow], name: str, model: str, shown: list[str], best: Mapping[str, str | None]
) -> dict[str, Any]:
    """One row of the table: a model with its mean ± standard deviation of each metric."""
    cells = []
    for metric in shown:
        values = list(by_fold(every, name, metric).values())
        spread = f"± {decimals(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
        mean = decimals(float(np.mean(values))) if values else "–"
        cells.append({"mean": mean, "spread": spread, "best": best[metric] == name})
    own = [row for row in every if row.model == name]
    return {
        "name": name,
        "title": joined_name(name),
        "is_model": name == model,
        "is_null": name in NULL_ROWS,
        "folds": len({row.fold for row in own}),
        "n": count(sum({row.fold: row.n for row in own}.values())),
        "cells": cells,
    }


def _comparisons(
    rows: Sequence[ResultRow], null: str, model: str, metrics: Sequence[str]
) -> list[Comparison]:
    found = [compare(rows, null, metric, model=model) for metric in metrics]
    return [one for one in found if one is not None]


def _verdict(comparison: Comparison) -> str:
    """``better`` or ``worse`` (or equal) in the mean; ``undecided``: better, and the folds leave it open."""
    if not comparison.is_better:
        return "worse"
    return "undecided" if comparison.folds > 1 and not comparison.is_decided else "better"


def _sentence(found: Sequence[Comparison]) -> str:
    """Against one null: in which metrics the model is better, with both numbers."""
    parts = []
    for verdict, words in _WORDS.items():
        those = [
            f"{metric_title(one.metric)} ({decimals(one.mean)} against {decimals(one.other_mean)})"
            for one in found
            if _verdict(one) == verdict
        ]
        if those:
            parts.append(f"{words} {listed(those)}")
    return f"{'; '.join(parts)}."


def _overall(compared: Mapping[str, Sequence[Comparison]], model: str, is_there: bool) -> str:
    """The one plain sentence: whether the model beats the nulls, and where not."""
    name = clean(model)
    if not is_there:
        return f"There is no row of {name}: only the nulls were evaluated."
    if not compared:
        return f"No null was evaluated beside {name}: what its numbers are worth cannot be told."
    every = [one for found in compared.values() for one in found]
    titles = listed(dict.fromkeys(metric_title(one.metric) for one in every))
    only = " This is one fold only; other folds may turn out otherwise." if every[0].folds == 1 else ""
    worse, undecided = _where(compared, "worse"), _where(compared, "undecided")
    doubt = (
        f" It is better on average than {undecided}, but the folds do not decide that." if undecided else ""
    )
    if worse:
        return f"{name} is not better than every null: it is not better than {worse}.{doubt}{only}"
    return f"{name} is better than every null evaluated here in {titles}.{doubt}{only}"


def _where(compared: Mapping[str, Sequence[Comparison]], verdict: str) -> str:
    """Which nulls had this verdict, and in what: ``gbm (MSE) and kernel_knn (CI)``."""
    parts = []
    for null, found in compared.items():
        titles = [metric_title(one.metric) for one in found if _verdict(one) == verdict]
        if titles:
            parts.append(f"{clean(null)} ({listed(titles)})")
    return listed(parts)
