"""A directed message-passing network (D-MPNN): messages along the bonds, gathered into one vector.

Axis names: ``n`` compounds, ``a`` atoms, ``e`` directed bonds (two for each bond), ``h`` width.

Source: Yang et al., J. Chem. Inf. Model. 2019, 59, 3370, equations 1 to 6; atoms and bonds are described as
in Heid et al., J. Chem. Inf. Model. 2024, 64, 9.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hyperpcm.nn.molecular_graphs import ATOM_CLASSES, BOND_CLASSES, MolecularGraphs

__all__ = ["ATOM_WIDTH", "BOND_WIDTH", "MessagePassing"]

_BINARY: Final = 2  # classes of a property that takes one column instead of two
_MASS_SCALE: Final = 0.01
_ROW_UNIT: Final = 4  # a product of another width may round a row as its place has it
_ROWS: Final = 512  # of one matrix product when scoring; fixed, so that no row depends on the others


def _width(classes: tuple[int, ...]) -> int:
    return sum(1 if number == _BINARY else number for number in classes)


ATOM_WIDTH: Final = _width(ATOM_CLASSES) + 1
"""Numbers that describe an atom: 70 of its classes, and its mass."""

BOND_WIDTH: Final = _width(BOND_CLASSES)
"""Numbers that describe a bond."""


class MessagePassing(nn.Module):
    """Gives each compound the mean of its atoms' states after some rounds of messages.

    In evaluation mode a compound's vector is the same numbers whatever else is in the batch.

    Args:
        width: of messages and of the result; a multiple of 4, so that matrix products treat all rows alike.
        depth: rounds, the first states of the bonds included.

    Raises:
        ValueError: a width that is no positive multiple of 4, or a depth below 1.
    """

    def __init__(self, width: int = 300, depth: int = 3) -> None:
        super().__init__()
        if width < 1 or width % _ROW_UNIT or depth < 1:
            raise ValueError(
                f"width must be a multiple of {_ROW_UNIT} and depth at least 1, not {width} and {depth}"
            )
        self.width, self.depth = width, depth
        self.input = nn.Linear(ATOM_WIDTH + BOND_WIDTH, width, bias=False)
        self.hidden = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(ATOM_WIDTH + width, width)
        for layer in (self.input, self.hidden, self.output):
            nn.init.xavier_normal_(layer.weight)  # as in the source's own experiments
        nn.init.zeros_(self.output.bias)

    def forward(self, graphs: MolecularGraphs) -> Float[Tensor, "n h"]:
        """Return the vector of each compound."""
        atoms = _spread(graphs.atoms, ATOM_CLASSES)
        atoms = torch.cat([atoms, _MASS_SCALE * graphs.masses[:, None]], dim=1)
        bonds = _spread(graphs.bonds, BOND_CLASSES).repeat_interleave(2, dim=0)
        ends = graphs.atoms_of_bonds()
        start, end = ends.flatten(), ends.flip(1).flatten()  # a bond from v to w stands beside its reverse
        first = self._mapped(self.input, torch.cat([atoms[start], bonds], dim=1))  # eq. 3
        states = functional.relu(first)
        for _ in range(1, self.depth):
            gathered = _sums(states, end, len(atoms))[start]
            messages = gathered - states.reshape(-1, 2, self.width).flip(1).reshape(-1, self.width)  # eq. 1
            states = functional.relu(first + self._mapped(self.hidden, messages))  # eq. 2
        gathered = _sums(states, end, len(atoms))  # eq. 4
        final = functional.relu(self._mapped(self.output, torch.cat([atoms, gathered], dim=1)))  # eq. 5
        numbers = graphs.atom_numbers.to(final.dtype)
        return _sums(final, graphs.owners(), graphs.number) / numbers[:, None]  # eq. 6; a mean for the sum

    def _mapped(self, layer: nn.Linear, values: Float[Tensor, "r _in"]) -> Float[Tensor, "r _out"]:
        """The layer's result; in evaluation mode in products of one shape."""
        if self.training:
            mapped: Tensor = layer(values)
            return mapped
        missing = -len(values) % _ROWS
        padded = functional.pad(values, (0, 0, 0, missing))
        parts = [layer(part) for part in torch.split(padded, _ROWS)] if len(padded) else [layer(padded)]
        return torch.cat(parts)[: len(values)]


def _spread(classes: Tensor, numbers: tuple[int, ...]) -> Tensor:
    """One-hot columns of each property side by side; one column for a property of two classes."""
    columns = classes.long().unbind(1)
    return torch.cat(
        [
            column[:, None] if number == _BINARY else functional.one_hot(column, number)
            for column, number in zip(columns, numbers, strict=True)
        ],
        dim=1,
    ).float()


def _sums(values: Float[Tensor, "r h"], owner: Tensor, number: int) -> Float[Tensor, "k h"]:
    """Sum the rows of each owner."""
    return values.new_zeros(number, values.shape[1]).index_add_(0, owner, values)
