"""Two models on the same targets: the difference, and an interval from resampling targets.

Folds are few and share training rows; targets are many, and a claim about unseen targets is a claim about
them. So targets are what is drawn here: a target brings all it has (folds averaged or summed, seeds
averaged), and both models are always looked at on the same draw.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import TableError
from hyperpcm.evaluation.target_values import TargetTable

__all__ = ["TARGET_METRICS", "TargetComparison", "bootstrap_ratio", "compare_targets"]

Floats = npt.NDArray[np.float64]

TARGET_METRICS: Final = {
    "mse": "sse",
    "per_target.pearson": "pearson",
    "per_target.spearman": "spearman",
    "per_target.ci": "ci",
    "per_target.auroc": "auroc",
}
"""Metrics that have an interval over targets, and the value per target they are made of."""

RESAMPLES: Final = 2000


@dataclasses.dataclass(frozen=True)
class TargetComparison:
    """One model minus another in one metric, over the targets that both were tested on.

    Attributes:
        model: the one in question.
        other: the one it is compared with.
        metric: one of `TARGET_METRICS`; ``mse`` weighs a target by its labels, the others count each once.
        targets: over how many targets.
        difference: model minus other.
        low: lower end of the 95 % interval; nan for fewer than two targets.
        high: upper end.
    """

    model: str
    other: str
    metric: str
    targets: int
    difference: float
    low: float
    high: float


def compare_targets(
    table: TargetTable, other: str, metric: str, *, model: str = "hyperpcm", seed: int = 0
) -> TargetComparison | None:
    """Compare two models target by target.

    Seeds are averaged first, within each target and fold. Only targets and folds that both models have count.
    For ``mse`` the difference is Σ (squared errors of model − of other) / Σ labels over all of them; for the
    others each target counts once, with the mean of its folds.

    Args:
        table: values of both.
        other: what is compared with.
        metric: one of `TARGET_METRICS`.
        model: what is compared.
        seed: of the resampling.

    Returns:
        The comparison, or None where no target has the metric for both.
    """
    ours, theirs = _cells(table, model, metric), _cells(table, other, metric)
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return None
    targets, place = np.unique([target for _, target in shared], return_inverse=True)
    difference = np.array([ours[cell][0] - theirs[cell][0] for cell in shared])
    weight = np.array([ours[cell][1] for cell in shared]) if metric == "mse" else np.ones(len(shared))
    above = np.bincount(place, weights=difference, minlength=len(targets)).astype(np.float64)
    below = np.bincount(place, weights=weight, minlength=len(targets)).astype(np.float64)
    if metric != "mse":
        above, below = above / below, np.ones(len(targets))
    low, high = bootstrap_ratio(above, below, seed=seed)
    return TargetComparison(model, other, metric, len(targets), float(above.sum() / below.sum()), low, high)


def bootstrap_ratio(
    above: Floats, below: Floats, *, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of Σ above / Σ below under resampling of their common axis.

    With ``below`` all ones it is the interval of the mean of ``above``.

    Args:
        above: one number for each unit that is drawn, float64 [u].
        below: likewise, positive.
        resamples: how many draws of u units with replacement.
        seed: of the draws.
        confidence: share of the draws inside the interval.

    Returns:
        Lower and upper end; nan for fewer than two units.

    Raises:
        TableError: unequal lengths, or a value that is not finite.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
    """
    if above.shape != below.shape or above.ndim != 1 or not np.isfinite([above, below]).all():
        raise TableError("a bootstrap needs two equally long lists of finite numbers.")
    units = len(above)
    if units < 2:
        return np.nan, np.nan
    generator = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for turn in range(resamples):
        chosen = generator.integers(units, size=units)
        drawn[turn] = above[chosen].sum() / below[chosen].sum()
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _cells(table: TargetTable, model: str, metric: str) -> dict[tuple[int, int], tuple[float, float]]:
    """Value, averaged over seeds, and number of labels by (fold, target); nothing where there is no value.

    Raises:
        TableError: the metric has no value per target.
    """
    if metric not in TARGET_METRICS:
        raise TableError(f"{metric!r} has no interval over targets. Known: {', '.join(TARGET_METRICS)}.")
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for (name, fold, _), values in table.entries.items():
        if name != model:
            continue
        numbers = getattr(values, TARGET_METRICS[metric])
        for target, n, number in zip(
            values.target.tolist(), values.n.tolist(), numbers.tolist(), strict=True
        ):
            if number == number:
                found.setdefault((fold, target), []).append((number, n))
    return {
        cell: (float(np.mean([number for number, _ in seeds])), float(seeds[0][1]))
        for cell, seeds in found.items()
    }
