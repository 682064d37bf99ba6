"""Embeddings of learned encoders in half precision, before they are scored and before an index keeps them.

Networks that read them do not need more, and an index holds half as many bytes. Descriptors and counts stay
exact: trees split between values that compounds share.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders import Encoder
from hyperpcm.encoders.table import ENCODERS

__all__ = ["HALF_TOLERANCE", "in_half_where_learned", "narrowest"]

HALF_TOLERANCE: Final = 0.02
"""Most that half precision changes a score by, as a share of the labels' scale (standard deviation, or 1)."""


def in_half_where_learned(encoder: Encoder, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return vectors [n, w] as they are scored: those of a learned encoder rounded to half precision.

    A number that is too large for half precision stays as it is, and so do all of an encoder that is not in
    the table of encoders.
    """
    entry = ENCODERS.get(encoder.name)
    if entry is None or not entry.is_learned:
        return vectors
    with np.errstate(over="ignore"):
        half = vectors.astype(np.float16)
    return np.where(np.isfinite(half), half.astype(np.float32), vectors)


def narrowest(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float16] | npt.NDArray[np.float32]:
    """Return vectors in half precision where all of them are exactly that, else as they are."""
    with np.errstate(over="ignore"):
        half = vectors.astype(np.float16)
    return half if np.array_equal(half, vectors) else vectors
