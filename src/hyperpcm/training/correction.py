"""How much of what the networks add to the retrieved scores the validation side supports."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["supported_share"]


def supported_share(
    errors: npt.NDArray[np.float32],
    corrections: npt.NDArray[np.float32],
    targets: npt.NDArray[np.int64],
    caution: float,
) -> float:
    """Return the factor in [0, 1] with which a correction should be added.

    Least squares of the errors on the corrections through the origin, lowered by some standard errors. Rows
    of one target are not independent, so the error is that of a ratio of sums over targets.

    Source: Cochran, "Sampling Techniques", 3rd ed. 1977, section 6.4 (variance of a ratio estimate).

    Args:
        errors: label minus what the score is without the correction [n].
        corrections: what would be added [n].
        targets: of each row [n].
        caution: how many standard errors.
    """
    place = np.unique(targets, return_inverse=True)[1]
    products = np.bincount(place, weights=errors.astype(np.float64) * corrections)
    squares = np.bincount(place, weights=corrections.astype(np.float64) ** 2)
    total = squares.sum()
    if total <= 0:
        return 0.0
    share = products.sum() / total
    deviation = np.sqrt(len(squares)) * np.std(products - share * squares) / total
    return float(np.clip(share - caution * deviation, 0.0, 1.0))
