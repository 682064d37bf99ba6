"""How far scores are from labels, and how well they follow them.

All functions take labels and scores of shape [n] in the same unit and give a Python float. What cannot be
computed (no rows; constant labels or scores where the formula divides by their spread) is ``nan``, never a
warning. For censored labels the stated value counts as if it were exact: report `per_target` and ranking
metrics beside it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics.arrays import Floats, average_ranks, check_values, is_constant

__all__ = ["interval_mae", "mae", "mse", "pearson", "r2", "rm2", "rmse", "spearman"]


def mse(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean squared error, in squared label units; nan for no rows.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.

    >>> mse([5.0, 7.0], [5.0, 6.0])
    0.5
    """
    y, s = check_values(labels, scores)
    if y.size == 0:
        return math.nan
    with np.errstate(over="ignore"):
        return float(np.mean((y - s) ** 2))


def rmse(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Square root of `mse`, in label units; nan for no rows.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.
    """
    return math.sqrt(mse(labels, scores))


def mae(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean absolute error, in label units; nan for no rows.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.
    """
    y, s = check_values(labels, scores)
    return float(np.mean(np.abs(y - s))) if y.size else math.nan


def interval_mae(lower: npt.ArrayLike, upper: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Mean distance of scores to the intervals that hold the true values, in label units; nan for no rows.

    A score inside its interval is no error; outside, the distance to the nearest edge counts. So a bin, or a
    bound such as ``< 5`` (from minus infinity to 5), is not taken for a point.

    Args:
        lower: lower edges [n]; may be minus infinity.
        upper: upper edges [n], not below the lower ones; may be infinity.
        scores: [n].

    Raises:
        LabelError: unequal lengths, a score that is not finite, a NaN edge, or edges in the wrong order.

    >>> interval_mae([5.0, 7.0], [6.0, float("inf")], [5.5, 6.5])
    0.25
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    _, s = check_values(scores, scores)
    if low.shape != s.shape or high.shape != s.shape:
        raise LabelError(f"{s.size} scores for edges of the shapes {low.shape} and {high.shape}.")
    if not (low <= high).all():
        raise LabelError("an interval has its lower edge above the upper one, or an edge that is no number.")
    if s.size == 0:
        return math.nan
    return float(np.mean(np.maximum(np.maximum(low - s, s - high), 0.0)))


def r2(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Coefficient of determination, 1 - (squared error) / (spread of the labels), in (-inf, 1].

    nan for no rows and for constant labels. Not the squared correlation: a score that is right but for its
    scale is punished.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.
    """
    y, s = check_values(labels, scores)
    if is_constant(y):
        return math.nan
    with np.errstate(over="ignore", divide="ignore"):
        return 1.0 - float(np.sum((y - s) ** 2) / np.sum((y - y.mean()) ** 2))


def pearson(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Linear correlation, in [-1, 1]; nan where labels or scores are constant.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.
    """
    return _correlation(*check_values(labels, scores))


def spearman(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Correlation of ranks, in [-1, 1], ties sharing their mean rank; nan where either is constant.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.
    """
    y, s = check_values(labels, scores)
    return _correlation(average_ranks(y), average_ranks(s))


def rm2(labels: npt.ArrayLike, scores: npt.ArrayLike, *, squared_again: bool = False) -> float:
    """The r_m² index of external validation: r² (1 - √|r² - r₀²|); nan where either is constant.

    r² is the squared correlation, r₀² the determination of the labels by k · score, a line through the
    origin with the least-squares slope k. A model counts as acceptable from 0.5 on.

    Args:
        labels: [n].
        scores: [n], in any unit.
        squared_again: give r² (1 - √|r⁴ - r₀⁴|) instead. Much of the public code for Davis and KIBA
            computes this, so numbers in published tables may be it.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.

    Source: Roy et al., Chemometr. Intell. Lab. Syst. 107 (2011) 194; used for Davis and KIBA by Öztürk et
    al., Bioinformatics 34 (2018) i821 (DeepDTA).
    """
    y, s = check_values(labels, scores)
    if is_constant(y) or is_constant(s):
        return math.nan
    y, s = _scaled(y), _scaled(s)
    squared = _correlation(y, s) ** 2
    rest = y - (y @ s) / (s @ s) * s
    through_origin = 1.0 - float(np.sum(rest**2) / np.sum((y - y.mean()) ** 2))
    gap = squared**2 - through_origin**2 if squared_again else squared - through_origin
    return squared * (1.0 - math.sqrt(abs(gap)))


def _correlation(a: Floats, b: Floats) -> float:
    if is_constant(a) or is_constant(b):
        return math.nan
    a, b = _centred(a), _centred(b)
    # Rounding can leave a perfect correlation a last digit above 1.
    return max(-1.0, min(1.0, float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))))


def _centred(values: Floats) -> Floats:
    scaled = _scaled(values)
    centred: Floats = scaled - scaled.mean()
    return centred


def _scaled(values: Floats) -> Floats:
    """Divided by the largest magnitude, so that squares of very large or small numbers stay finite."""
    scaled: Floats = values / np.abs(values).max()
    return scaled
