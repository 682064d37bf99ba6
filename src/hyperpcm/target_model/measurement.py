"""What was measured on a target, and what all measurements of one compound say of it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Measurement", "Pooled", "pooled"]

_NARROW: Final = 1e-3  # label units: bounds nearer to one another than that are a value


@dataclass(frozen=True)
class Measurement:
    """One measured compound.

    Attributes:
        smiles: standardised.
        value: in the quantity of the model.
        relation: 0: the value; 1: what was measured lies above it; -1: below.
        source: where it comes from: a file, and what the user says of it.
    """

    smiles: str
    value: float
    relation: int = 0
    source: str = ""


@dataclass(frozen=True, eq=False)
class Pooled:
    """One row for each measured compound, in the order in which they come first.

    Attributes:
        first: place of the first measurement of each compound, int64 [c].
        of: which compound each measurement is of, int64 [n].
        lower: the label lies above it; minus infinity where nothing is known below, float64 [c].
        upper: likewise below; the same as ``lower`` where the label itself is known, float64 [c].
    """

    first: npt.NDArray[np.int64]
    of: npt.NDArray[np.int64]
    lower: npt.NDArray[np.float64]
    upper: npt.NDArray[np.float64]


def pooled(measurements: Sequence[Measurement]) -> Pooled:
    """Return what measurements say of each compound.

    Values beat bounds, and their mean counts. Without a value the tightest bounds do: the highest that the
    label lies above and the lowest that it lies below. Where these two contradict one another, the label is
    taken to lie in the middle.
    """
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(measurements):
        groups.setdefault(one.smiles, []).append(place)
    of = np.zeros(len(measurements), dtype=np.int64)
    bounds = np.zeros((2, len(groups)))
    for compound, places in enumerate(groups.values()):
        of[places] = compound
        bounds[:, compound] = _of_one([measurements[place] for place in places])
    first = np.array([places[0] for places in groups.values()], dtype=np.int64)
    return Pooled(first, of, *bounds)


def _of_one(measurements: Sequence[Measurement]) -> tuple[float, float]:
    """Between what the label of one compound lies."""
    values = [one.value for one in measurements if one.relation == 0]
    if values:
        mean = float(np.mean(values))
        return mean, mean
    lower = max((one.value for one in measurements if one.relation > 0), default=-np.inf)
    upper = min((one.value for one in measurements if one.relation < 0), default=np.inf)
    if upper - lower < _NARROW:
        return (lower + upper) / 2, (lower + upper) / 2
    return lower, upper
