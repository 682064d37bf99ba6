"""From a connection table (MDL mol block, V2000 or V3000) to SMILES, and back."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.rdDepictor import Compute2DCoords
from rdkit.rdBase import BlockLogs

from hyperpcm.errors import InvalidSmilesError

__all__ = ["molblock_of_smiles", "smiles_of_molblock"]

MAX_CHARACTERS = 1_000_000
"""Longest mol block that is looked at."""


def smiles_of_molblock(block: str) -> str:
    """Give the SMILES of a mol block, not standardised yet; RDKit writes nothing to stderr.

    Raises:
        InvalidSmilesError: with the code ``TOO_LARGE``, ``PARSE`` (no complete connection table),
            ``SANITIZE`` (valence, aromaticity) or ``EMPTY`` (no atom).
    """
    if len(block) > MAX_CHARACTERS:
        raise InvalidSmilesError("TOO_LARGE", f"a record of more than {MAX_CHARACTERS:,} characters.")
    with BlockLogs():
        raw = _read(block, sanitise=False)
        if raw is None:
            raise InvalidSmilesError("PARSE", "the connection table is incomplete or malformed.")
        if raw.GetNumAtoms() == 0:
            raise InvalidSmilesError("EMPTY", "the record has no atoms.")
        molecule = _read(block, sanitise=True)
        if molecule is None:
            problems = Chem.DetectChemistryProblems(raw)
            reason = problems[0].Message().rstrip() if problems else "impossible valences or aromatic bonds"
            raise InvalidSmilesError("SANITIZE", f"the record reads, but not as a molecule: {reason}.")
        return str(Chem.MolToSmiles(molecule))


def molblock_of_smiles(smiles: str) -> str:
    """Give the mol block of a standardised SMILES, drawn in the plane.

    Raises:
        InvalidSmilesError: RDKit cannot read it.
    """
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise InvalidSmilesError("PARSE", f"{smiles[:200]!r} is not a molecule; standardise first.")
        Compute2DCoords(molecule)
        return str(Chem.MolToMolBlock(molecule))


def _read(block: str, sanitise: bool) -> Chem.Mol | None:
    try:
        return Chem.MolFromMolBlock(block, sanitize=sanitise, removeHs=sanitise, strictParsing=True)
    except (RuntimeError, ValueError):  # RDKit's own checks of the text; nothing else is raised here
        return None
