"""Rows of a wide table by their entries: what fingerprints are, fifty places of two thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["SparseRows"]


@dataclass(frozen=True)
class SparseRows:
    """Rows by the places and values of what is not zero.

    Attributes:
        starts: where the entries of each row begin, and where the last one's end, int64 [n + 1].
        columns: of the entries, row by row, ascending in a row; int32 [m].
        values: of the entries, float32 [m]; None: all are 1.
        width: number of columns.
    """

    starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32] | None
    width: int

    @classmethod
    def of(cls, dense: npt.NDArray[Any], *, bits: bool = False) -> Self:
        """Return the rows of a table [n, w].

        Args:
            dense: the table.
            bits: whether only what is above zero counts, as 1.
        """
        rows, columns = np.nonzero(dense > 0 if bits else dense)
        sizes = np.bincount(rows, minlength=len(dense))
        values = None if bits else dense[rows, columns].astype(np.float32)
        return cls.of_sizes(sizes, columns.astype(np.int32), values, dense.shape[1])

    @classmethod
    def of_sizes(
        cls,
        sizes: npt.NDArray[np.integer],
        columns: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32] | None,
        width: int,
    ) -> Self:
        """Return rows by the number of entries of each [n]; the others as the attributes."""
        starts = np.zeros(len(sizes) + 1, dtype=np.int64)
        np.cumsum(sizes, out=starts[1:])
        return cls(starts, columns, values, width)

    @classmethod
    def joined(cls, blocks: Sequence[Self]) -> Self:
        """Return the rows of one block or more of the same kind, one block after the other."""
        values = [block.values for block in blocks if block.values is not None]
        return cls.of_sizes(
            np.concatenate([block.sizes for block in blocks]),
            np.concatenate([block.columns for block in blocks]),
            np.concatenate(values) if values else None,
            blocks[0].width,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def taken(self, rows: npt.NDArray[np.integer]) -> Self:
        """Return some rows, in the order given."""
        sizes = self.sizes[rows]
        ends = np.cumsum(sizes)
        entries = np.arange(sizes.sum()) + np.repeat(self.starts[rows] - (ends - sizes), sizes)
        values = None if self.values is None else self.values[entries]
        return self.of_sizes(sizes, self.columns[entries], values, self.width)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Number of entries of each row [n]."""
        return np.diff(self.starts)

    def bits(self) -> Self:
        """Return the same places, each with 1; of rows without negative values."""
        return type(self)(self.starts, self.columns, None, self.width)

    def dense(self) -> npt.NDArray[np.float32]:
        """Return the rows as a table, float32 [n, w]."""
        table = np.zeros((len(self), self.width), dtype=np.float32)
        rows = np.repeat(np.arange(len(self)), self.sizes)
        table[rows, self.columns] = 1.0 if self.values is None else self.values
        return table
