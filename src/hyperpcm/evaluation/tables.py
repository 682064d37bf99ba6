"""Results as a table for people: means over folds, the best null, and where the model is not better."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np

from hyperpcm.errors import TableError
from hyperpcm.evaluation.results import ResultRow

__all__ = [
    "NULL_ROWS",
    "Comparison",
    "best_null",
    "better_than_all",
    "by_fold",
    "compare",
    "render_table",
]

NULL_ROWS: Final = (
    "compound_mean",
    "target_mean",
    "additive",
    "kernel_knn",
    "gbm",
    "ligand_only",
    "raw_string",
    "hyperpcm_shuffled",
)
"""Rows that know less than a model should; the best of them in each column is marked."""

LOWER_IS_BETTER: Final = frozenset({"mse", "rmse", "mae", "brier", "log_loss", "ece", "per_target.mse"})

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mse": "MSE",
        "rmse": "RMSE",
        "mae": "MAE",
        "r2": "R²",
        "ci": "CI",
        "rm2": "r_m²",
        "auroc": "AUROC",
        "auprc": "AUPRC",
        "mcc": "MCC",
        "ef1": "EF 1 %",
        "bedroc": "BEDROC",
        "brier": "Brier score",
        "log_loss": "log loss",
        "ece": "ECE",
        "per_target.pearson": "r per target",
        "per_target.spearman": "ρ per target",
        "per_target.mse": "MSE per target",
        "per_target.ci": "CI per target",
        "per_target.auroc": "AUROC per target",
        "per_target.bedroc": "BEDROC per target",
        "per_target.mcc": "MCC per target",
        "per_target.roc_enrichment_0.5": "ROC enr. 0.5 %",
        "per_target.roc_enrichment_1": "ROC enr. 1 %",
        "per_target.roc_enrichment_2": "ROC enr. 2 %",
        "per_target.roc_enrichment_5": "ROC enr. 5 %",
    }
)

DEFAULT_METRICS: Final = (
    "mse",
    "ci",
    "rm2",
    "auroc",
    "auprc",
    "mcc",
    "log_loss",
    "per_target.pearson",
    "per_target.auroc",
)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One model beside another in one metric, over the folds that both have.

    Attributes:
        model: the one in question.
        other: the one it is compared with.
        metric: name, ``per_target.`` before those of the per-target means.
        folds: over how many folds.
        mean: of the model.
        other_mean: of the other one, on the same folds.
        difference: model minus other, mean over folds.
        low: lower end of the 95 % interval of the difference; nan for fewer than two folds.
        high: upper end.
    """

    model: str
    other: str
    metric: str
    folds: int
    mean: float
    other_mean: float
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the model is better in the mean over folds; false for a tie."""
        return self.difference < 0 if self.metric in LOWER_IS_BETTER else self.difference > 0

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def sentence(self) -> str:
        """What the comparison says, in one plain sentence."""
        title = TITLES.get(self.metric, self.metric)
        verdict = "is better than" if self.is_better else "is not better than"
        numbers = f"{self.mean:.3f} against {self.other_mean:.3f}"
        if math.isnan(self.low):
            return f"{self.model} {verdict} {self.other} in {title}: {numbers}, on one fold only."
        doubt = "" if self.is_decided else "; the interval includes 0, so the folds do not decide"
        return (
            f"{self.model} {verdict} {self.other} in {title}: {numbers} over {self.folds} folds "
            f"(difference {self.difference:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}{doubt})."
        )


def compare(
    rows: Iterable[ResultRow], other: str, metric: str, *, model: str = "hyperpcm"
) -> Comparison | None:
    """Compare two models fold by fold in one metric.

    Seeds of one fold are averaged first. The interval is that of a paired t-test over folds. Folds share
    training rows, so it is somewhat too narrow.

    Args:
        rows: of a results file.
        other: what is compared with.
        metric: such as ``mse`` or ``per_target.pearson``.
        model: what is compared.

    Returns:
        The comparison, or None where no fold has the metric for both.
    """
    every = list(rows)
    ours, theirs = by_fold(every, model, metric), by_fold(every, other, metric)
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return None
    one = np.array([ours[fold] for fold in shared])
    two = np.array([theirs[fold] for fold in shared])
    difference = one - two
    half = math.nan
    if len(shared) > 1:
        from scipy.stats import t

        half = float(t.ppf(0.975, len(shared) - 1)) * float(difference.std(ddof=1)) / math.sqrt(len(shared))
    centre = float(difference.mean())
    return Comparison(
        model=model,
        other=other,
        metric=metric,
        folds=len(shared),
        mean=float(one.mean()),
        other_mean=float(two.mean()),
        difference=centre,
        low=centre - half,
        high=centre + half,
    )


def render_table(
    rows: Iterable[ResultRow],
    *,
    model: str = "hyperpcm",
    metrics: Sequence[str] = DEFAULT_METRICS,
    style: Literal["markdown", "plain"] = "markdown",
) -> str:
    """A table of mean ± standard deviation over folds, differences to the model, and sentences.

    The best null of each column carries a ``*``. A second table gives the difference of the model to
    every other row with its 95 % interval. Then follows a sentence for each null and metric where the
    model is not better.

    Args:
        rows: of a results file.
        model: the row that the others are compared with; it need not be there.
        metrics: columns, left out where no row has them.
        style: Markdown, or aligned columns for a terminal.

    Raises:
        TableError: there are no rows.
    """
    every = list(rows)
    if not every:
        raise TableError("there are no results to make a table of.")
    models = list(dict.fromkeys(row.model for row in every))
    models.sort(key=lambda name: (name != model, name in NULL_ROWS))
    shown = [metric for metric in metrics if any(by_fold(every, name, metric) for name in models)]
    titles = [TITLES.get(metric, metric) for metric in shown]
    means = [[name, _folds_of(every, name), *_means(every, models, name, shown)] for name in models]
    blocks = [_laid_out(["model", "folds", *titles], means, style)]
    best = "* best null in this column; mean ± standard deviation over folds."
    blocks.append(best if any(name in NULL_ROWS for name in models) else best.partition("; ")[2].capitalize())
    others = [name for name in models if name != model]
    if model in models and others:
        lines = [
            [name, *(_difference(compare(every, name, m, model=model)) for m in shown)] for name in others
        ]
        blocks.append(_laid_out([f"{model} minus", *titles], lines, style))
        blocks.append("Paired differences over shared folds with 95 % t-intervals.")
        blocks.append(_sentences(every, model, [name for name in others if name in NULL_ROWS], shown))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _value(row: ResultRow, metric: str) -> float | None:
    found: Any = row.metrics
    for part in metric.split(".", 1):  # the name of a metric may hold a point itself
        found = found.get(part) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, (int, float)) and math.isfinite(found) else None


def by_fold(rows: list[ResultRow], model: str, metric: str) -> dict[int, float]:
    """Mean over seeds of a metric, by fold; folds without it are left out."""
    values: dict[int, list[float]] = {}
    for row in rows:
        value = _value(row, metric) if row.model == model else None
        if value is not None:
            values.setdefault(row.fold, []).append(value)
    return {fold: float(np.mean(found)) for fold, found in values.items()}


def _folds_of(rows: list[ResultRow], model: str) -> str:
    return str(len({row.fold for row in rows if row.model == model}))


def _means(rows: list[ResultRow], models: list[str], model: str, metrics: Sequence[str]) -> list[str]:
    cells = []
    for metric in metrics:
        values = list(by_fold(rows, model, metric).values())
        if not values:
            cells.append("–")
            continue
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        star = " *" if model == best_null(rows, models, metric) else ""
        cells.append(f"{np.mean(values):.3f}{spread}{star}")
    return cells


def best_null(
    rows: list[ResultRow], models: list[str], metric: str, nulls: Collection[str] = NULL_ROWS
) -> str | None:
    """The null with the best mean over the folds that all nulls with this metric share."""
    found = {name: by_fold(rows, name, metric) for name in models if name in nulls}
    found = {name: values for name, values in found.items() if values}
    shared = set.intersection(*(set(values) for values in found.values())) if found else set()
    if not shared:
        return None
    sign = 1 if metric in LOWER_IS_BETTER else -1
    return min(found, key=lambda name: sign * float(np.mean([found[name][fold] for fold in sorted(shared)])))


def _difference(comparison: Comparison | None) -> str:
    if comparison is None:
        return "–"
    if math.isnan(comparison.low):
        return f"{comparison.difference:+.3f}"
    return f"{comparison.difference:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"


def _sentences(rows: list[ResultRow], model: str, nulls: list[str], metrics: Sequence[str]) -> str:
    """One line for each null and metric where the model is not better, or one that says there is none."""
    found = [compare(rows, null, metric, model=model) for metric in metrics for null in nulls]
    compared = [one for one in found if one is not None]
    worse = [one.sentence() for one in compared if not one.is_better]
    if not compared:
        return ""
    if not worse:
        return better_than_all(model, compared)
    return "\n".join(f"- {sentence}" for sentence in worse)


def better_than_all(model: str, compared: Collection[Comparison]) -> str:
    """What is said where the model is better in every comparison with a null: in how many not for certain."""
    undecided = sum(not one.is_decided for one in compared)
    doubt = f" In {undecided} of {len(compared)} comparisons the folds do not decide." if undecided else ""
    return f"{model} is better than every null in every metric above.{doubt}"


def _laid_out(header: list[str], lines: list[list[str]], style: str) -> str:
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    padded = [
        [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in [header, *lines]
    ]
    rules = [":" + "-" * (w - 1) if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    if style == "markdown":
        cells = [padded[0], rules, *padded[1:]]
        return "\n".join("| " + " | ".join(line) + " |" for line in cells)
    cells = [padded[0], ["-" * w for w in widths], *padded[1:]]
    return "\n".join("  ".join(line).rstrip() for line in cells)
