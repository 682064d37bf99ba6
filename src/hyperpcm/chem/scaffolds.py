"""Bemis-Murcko scaffolds: what is left of a compound without its side chains."""

from __future__ import annotations

from collections.abc import Callable

from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from rdkit.rdBase import BlockLogs

from hyperpcm.errors import InvalidSmilesError

__all__ = ["murcko_scaffold"]

_without_side_chains: Callable[[Chem.Mol], Chem.Mol] = GetScaffoldForMol


def murcko_scaffold(smiles: str, *, generic: bool = False) -> str:
    """Give the ring systems of a compound and the linkers between them, as flat canonical SMILES.

    Atoms double-bonded to a ring or linker belong to it. Stereo and isotopes are left out, so that
    stereoisomers share a scaffold.

    Args:
        smiles: a standardised SMILES.
        generic: every atom becomes carbon and every bond single, and what then counts as a side chain is
            cut too: compounds of one topology share a scaffold. An atom with more than four neighbours,
            which no carbon can be, keeps its element.

    Returns:
        The scaffold; empty for a compound without a ring.

    Raises:
        InvalidSmilesError: RDKit cannot read the text.

    Source:
        Bemis and Murcko, J. Med. Chem. 1996, 39, 2887; `rdkit.Chem.Scaffolds.MurckoScaffold`.

    Example:
        >>> murcko_scaffold("CC(=O)Nc1ccc(cc1)C(=O)c1ccncc1")
        'O=C(c1ccccc1)c1ccncc1'
        >>> murcko_scaffold("CC(=O)Nc1ccc(cc1)C(=O)c1ccncc1", generic=True)
        'C1CCC(CC2CCCCC2)CC1'
    """
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise InvalidSmilesError("PARSE", f"{smiles[:200]!r} is not a molecule; standardise it first.")
        Chem.RemoveStereochemistry(molecule)
        scaffold = _without_side_chains(molecule)
        if generic and scaffold.GetNumAtoms():
            scaffold = _without_side_chains(_generic(scaffold))
        return Chem.MolToSmiles(scaffold, isomericSmiles=False)


def _generic(scaffold: Chem.Mol) -> Chem.Mol:
    """The graph of a scaffold in saturated carbon."""
    generic = Chem.RWMol(scaffold)
    for atom in generic.GetAtoms():
        if atom.GetDegree() <= 4:
            atom.SetAtomicNum(6)
            atom.SetFormalCharge(0)
        atom.SetIsAromatic(False)
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
        atom.SetNumRadicalElectrons(0)
    for bond in generic.GetBonds():
        bond.SetIsAromatic(False)
        bond.SetBondType(Chem.BondType.SINGLE)
    Chem.SanitizeMol(generic)
    return generic.GetMol()
