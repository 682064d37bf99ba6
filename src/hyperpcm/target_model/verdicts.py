"""Where in the domain of a target a score lies: how hard its compound looks, and if its like is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.target_model.calibration import VERDICTS, Calibration
from hyperpcm.target_model.unlike import has_unknown_element

__all__ = ["scored_verdicts"]


def scored_verdicts(
    calibration: Calibration,
    smiles: Sequence[str | None],
    difficulty: npt.NDArray[np.float32],
    nearest: npt.NDArray[np.float32],
    known: Sequence[str],
    is_measured: bool,
) -> tuple[str | None, ...]:
    """Return the verdict of each compound; None where it was not scored.

    Args:
        calibration: of the target.
        smiles: standardised; None where a row was rejected.
        difficulty: of each row; NaN where it was rejected.
        nearest: similarity of the nearest known or measured compound; likewise.
        known: the landmark compounds.
        is_measured: whether the target was adapted to measurements of its own, and so needs no relative.
    """
    target = np.ones_like(difficulty) if is_measured else None
    found = calibration.verdicts(difficulty, target, nearest)
    odd = has_unknown_element(smiles, known)
    return tuple(
        VERDICTS[-1] if is_odd and verdict is not None else verdict
        for verdict, is_odd in zip(found, odd, strict=True)
    )
