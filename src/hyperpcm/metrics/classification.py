"""How well scores tell active from inactive, over a whole ranking or at one threshold.

Labels are 0 and 1 (or booleans), higher scores mean active. With labels of one class only, or with no rows,
every function here gives ``nan``.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics.arrays import Booleans, Floats, average_ranks, check_classes

__all__ = ["BestThreshold", "auprc", "auroc", "best_mcc_threshold", "mcc"]


@dataclasses.dataclass(frozen=True, slots=True)
class BestThreshold:
    """A cut-off chosen on labelled rows.

    Attributes:
        threshold: scores of at least this much are called active; nan where none could be chosen.
        mcc: the Matthews correlation it has on the rows it was chosen on; nan likewise.
    """

    threshold: float
    mcc: float


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve, in [0, 1]: how often an active outranks an inactive; ties count one half.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, or a value that is not finite.

    >>> auroc([0, 1, 0, 1], [0.1, 0.9, 0.5, 0.4])
    0.75
    """
    active, s = check_classes(labels, scores)
    actives = int(active.sum())
    inactives = active.size - actives
    if actives == 0 or inactives == 0:
        return math.nan
    wins = float(average_ranks(s)[active].sum()) - actives * (actives + 1) / 2
    return wins / (actives * inactives)


def auprc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Average precision, in (0, 1]: precision at each distinct score, weighted by the actives gained there.

    Chance level is the share of actives. The curve is summed as steps, not interpolated.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, or a value that is not finite.
    """
    active, s = check_classes(labels, scores)
    if _one_class(active):
        return math.nan
    _, true_positives, called = _cumulative(active, s)
    gained = np.diff(true_positives, prepend=0.0)
    return float(np.sum(gained * true_positives / called) / true_positives[-1])


def mcc(labels: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Matthews correlation of two classifications, in [-1, 1].

    0 where all predictions are one class while the labels are not (the limit of the formula).

    Raises:
        LabelError: unequal lengths, or a value that is not 0 or 1.
    """
    active, calls = check_classes(labels, predicted)
    called = check_classes(calls, calls)[0]
    if _one_class(active):
        return math.nan
    true_positives = np.array([(active & called).sum()], dtype=np.float64)
    return float(_mcc_of_counts(true_positives, np.array([float(called.sum())]), active)[0])


def best_mcc_threshold(
    labels: npt.ArrayLike, scores: npt.ArrayLike, cutoffs: npt.ArrayLike | None = None
) -> BestThreshold:
    """The cut-off with the largest Matthews correlation on these rows; choose on validation, apply to test.

    Every distinct score is tried, exactly, in O(n log n); the cut-off is the lowest score called active,
    and of equally good ones the highest is kept.

    Args:
        labels: 0 and 1 [n].
        scores: [n], in any unit.
        cutoffs: only these are tried instead, in the unit of the scores.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, a value that is not finite, or no cut-offs.

    # Deviation: the paper tries 81 cut-offs; give them as `cutoffs` to repeat it.
    """
    active, s = check_classes(labels, scores)
    tried = None if cutoffs is None else _descending(cutoffs)
    if _one_class(active):
        return BestThreshold(math.nan, math.nan)
    thresholds, true_positives, called = _cumulative(active, s)
    if tried is not None:
        # How many distinct scores, from the highest down, reach each cut-off.
        reached = np.searchsorted(-thresholds, -tried, side="right")
        true_positives = np.concatenate([[0.0], true_positives])[reached]
        called = np.concatenate([[0.0], called])[reached]
        thresholds = tried
    values = _mcc_of_counts(true_positives, called, active)
    best = int(np.argmax(values))
    return BestThreshold(float(thresholds[best]), float(values[best]))


def _descending(cutoffs: npt.ArrayLike) -> Floats:
    """Cut-offs as float64, from the highest down."""
    tried = np.sort(np.asarray(cutoffs, dtype=np.float64).reshape(-1))[::-1]
    if tried.size == 0 or not np.isfinite(tried).all():
        raise LabelError("cutoffs must be one or more finite numbers.")
    return tried


def _one_class(active: Booleans) -> bool:
    return bool(active.all() or not active.any())


def _cumulative(active: Booleans, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores from the highest down, and the actives and rows that score at least as much."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)
    true_positives = np.cumsum(active[order])[last].astype(np.float64)
    return ordered[last], true_positives, last + 1.0


def _mcc_of_counts(true_positives: Floats, called: Floats, active: Booleans) -> Floats:
    """Matthews correlation for each number of true positives among so many called active."""
    n, actives = float(active.size), float(active.sum())
    covariance = true_positives * n - called * actives
    spread = np.sqrt(called * (n - called)) * math.sqrt(actives * (n - actives))
    values: Floats = np.divide(covariance, spread, out=np.zeros_like(covariance), where=spread > 0)
    return values
