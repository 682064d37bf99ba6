"""Whether probabilities are what they say: their errors, and how often a class is seen where it is announced.

Labels are 0 and 1 (or booleans), probabilities are those of 1. With no rows, every number here is ``nan``.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics.arrays import Booleans, Floats, Integers, check_classes

__all__ = [
    "BINS",
    "Reliability",
    "brier_score",
    "expected_calibration_error",
    "log_loss",
    "reliability_curve",
]

BINS: Final = 10
"""Bins where no other number is asked for."""
_LEVEL: Final = 0.95  # of the interval of an observed share


@dataclasses.dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability curve over bins of equal numbers of rows, in ascending order of probability.

    Attributes:
        probability: mean probability in each bin, float64 [b].
        observed: share of ones in each bin, float64 [b].
        lower: lower end of Wilson's 95 % interval of that share, float64 [b].
        upper: upper end.
        n: rows in each bin, int64 [b].
        bins: how many were asked for; there are fewer where rows share one probability.
    """

    probability: Floats
    observed: Floats
    lower: Floats
    upper: Floats
    n: Integers
    bins: int

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of probability and share, weighted by rows."""
        if not self.n.size:
            return math.nan
        return float(np.average(np.abs(self.probability - self.observed), weights=self.n))


def reliability_curve(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = BINS
) -> Reliability:
    """The reliability curve over bins of (nearly) equal numbers of rows; equal probabilities stay together.

    Args:
        labels: 0 and 1 [n].
        probabilities: of 1 [n].
        bins: at most this many.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, a probability outside [0, 1] or not finite,
            or fewer than one bin.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
    """
    active, p = _checked(labels, probabilities)
    if bins < 1:
        raise LabelError(f"bins is {bins}: a reliability curve has one bin or more.")
    if not p.size:
        nothing = np.zeros(0)
        return Reliability(nothing, nothing, nothing, nothing, np.zeros(0, dtype=np.int64), bins)
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins))
    _, place = np.unique(np.searchsorted(edges, p, side="left"), return_inverse=True)
    n = np.bincount(place).astype(np.int64)
    ones = np.bincount(place[active], minlength=len(n)).astype(np.int64)
    lower, upper = _wilson(ones, n)
    return Reliability(np.bincount(place, weights=p) / n, ones / n, lower, upper, n, bins)


def expected_calibration_error(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = BINS
) -> float:
    """Expected calibration error in [0, 1] over bins of equal numbers of rows; 0 is best.

    It never is 0 for few rows: chance alone moves the share of each bin. Compare it for equal rows and bins
    only.

    Raises:
        LabelError: as `reliability_curve`.

    Source: Nguyen and O'Connor, "Posterior calibration and exploratory analysis for natural language
    processing models", EMNLP 2015 (bins of equal mass).

    >>> round(expected_calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.8, 0.9], bins=2), 3)
    0.125
    """
    return reliability_curve(labels, probabilities, bins=bins).error


def brier_score(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean squared difference of label and probability, in [0, 1]; 0 is best.

    Raises:
        LabelError: as `reliability_curve`.
    """
    active, p = _checked(labels, probabilities)
    if not p.size:
        return math.nan
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(active, p, pos_label=True))


def log_loss(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean negative logarithm (natural) of the probability of what was seen; 0 is best.

    A probability of 0 for what was seen counts as the smallest that float64 tells from 0.

    Raises:
        LabelError: as `reliability_curve`.
    """
    active, p = _checked(labels, probabilities)
    if not p.size:
        return math.nan
    from sklearn import metrics

    return float(metrics.log_loss(active, p, labels=[False, True]))


def _checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Booleans, Floats]:
    active, p = check_classes(labels, probabilities)
    strange = (p < 0) | (p > 1)
    if strange.any():
        row = int(np.argmax(strange))
        raise LabelError(f"probabilities[{row}] is {p[row]:g}: probabilities lie from 0 to 1.")
    return active, p


def _wilson(ones: Integers, n: Integers) -> tuple[Floats, Floats]:
    from scipy.stats import binomtest

    found = [
        binomtest(int(one), int(of)).proportion_ci(_LEVEL, method="wilson")
        for one, of in zip(ones, n, strict=True)
    ]
    return np.array([one.low for one in found]), np.array([one.high for one in found])
