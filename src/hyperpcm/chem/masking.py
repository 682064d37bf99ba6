"""Compounds with one atom hidden: a wildcard stands in its place."""

from __future__ import annotations

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.reading import molecules_of

__all__ = ["masked_smiles"]


def masked_smiles(smiles: str) -> list[str | None]:
    """Return the compound with each heavy atom in turn replaced by a wildcard (``*``); its bonds stay.

    Args:
        smiles: standardised.

    Returns:
        SMILES in the order of the atoms of the text; None where RDKit does not read what would come out, as
        for some atoms of aromatic rings.

    Raises:
        InvalidSmilesError: RDKit cannot read the compound.

    Example:
        >>> masked_smiles("CC=O")
        ['*C=O', '*=O', '*=CC']
    """
    with BlockLogs():
        (molecule,) = molecules_of([smiles])
        return [_masked(molecule, place) for place in range(molecule.GetNumAtoms())]


def _masked(molecule: Chem.Mol, place: int) -> str | None:
    masked = Chem.RWMol(molecule)
    old = masked.GetAtomWithIdx(place)
    wildcard = Chem.Atom(0)
    wildcard.SetIsAromatic(old.GetIsAromatic())
    masked.ReplaceAtom(place, wildcard)
    text: str = Chem.MolToSmiles(masked)
    return None if Chem.MolFromSmiles(text) is None else text
