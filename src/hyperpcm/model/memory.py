"""What a model keeps of its training targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = ["ContextMemory"]


@dataclass(frozen=True, eq=False)
class ContextMemory:
    """The training targets, each distinct sequence once, with what was measured on them.

    Attributes:
        sequences: one per memory row [m].
        names: display name of each.
        embeddings: float32 [m, d_t], unscaled.
        compounds: standardised SMILES of the landmark compounds [j].
        landmarks: their Morgan counts, uint8 [j, w]; or presence bits, packed, uint8 [j, w / 8].
        similarity: alignment similarity of the rows to one another, float32 [m, m]; None where the model
            aligns nothing.
        packed_width: w where ``landmarks`` are packed; None where they are counts.
        rows: memory row of each known label, int64 [n].
        columns: landmark compound of each known label, int64 [n].
        values: the label, float32 [n].
    """

    sequences: tuple[str, ...]
    names: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]
    compounds: tuple[str, ...]
    landmarks: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    similarity: npt.NDArray[np.float32] | None = None
    packed_width: int | None = None

    @property
    def width(self) -> int:
        """Of the fingerprints of the landmark compounds."""
        return self.landmarks.shape[1] if self.packed_width is None else self.packed_width

    def packed_landmarks(self) -> npt.NDArray[np.uint8]:
        """Return the presence bits of the landmark compounds, packed, uint8 [j, w / 8]."""
        if self.packed_width is None:
            return np.packbits(self.landmarks > 0, axis=1)
        return self.landmarks.copy()

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> ContextMemory:
        """Return the memory in a model's stored tensors and header, without the similarity."""
        return cls(
            sequences=tuple(header["memory_sequences"]),
            names=tuple(header["memory_names"]),
            embeddings=tensors["memory_embeddings"].numpy(),
            compounds=tuple(header["landmark_compounds"]),
            landmarks=tensors["landmarks"].numpy(),
            rows=tensors["memory_rows"].numpy(),
            columns=tensors["memory_columns"].numpy(),
            values=tensors["memory_values"].numpy(),
            packed_width=int(header["landmark_width"]),
        )
