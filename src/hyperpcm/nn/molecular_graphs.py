"""Many compounds as graphs in a few tensors, small integers only: a network spreads them out when it reads.

Axis names: ``n`` compounds, ``a`` atoms, ``b`` bonds, all of them one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from hyperpcm.chem.molecular_graph import (
    BOND_STEREO,
    BOND_TYPES,
    CHIRALITIES,
    HYBRIDISATIONS,
    MolecularGraph,
    molecular_graph,
)

__all__ = ["ATOM_CLASSES", "BOND_CLASSES", "MolecularGraphs", "PlacedGraphs"]

_MOST_ATOMS: Final = 2000  # of one compound; what was standardised has fewer, hydrogen included
_ELEMENTS: Final = np.array([*range(1, 37), 53])  # hydrogen to krypton, and iodine
_CHARGES: Final = np.array([-1, -2, 1, 2, 0])
_MOST_DEGREE, _MOST_HYDROGENS = 5, 4

ATOM_CLASSES: Final = (
    len(_ELEMENTS) + 1,
    _MOST_DEGREE + 2,
    len(_CHARGES) + 1,
    len(CHIRALITIES) + 1,
    _MOST_HYDROGENS + 2,
    len(HYBRIDISATIONS) + 1,
    2,
)
"""Number of classes of each property of an atom: element, degree, charge, chirality, hydrogens,
hybridisation, aromatic; the last class of each but the last property is for everything else."""

BOND_CLASSES: Final = (len(BOND_TYPES) + 1, 2, 2, len(BOND_STEREO) + 1)
"""Number of classes of each property of a bond: type, conjugated, in a ring, stereo."""


class MolecularGraphs(NamedTuple):
    """The graphs of some compounds.

    Attributes:
        atoms: class of each property of each atom, in the order of `ATOM_CLASSES`.
        masses: of the atoms, in Da.
        bonds: class of each property of each bond, in the order of `BOND_CLASSES`.
        ends: the two atoms of each bond, counted from the first atom of their compound.
        atom_numbers: atoms of each compound; 1 at least.
        bond_numbers: bonds of each compound.
    """

    atoms: UInt8[Tensor, "a 7"]
    masses: Float32[Tensor, "a"]
    bonds: UInt8[Tensor, "b 4"]
    ends: Int64[Tensor, "b 2"]
    atom_numbers: Int64[Tensor, "n"]
    bond_numbers: Int64[Tensor, "n"]

    @classmethod
    def of(cls, graphs: Iterable[MolecularGraph]) -> MolecularGraphs:
        """Return the graphs of some compounds side by side, in their order."""
        atoms, masses, bonds, ends = [], [], [], []
        for graph in graphs:
            atoms.append(_atom_classes(graph))
            masses.append(graph.masses)
            bonds.append(_bond_classes(graph))
            ends.append(graph.bonds)
        return cls(
            atoms=torch.from_numpy(np.concatenate([np.empty((0, len(ATOM_CLASSES)), np.uint8), *atoms])),
            masses=torch.from_numpy(np.concatenate([np.empty(0, np.float32), *masses])),
            bonds=torch.from_numpy(np.concatenate([np.empty((0, len(BOND_CLASSES)), np.uint8), *bonds])),
            ends=torch.from_numpy(np.concatenate([np.empty((0, 2), np.int64), *ends])),
            atom_numbers=torch.tensor([len(own) for own in atoms], dtype=torch.int64),
            bond_numbers=torch.tensor([len(own) for own in bonds], dtype=torch.int64),
        )

    @classmethod
    def of_smiles(cls, smiles: Sequence[str], told: Callable[[int], None] | None = None) -> MolecularGraphs:
        """Return the graphs of standardised SMILES, in their order.

        Args:
            smiles: one per compound.
            told: is called with the number of compounds done.

        Raises:
            InvalidSmilesError: as `hyperpcm.chem.molecular_graph.molecular_graph`.
        """

        def each() -> Iterator[MolecularGraph]:
            for number, text in enumerate(smiles, start=1):
                yield molecular_graph(text, max_atoms=_MOST_ATOMS)
                if told is not None:
                    told(number)

        return cls.of(each())

    @property
    def number(self) -> int:
        """How many compounds there are."""
        return len(self.atom_numbers)

    def take(self, compounds: Int64[Tensor, "k"]) -> MolecularGraphs:
        """Return the graphs of some of the compounds, in the order given; one may come several times."""
        atoms = _members(self.atom_numbers, compounds)
        bonds = _members(self.bond_numbers, compounds)
        return MolecularGraphs(
            self.atoms[atoms],
            self.masses[atoms],
            self.bonds[bonds],
            self.ends[bonds],
            self.atom_numbers[compounds],
            self.bond_numbers[compounds],
        )

    def to(self, device: torch.device | str) -> MolecularGraphs:
        """Return the graphs with their tensors on a device."""
        return MolecularGraphs(*(tensor.to(device) for tensor in self))

    def owners(self) -> Int64[Tensor, "a"]:
        """Return the compound of each atom."""
        return _owners(self.atom_numbers)

    def atoms_of_bonds(self) -> Int64[Tensor, "b 2"]:
        """Return the two atoms of each bond, counted over all compounds."""
        first = self.atom_numbers.cumsum(0) - self.atom_numbers
        return self.ends + first[_owners(self.bond_numbers)][:, None]


class PlacedGraphs(NamedTuple):
    """The compounds of a training step, each once, and where each of them stands in it.

    Attributes:
        graphs: of the different compounds.
        places: which of them is at each place of the step.
    """

    graphs: MolecularGraphs
    places: Int64[Tensor, "t c"]

    def to(self, device: torch.device | str) -> PlacedGraphs:
        """Return both with their tensors on a device."""
        return PlacedGraphs(self.graphs.to(device), self.places.to(device))


def _atom_classes(graph: MolecularGraph) -> npt.NDArray[np.uint8]:
    columns = (
        _class_of(_ELEMENTS, graph.elements),
        np.minimum(graph.degrees, _MOST_DEGREE + 1),
        _class_of(_CHARGES, graph.charges),
        graph.chirality,
        np.minimum(graph.hydrogens, _MOST_HYDROGENS + 1),
        graph.hybridisations,
        graph.aromatic,
    )
    return np.stack(columns, axis=1).astype(np.uint8)


def _bond_classes(graph: MolecularGraph) -> npt.NDArray[np.uint8]:
    columns = (graph.bond_types, graph.bond_conjugated, graph.bond_in_ring, graph.bond_stereo)
    return np.stack(columns, axis=1).astype(np.uint8)


def _class_of(known: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each value among the known ones; their number for any other."""
    fits = values[:, None] == known
    return np.where(fits.any(1), fits.argmax(1), len(known))


def _owners(numbers: Tensor) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(numbers), device=numbers.device), numbers)


def _members(numbers: Tensor, chosen: Tensor) -> Tensor:
    """The positions of what belongs to the chosen compounds, where ``numbers`` says how many each has."""
    own = numbers[chosen]
    starts = (numbers.cumsum(0) - numbers)[chosen]
    within = torch.arange(int(own.sum()), device=numbers.device)
    shift = starts - (own.cumsum(0) - own)
    return within + torch.repeat_interleave(shift, own)
