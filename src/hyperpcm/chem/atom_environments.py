"""Which atoms the circular substructures of a compound are made of, and fingerprints of parts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import AdditionalOutput, GetMorganGenerator
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.reading import molecules_of

__all__ = ["AtomEnvironments", "atom_environments", "atom_symbols"]

_MOST = 255  # counts stop there, as in `morgan_counts`


@dataclass(frozen=True, eq=False)
class AtomEnvironments:
    """The circular substructures of one compound.

    Attributes:
        smiles: of the compound, standardised; atoms are numbered in its order.
        width: of the fingerprint.
        columns: of the fingerprint that each substructure is counted in, int64 [e].
        members: whether an atom belongs to a substructure, bool [e, a].
    """

    smiles: str
    width: int
    columns: npt.NDArray[np.int64]
    members: npt.NDArray[np.bool_]

    @property
    def atoms(self) -> int:
        """Number of heavy atoms."""
        return int(self.members.shape[1])

    def counts(self, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Return the fingerprints of parts of the compound: substructures count that lie within the part.

        Args:
            kept: whether an atom belongs to a part, bool [n, a].

        Returns:
            Counts up to 255, uint8 [n, width]; with all atoms that of `morgan_counts`.
        """
        outside = (~kept).astype(np.int64) @ self.members.T.astype(np.int64)
        found = np.zeros((len(kept), self.width), dtype=np.int64)
        rows, places = np.nonzero(outside == 0)
        np.add.at(found, (rows, self.columns[places]), 1)
        return np.minimum(found, _MOST).astype(np.uint8)

    def shares(self, of_columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what falls to each atom of something that each column has.

        That of a column is shared alike by its substructures, and that of a substructure by its atoms.

        Args:
            of_columns: float64 [width]; zero in columns without a substructure.

        Returns:
            float64 [a], with the same sum.
        """
        number = np.bincount(self.columns, minlength=self.width)
        of_each = of_columns[self.columns] / number[self.columns]
        return np.asarray((of_each / self.members.sum(axis=1)) @ self.members)


def atom_environments(
    smiles: str, *, radius: int = 2, width: int = 2048, chirality: bool = False
) -> AtomEnvironments:
    """Return the circular substructures of one compound, as `morgan_counts` counts them.

    Args:
        smiles: standardised.
        radius: bonds from the central atom.
        width: of the fingerprint.
        chirality: whether mirror images differ.

    Raises:
        InvalidSmilesError: RDKit cannot read it.

    Example:
        >>> atom_environments("CCO").members.sum(axis=1).tolist()  # atoms alone, then with neighbours
        [1, 1, 1, 2, 3, 2]
    """
    output = AdditionalOutput()
    output.AllocateBitInfoMap()
    generator = GetMorganGenerator(radius=radius, fpSize=width, includeChirality=chirality)
    with BlockLogs():
        (molecule,) = molecules_of([smiles])
        generator.GetCountFingerprint(molecule, additionalOutput=output)
    found = sorted(
        (around, centre, column)
        for column, places in output.GetBitInfoMap().items()
        for centre, around in places
    )
    members = np.zeros((len(found), molecule.GetNumAtoms()), dtype=bool)
    for row, (around, centre, _) in enumerate(found):
        members[row, _atoms(molecule, centre, around)] = True
    columns = np.array([column for _, _, column in found], dtype=np.int64)
    return AtomEnvironments(smiles, width, columns, members)


def _atoms(molecule: Chem.Mol, centre: int, radius: int) -> list[int]:
    """The atoms up to some bonds away from one."""
    atoms = {centre}
    for bond in Chem.FindAtomEnvironmentOfRadiusN(molecule, radius, centre) if radius else ():
        one = molecule.GetBondWithIdx(bond)
        atoms |= {one.GetBeginAtomIdx(), one.GetEndAtomIdx()}
    return sorted(atoms)


def atom_symbols(smiles: str) -> list[str]:
    """Return the symbol of each heavy atom, in the order of the text.

    Raises:
        InvalidSmilesError: RDKit cannot read it.

    Example:
        >>> atom_symbols("CCO")
        ['C', 'C', 'O']
    """
    with BlockLogs():
        (molecule,) = molecules_of([smiles])
    return [atom.GetSymbol() for atom in molecule.GetAtoms()]
