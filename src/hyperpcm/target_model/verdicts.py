"""Where in the domain of a target a score lies: how hard its compound looks, and if its like is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from hyperpcm.target_model.adaptation import Adaptation
from hyperpcm.target_model.calibration import VERDICTS, Calibration
from hyperpcm.target_model.prior import RetrievedPrior
from hyperpcm.target_model.scores import LEVEL, Intervals
from hyperpcm.target_model.unlike import has_unknown_element

__all__ = ["nearest_known", "scored_intervals"]


def scored_intervals(
    calibration: Calibration,
    prior: RetrievedPrior | None,
    adaptation: Adaptation | None,
    smiles: Sequence[str | None],
    scores: npt.NDArray[np.float32],
    *,
    difficulty: npt.NDArray[np.float32],
    nearest: npt.NDArray[np.float32],
    level: float = LEVEL,
) -> Intervals:
    """Return how far each score of a target may be off, and where in its domain it lies.

    Args:
        calibration: of the target.
        prior: its own, with the landmark compounds; None: it has none.
        adaptation: to measurements of its own, with which it needs no relative; None: there are none.
        smiles: standardised; None where a row was rejected, as NaN in the arrays [n].
        scores: in label units, or probabilities.
        difficulty: as from `Calibration.difficulty`.
        nearest: as from `nearest_known`.
        level: share of the labels that the intervals hold, in hundredths.

    Raises:
        ConfigError: there are no intervals of this level.
    """
    half = calibration.half_widths(difficulty, level)
    target = None if adaptation is None else np.ones_like(difficulty)
    found = calibration.verdicts(difficulty, target, nearest)
    odd = has_unknown_element(smiles, (() if prior is None else prior.compounds) or ())
    verdicts = tuple(
        VERDICTS[-1] if is_odd and verdict is not None else verdict
        for verdict, is_odd in zip(found, odd, strict=True)
    )
    return Intervals(level, scores - half, scores + half, difficulty, verdicts)


def nearest_known(compounds: int, *similarities: Tensor | None) -> npt.NDArray[np.float32]:
    """Return the similarity of the nearest known or measured compound of each compound; 1 without any.

    Args:
        compounds: how many.
        *similarities: to the landmarks [n, j] and to the measured compounds [n, z]; None: there are none.
    """
    near = [one.amax(dim=1).numpy() for one in similarities if one is not None and one.numel()]
    return np.maximum.reduce(near) if near else np.ones(compounds, dtype=np.float32)
