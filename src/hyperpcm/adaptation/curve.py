"""How fast the scores of one target get better with measurements: from measurements that are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.target_model import Measurement, ResidualPrior, TargetModel
from hyperpcm.target_model.adaptation import fit_adaptation
from hyperpcm.target_model.adapting import fingerprint, profiles_of, unadapted

__all__ = ["CurvePoint", "learning_curve"]

Floats = npt.NDArray[np.float64]

_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_LEAST_LEFT: Final = 3  # compounds that an error is told on
_OUTER: Final = (10, 90)  # percentiles of the errors of draws


@dataclass(frozen=True)
class CurvePoint:
    """The error after some measured compounds.

    Attributes:
        compounds: that were learned from.
        rmse: on the compounds that were not, in label units, over all draws.
        low: tenth percentile of the errors of single draws.
        high: ninetieth percentile of them.
        draws: how many there were.
    """

    compounds: int
    rmse: float
    low: float
    high: float
    draws: int


def learning_curve(target: TargetModel, *, draws: int = 20, seed: int = 0) -> tuple[CurvePoint, ...]:
    """Return the error on measured compounds against the number of others that were learned from.

    Of the compounds with a value, some are drawn and learned from, and the scores of the others are compared
    with what was measured. All in closed form: a draw takes a millisecond or a few.

    Args:
        target: with the measurements that it has seen.
        draws: of each number of compounds.
        seed: of the draws.

    Returns:
        Points for 0, 1, 2, 4, 8, … compounds; none where fewer than four compounds have a value.
    """
    prior, adaptation = target.residual_prior, target.adaptation
    if prior is None or adaptation is None:
        return ()
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(adaptation.measurements):
        if one.relation == 0:
            groups.setdefault(one.smiles, []).append(place)
    if len(groups) <= _LEAST_LEFT:
        return ()
    measured = _Measured(target, prior, adaptation.measurements, adaptation.before, groups)
    generator = np.random.default_rng(seed)
    points = [_point(0, [float(np.square(measured.values - measured.before).mean())])]
    for size in (size for size in _SIZES if size <= len(groups) - _LEAST_LEFT):
        chosen = (generator.permutation(len(groups))[:size] for _ in range(draws))
        points.append(_point(size, [measured.error_after(drawn) for drawn in chosen]))
    return tuple(points)


def _point(size: int, squares: Sequence[float]) -> CurvePoint:
    low, high = np.percentile(np.sqrt(squares), _OUTER)
    return CurvePoint(size, float(np.sqrt(np.mean(squares))), float(low), float(high), len(squares))


class _Measured:
    """The measured compounds, with everything that adapting reads of them."""

    def __init__(
        self,
        target: TargetModel,
        prior: ResidualPrior,
        measurements: Sequence[Measurement],
        before: Floats,
        groups: dict[str, list[int]],
    ) -> None:
        bare, compounds = unadapted(target), list(groups)
        self._radius, width = fingerprint(bare)
        self._prior, self._measurements, self._places = prior, measurements, list(groups.values())
        self._counts = morgan_counts(compounds, radius=self._radius, width=width)
        self._profiles = profiles_of(bare, prior, compounds)
        self.before = np.array([before[places[0]] for places in self._places], dtype=np.float64)
        self.values = np.array([np.mean([measurements[one].value for one in own]) for own in self._places])

    def error_after(self, drawn: npt.NDArray[np.int64]) -> float:
        """Mean squared error on the other compounds after those that were drawn."""
        own = np.concatenate([np.full(len(self._places[one]), one) for one in drawn])
        given = [self._measurements[place] for one in drawn for place in self._places[one]]
        found = fit_adaptation(
            self._prior,
            given,
            self.before[own],
            None,
            self._counts[own],
            self._radius,
            profiles=self._profiles[own],
        )
        others = np.setdiff1d(np.arange(len(self.values)), drawn)
        to_anchors = tanimoto(self._counts[others], found.anchors)
        scores = found.corrected_from(self.before[others], self._profiles[others], to_anchors).values
        return float(np.square(self.values[others] - scores).mean())
