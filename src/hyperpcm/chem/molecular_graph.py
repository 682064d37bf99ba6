"""Compounds as graphs for neural networks: atoms and bonds with their properties, in canonical order."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.rdchem import BondStereo, BondType, ChiralType, HybridizationType
from rdkit.rdBase import BlockLogs

from hyperpcm.errors import InvalidSmilesError

__all__ = [
    "BOND_STEREO",
    "BOND_TYPES",
    "CHIRALITIES",
    "HYBRIDISATIONS",
    "MolecularGraph",
    "molecular_graph",
]

CHIRALITIES: Final = (
    ChiralType.CHI_UNSPECIFIED,
    ChiralType.CHI_TETRAHEDRAL_CW,
    ChiralType.CHI_TETRAHEDRAL_CCW,
)
"""The chiral tags of atoms told apart; all others are one more."""

HYBRIDISATIONS: Final = (
    HybridizationType.S,
    HybridizationType.SP,
    HybridizationType.SP2,
    HybridizationType.SP2D,
    HybridizationType.SP3,
    HybridizationType.SP3D,
    HybridizationType.SP3D2,
)
"""The hybridisations of atoms told apart; all others are one more."""

BOND_TYPES: Final = (BondType.SINGLE, BondType.DOUBLE, BondType.TRIPLE, BondType.AROMATIC)
"""The bond types told apart; all others (dative, quadruple, ...) are one more."""

BOND_STEREO: Final = (
    BondStereo.STEREONONE,
    BondStereo.STEREOANY,
    BondStereo.STEREOZ,
    BondStereo.STEREOE,
    BondStereo.STEREOCIS,
    BondStereo.STEREOTRANS,
)
"""The stereo marks of bonds told apart; all others are one more."""


@dataclasses.dataclass(frozen=True, slots=True)
class MolecularGraph:
    """Atoms and bonds of one compound; hydrogen is implicit where RDKit makes it so.

    Attributes:
        elements: atomic numbers [atoms], int64; 0 for a dummy atom (*).
        degrees: bonded atoms of each atom, implicit hydrogen included.
        charges: formal charges.
        radicals: unpaired electrons.
        valences: total valences, implicit hydrogen included.
        hydrogens: hydrogen atoms of each atom, implicit ones included.
        hybridisations: place in `HYBRIDISATIONS`; its length for any other.
        chirality: place in `CHIRALITIES`; its length for any other. The sense of rotation is that of the
            bonded atoms in the order of the graph, so it does not depend on how the SMILES was written.
        masses: of the atoms, in Da, float32 [atoms]; that of the isotope where one is given.
        aromatic: whether each atom is aromatic, bool [atoms].
        in_ring: whether each atom is in a ring.
        bonds: indices of the two atoms of each bond [bonds, 2], int64.
        bond_types: place in `BOND_TYPES` [bonds], int64; its length for any other.
        bond_stereo: place in `BOND_STEREO`; its length for any other.
        bond_in_ring: whether each bond is in a ring, bool [bonds].
        bond_conjugated: whether each bond is conjugated.
    """

    elements: npt.NDArray[np.int64]
    degrees: npt.NDArray[np.int64]
    charges: npt.NDArray[np.int64]
    radicals: npt.NDArray[np.int64]
    valences: npt.NDArray[np.int64]
    hydrogens: npt.NDArray[np.int64]
    hybridisations: npt.NDArray[np.int64]
    chirality: npt.NDArray[np.int64]
    masses: npt.NDArray[np.float32]
    aromatic: npt.NDArray[np.bool_]
    in_ring: npt.NDArray[np.bool_]
    bonds: npt.NDArray[np.int64]
    bond_types: npt.NDArray[np.int64]
    bond_stereo: npt.NDArray[np.int64]
    bond_in_ring: npt.NDArray[np.bool_]
    bond_conjugated: npt.NDArray[np.bool_]

    @property
    def size(self) -> int:
        """How many atoms there are; 1 at least."""
        return len(self.elements)


def molecular_graph(smiles: str, *, max_atoms: int) -> MolecularGraph:
    """Give the graph that a SMILES stands for, its atoms in RDKit's canonical order.

    Two spellings of one compound give equal graphs, but for the order of bonds and of atoms that symmetry
    makes alike. Cost: about 0.3 ms for a drug-like molecule.

    Args:
        smiles: standardised SMILES.
        max_atoms: most atoms that are accepted.

    Raises:
        InvalidSmilesError: ``PARSE`` for a text that RDKit cannot read or that holds no atom, ``TOO_LARGE``.

    Example:
        >>> molecular_graph("C=O", max_atoms=10).elements.tolist()
        [6, 8]
    """
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InvalidSmilesError("PARSE", "RDKit cannot read it as a compound; standardise it first")
    if molecule.GetNumAtoms() > max_atoms:
        found = f"{molecule.GetNumAtoms():,} atoms; at most {max_atoms:,} are accepted"
        raise InvalidSmilesError("TOO_LARGE", found)
    order = np.argsort(np.array(Chem.CanonicalRankAtoms(molecule)))
    return _graph(Chem.RenumberAtoms(molecule, order.tolist()))


def _graph(molecule: Chem.Mol) -> MolecularGraph:
    """Read off what the graph holds, in the order of atoms and bonds."""
    atoms = list(molecule.GetAtoms())
    bonds = list(molecule.GetBonds())
    pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    return MolecularGraph(
        elements=_integers([atom.GetAtomicNum() for atom in atoms]),
        degrees=_integers([atom.GetTotalDegree() for atom in atoms]),
        charges=_integers([atom.GetFormalCharge() for atom in atoms]),
        radicals=_integers([atom.GetNumRadicalElectrons() for atom in atoms]),
        valences=_integers([atom.GetTotalValence() for atom in atoms]),
        hydrogens=_integers([atom.GetTotalNumHs() for atom in atoms]),
        hybridisations=_integers([_place(HYBRIDISATIONS, atom.GetHybridization()) for atom in atoms]),
        chirality=_integers([_chirality(atom) for atom in atoms]),
        masses=np.array([atom.GetMass() for atom in atoms], dtype=np.float32),
        aromatic=np.array([atom.GetIsAromatic() for atom in atoms], dtype=np.bool_),
        in_ring=np.array([atom.IsInRing() for atom in atoms], dtype=np.bool_),
        bonds=_integers(pairs).reshape(-1, 2),
        bond_types=_integers([_place(BOND_TYPES, bond.GetBondType()) for bond in bonds]),
        bond_stereo=_integers([_place(BOND_STEREO, bond.GetStereo()) for bond in bonds]),
        bond_in_ring=np.array([bond.IsInRing() for bond in bonds], dtype=np.bool_),
        bond_conjugated=np.array([bond.GetIsConjugated() for bond in bonds], dtype=np.bool_),
    )


def _chirality(atom: Chem.Atom) -> int:
    """Read off the chirality of an atom, its neighbours taken in the order of their indices.

    RDKit's tag counts them in the order of the bonds; an odd permutation turns the sense of rotation.
    """
    place = _place(CHIRALITIES, atom.GetChiralTag())
    if place not in (1, 2):
        return place
    around = [neighbour.GetIdx() for neighbour in atom.GetNeighbors()]
    inversions = sum(first > second for first, second in itertools.combinations(around, 2))
    return 3 - place if inversions % 2 else place


def _place(known: tuple[object, ...], value: object) -> int:
    return known.index(value) if value in known else len(known)


def _integers(values: object) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
