"""The measured labels of the known targets as a table of targets by landmark compounds.

What is asked of it are sums over targets with a weight for each. A table of many compounds is almost empty:
it is kept as sparse matrices in both directions, one to multiply with and one for the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

__all__ = ["LabelMemory", "SparseTable"]


@dataclass(frozen=True, eq=False)
class SparseTable:
    """A sparse matrix, by row and by column; it stays in the memory of the CPU.

    Attributes:
        by_row: float32 [m, j].
        by_column: its transpose, float32 [j, m].
    """

    by_row: sparse.csr_matrix
    by_column: sparse.csr_matrix

    @classmethod
    def of(cls, matrix: sparse.csr_matrix) -> SparseTable:
        """Return the table of a matrix [m, j]."""
        return cls(matrix, matrix.T.tocsr())


class _Product(torch.autograd.Function):
    """weights [n, m] @ table [m, j], with the gradient of the weights."""

    @staticmethod
    def forward(ctx, weights: Tensor, table: SparseTable) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.table = table
        product = table.by_column @ weights.detach().T.cpu().numpy()
        return torch.from_numpy(product).T.to(weights.device)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        product = ctx.table.by_row @ gradient.T.cpu().numpy()
        return torch.from_numpy(product).T.to(gradient.device), None


@dataclass(frozen=True, eq=False)
class LabelMemory:
    """Scaled labels of the known targets; make one with `of` or `dense`.

    Attributes:
        measured: [m, j] 1 where a label exists.
        labels: [m, j] scaled labels, 0 where there is none.
        squares: their squares.
    """

    measured: Tensor | SparseTable
    labels: Tensor | SparseTable
    squares: Tensor | SparseTable

    @classmethod
    def dense(cls, labels: Float[Tensor, "m j"], measured: Float[Tensor, "m j"]) -> LabelMemory:
        """Return the memory that keeps every cell.

        Args:
            labels: scaled, 0 where nothing was measured.
            measured: 1 where a label exists.
        """
        return cls(measured, labels, labels * labels)

    @classmethod
    def of(
        cls,
        rows: Int[Tensor, "n"],
        columns: Int[Tensor, "n"],
        values: Float[Tensor, "n"],
        shape: tuple[int, int],
        *,
        most_cells: int,
    ) -> LabelMemory:
        """Return the memory of a list of labels; a pair that occurs several times counts once, with its mean.

        Args:
            rows: known target of each label.
            columns: landmark compound of each label.
            values: scaled labels.
            shape: number of targets and of compounds.
            most_cells: a table with more cells than this is kept sparse.

        Raises:
            RuntimeError: a row or a column is outside the table.
        """
        for index, size in ((rows, shape[0]), (columns, shape[1])):
            if len(index) and (int(index.min()) < 0 or int(index.max()) >= size):
                raise RuntimeError(f"a label's place is outside the table of {shape[0]} × {shape[1]}")
        cells, place = torch.unique(rows.long() * shape[1] + columns.long(), return_inverse=True)
        sums, counts = (
            values.new_zeros(len(cells)).index_add_(0, place, data)
            for data in (values, torch.ones_like(values))
        )
        means, at, column = sums / counts, cells // shape[1], cells % shape[1]
        if shape[0] * shape[1] <= most_cells:
            labels, measured = values.new_zeros(shape), values.new_zeros(shape)
            labels[at, column], measured[at, column] = means, 1.0
            return cls.dense(labels, measured)
        where = (at.cpu().numpy(), column.cpu().numpy())
        tables = (
            SparseTable.of(sparse.csr_matrix((data.cpu().numpy(), where), shape=shape))
            for data in (torch.ones_like(means), means, means * means)
        )
        return cls(*tables)

    def sums(self, weights: Float[Tensor, "n m"]) -> tuple[Float[Tensor, "n j"], ...]:
        """Return the weighted sums over targets of the measured mask, the labels and their squares.

        Args:
            weights: of each known target, in any number of ways.
        """
        return tuple(_product(weights, table) for table in (self.measured, self.labels, self.squares))

    def sums_of_targets(self, weights: Float[Tensor, "n j"]) -> tuple[Float[Tensor, "n m"], ...]:
        """Return the weighted sums over compounds of the measured mask and the labels of each known target.

        Args:
            weights: of each landmark compound, in any number of ways; of the precision of the sums.
        """
        return tuple(_product_over_compounds(weights, table) for table in (self.measured, self.labels))

    def of_target(self, row: int) -> tuple[Float[Tensor, "j"], ...]:
        """Return the measured mask, the labels and their squares of one known target."""
        return tuple(_row(table, row) for table in (self.measured, self.labels, self.squares))


def _product(weights: Tensor, table: Tensor | SparseTable) -> Tensor:
    if isinstance(table, Tensor):
        return weights @ table
    product: Tensor = _Product.apply(weights, table)  # type: ignore[no-untyped-call]
    return product


def _product_over_compounds(weights: Tensor, table: Tensor | SparseTable) -> Tensor:
    if isinstance(table, Tensor):
        return weights @ table.T.to(weights.dtype)
    return torch.from_numpy(table.by_row @ weights.T.cpu().numpy()).T.to(weights.device)


def _row(table: Tensor | SparseTable, row: int) -> Tensor:
    if isinstance(table, Tensor):
        return table[row]
    return torch.from_numpy(table.by_row[[row]].toarray()[0])
