"""What every metric does first: two arrays become float64 (or boolean) and of one length, or an error.

Axis name used in this package:
    n  measured pairs, in one order for labels and scores
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError

__all__ = ["average_ranks", "check_classes", "check_fraction", "check_values", "is_constant", "tie_groups"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def check_values(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Labels and scores as float64 [n], checked.

    Raises:
        LabelError: they are not one-dimensional, differ in length, or hold NaN or an infinity.
    """
    y, s = _vector(labels, "labels"), _vector(scores, "scores")
    if y.size != s.size:
        raise LabelError(f"{y.size} labels and {s.size} scores: give one score for each label.")
    return y, s


def check_classes(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Booleans, Floats]:
    """Class labels as bool [n] (true is active) and scores as float64 [n], checked.

    Raises:
        LabelError: as for `check_values`, or a label is neither 0 nor 1.
    """
    y, s = check_values(labels, scores)
    strange = (y != 0) & (y != 1)
    if strange.any():
        row = int(np.argmax(strange))
        raise LabelError(
            f"labels[{row}] is {y[row]:g}: classes are 0 (inactive) and 1 (active). "
            "Compare measured values with the threshold of the quantity first."
        )
    return y == 1, s


def check_fraction(fraction: float) -> None:
    """Accept a share of a ranked list.

    Raises:
        LabelError: it is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise LabelError(f"fraction is {fraction}: give a share above 0 and at most 1, such as 0.01.")


def is_constant(values: Floats) -> bool:
    """Whether all values are equal; true for none and for one."""
    return bool(values.size == 0 or values.min() == values.max())


def tie_groups(values: Floats) -> tuple[Integers, Integers]:
    """The dense rank of each value (0 the smallest) [n], and how many values share each rank."""
    _, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ranks.astype(np.int64).reshape(-1), counts.astype(np.int64)


def average_ranks(values: Floats) -> Floats:
    """Ranks from 1 to n, ascending; tied values share the mean of their ranks."""
    ranks, counts = tie_groups(values)
    last = np.cumsum(counts)
    mean: Floats = last - (counts - 1) / 2.0
    return mean[ranks]


def _vector(values: npt.ArrayLike, what: str) -> Floats:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise LabelError(f"{what} are not numbers: {error}.") from error
    if vector.ndim != 1:
        raise LabelError(f"{what} have shape {vector.shape}: give one number per row, shape [n].")
    strange = ~np.isfinite(vector)
    if strange.any():
        row = int(np.argmax(strange))
        raise LabelError(
            f"{what}[{row}] is {vector[row]} ({int(strange.sum())} of {vector.size} are not finite): "
            "remove these rows and say how many they were."
        )
    return vector
