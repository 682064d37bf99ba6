"""How far scores are off on average, by how high they are."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["residual_scale"]

Floats = npt.NDArray[np.float64]

_KNOTS: Final = 16
_LEAST_ROWS: Final = 200
_SHRUNK: Final = 20  # rows with the usual error that are added to each part
_LEAST: Final = 0.1  # of the usual error


def residual_scale(scores: Floats, residuals: Floats) -> tuple[Floats, Floats]:
    """Return scores and the mean absolute residual there, over that of all rows; of size 0 for few rows.

    Args:
        scores: of rows whose labels were hidden, in label units [n].
        residuals: label minus score [n].

    Returns:
        Knots, ascending, and scales, both float64 [k]: means over parts of equal size, which lie between the
        knots as straight lines. Parts with one knot are taken together.
    """
    usual = float(np.abs(residuals).mean()) if len(residuals) else 0.0
    if len(scores) < _LEAST_ROWS or not usual > 0:
        return np.zeros(0), np.zeros(0)
    parts: dict[np.float32, list[npt.NDArray[np.int64]]] = {}
    for rows in np.array_split(np.argsort(scores, kind="stable"), _KNOTS):
        parts.setdefault(np.float32(scores[rows].mean()), []).append(rows)
    sizes = []
    for tied in parts.values():
        off = np.abs(residuals[np.concatenate(tied)])
        sizes.append(max((off.sum() + _SHRUNK * usual) / (len(off) + _SHRUNK) / usual, _LEAST))
    # as files keep them, so that a model that is read again is the one that was written
    single = np.array([list(parts), sizes], dtype=np.float32).astype(np.float64)
    return single[0], single[1]
