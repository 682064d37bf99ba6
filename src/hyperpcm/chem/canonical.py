"""One spelling for each compound, as it is: nothing is stripped, neutralised or refused for its elements."""

from __future__ import annotations

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from hyperpcm.errors import InvalidSmilesError

__all__ = ["canonical_smiles"]


def canonical_smiles(smiles: str) -> str:
    """Give RDKit's canonical SMILES of a compound, with stereo and isotopes.

    Raises:
        InvalidSmilesError: RDKit cannot read the text.

    Example:
        >>> canonical_smiles("OCC"), canonical_smiles("C(O)C")
        ('CCO', 'CCO')
    """
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InvalidSmilesError("PARSE", f"{smiles[:200]!r} is not a molecule; standardise it first.")
    canonical: str = Chem.MolToSmiles(molecule)
    return canonical
