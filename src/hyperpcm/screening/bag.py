"""A product of sparse rows and a dense matrix: the sum of the rows of the matrix that have an entry."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hyperpcm.screening.tensors import Entries

__all__ = ["BagProduct"]

_COLUMNS: Final = 256  # of one block: 2 MB at 2,048 rows, which a core keeps at hand


class BagProduct:
    """Multiplies sparse rows with a matrix, many times faster than a dense product of fingerprints.

    Args:
        matrix: float32 [w, o].
        device: where it is done.
    """

    def __init__(self, matrix: Float[Tensor, "w o"], device: torch.device) -> None:
        wide = matrix.shape[1] if device.type != "cpu" else _COLUMNS
        self._blocks = [block.contiguous().to(device) for block in torch.split(matrix, max(1, wide), dim=1)]

    def __call__(self, rows: Entries) -> Float[Tensor, "n o"]:
        """Return the product.

        Args:
            rows: on the same device, as wide as the matrix is long.
        """
        found = [
            functional.embedding_bag(
                rows.columns,
                block,
                rows.starts,
                mode="sum",
                per_sample_weights=rows.values,
                include_last_offset=True,
            )
            for block in self._blocks
        ]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)
