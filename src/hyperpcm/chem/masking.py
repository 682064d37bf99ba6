"""Compounds with one atom hidden: a wildcard stands in its place."""

from __future__ import annotations

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.reading import molecules_of

__all__ = ["masked_smiles"]


def masked_smiles(smiles: str) -> list[str]:
    """Return the compound with each heavy atom in turn replaced by a wildcard (``*``); its bonds stay.

    Aromatic rings stay so where RDKit reads them with the wildcard, and have single and double bonds where it
    does not.

    Args:
        smiles: standardised.

    Returns:
        SMILES in the order of the atoms of the text.

    Raises:
        InvalidSmilesError: RDKit cannot read the compound.

    Example:
        >>> masked_smiles("CC=O")
        ['*C=O', 'C*=O', '*=CC']
    """
    with BlockLogs():
        (molecule,) = molecules_of([smiles])
        kekulised = Chem.Mol(molecule)
        Chem.Kekulize(kekulised, clearAromaticFlags=True)
        found = []
        for place in range(molecule.GetNumAtoms()):
            text = _masked(molecule, place)
            is_read = Chem.MolFromSmiles(text) is not None
            found.append(text if is_read else _masked(kekulised, place))
    return found


def _masked(molecule: Chem.Mol, place: int) -> str:
    masked, wildcard = Chem.RWMol(molecule), Chem.Atom(0)
    wildcard.SetIsAromatic(molecule.GetAtomWithIdx(place).GetIsAromatic())
    masked.ReplaceAtom(place, wildcard)
    return str(Chem.MolToSmiles(masked))
