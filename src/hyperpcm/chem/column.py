"""A column of SMILES standardised row by row: no row is lost or moved, repeated texts cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.standardisation import Compound, Limits, standardised_and_read
from hyperpcm.errors import InvalidSmilesError, Rejection

__all__ = ["ReadCompounds", "read_all", "standardise_all"]


class ReadCompounds(NamedTuple):
    """A column of SMILES, standardised, with such molecules as need not be read again.

    Attributes:
        compounds: one or None for each row.
        molecules: for each row, what reading its standardised SMILES gives, atoms in the same order; None
            where that was not read, as the row was written otherwise.
        rejections: why rows have no compound, in the order of rows.
    """

    compounds: list[Compound | None]
    molecules: list[Chem.Mol | None]
    rejections: list[Rejection]


def standardise_all(
    smiles: Sequence[object],
    *,
    keep_stereo: bool = True,
    max_atoms: int = 300,
    max_characters: int = 2000,
    progress: Callable[[int], None] | None = None,
) -> tuple[list[Compound | None], list[Rejection]]:
    """Standardise a column; an unusable row is None and has a rejection, so no row is lost or moved.

    Texts that repeat are worked on once.

    Args:
        smiles: the column.
        keep_stereo: as in `standardise`.
        max_atoms: as in `standardise`.
        max_characters: as in `standardise`.
        progress: is called with the number of rows done so far, every 1,000 rows and at the end.

    Returns:
        One compound or None per row, and one rejection per None in the order of rows.
    """
    compounds: list[Compound | None] = []
    rejections: list[Rejection] = []
    limits = Limits(keep_stereo, max_atoms, max_characters)
    with BlockLogs():
        for row, (outcome, _) in enumerate(_outcomes(smiles, limits)):
            if isinstance(outcome, InvalidSmilesError):
                compounds.append(None)
                rejections.append(Rejection(row, _shown(smiles[row]), outcome.code, outcome.reason))
            else:
                compounds.append(outcome)
            if progress is not None and (row + 1) % 1000 == 0:
                progress(row + 1)
    if progress is not None:
        progress(len(compounds))
    return compounds, rejections


def read_all(smiles: Sequence[object], *, stereo: bool) -> ReadCompounds:
    """Standardise a column as `standardise_all` does, and keep the molecules that were read.

    A molecule takes some tens of kilobytes, so this is for a block of a column.

    Args:
        smiles: the block.
        stereo: whether what could be a stereocentre is to be marked in the molecules; without, those that
            have no stereo take a quarter less time.

    Example:
        >>> [molecule is None for molecule in read_all(["CCO", "OCC"], stereo=False).molecules]
        [False, True]
    """
    found = ReadCompounds([], [], [])
    with BlockLogs():
        for row, (outcome, molecule) in enumerate(_outcomes(smiles, Limits(), keep=True, stereo=stereo)):
            if isinstance(outcome, InvalidSmilesError):
                found.compounds.append(None)
                found.rejections.append(Rejection(row, _shown(smiles[row]), outcome.code, outcome.reason))
            else:
                found.compounds.append(outcome)
            found.molecules.append(molecule)
    return found


_Outcome: TypeAlias = tuple[Compound | InvalidSmilesError, Chem.Mol | None]


def _outcomes(
    smiles: Sequence[object], limits: Limits, *, keep: bool = False, stereo: bool = False
) -> Iterator[_Outcome]:
    """What becomes of each text, worked on once where it repeats, and its molecule if that is to be kept."""
    seen: dict[str, _Outcome] = {}
    for text in smiles:
        known = seen.get(text) if isinstance(text, str) else None
        if known is None:
            try:
                compound, molecule = standardised_and_read(text, limits, stereo=stereo)
                known = (compound, molecule if keep else None)
            except InvalidSmilesError as error:
                known = (error, None)
            if isinstance(text, str):
                seen[text] = known
        yield known


def _shown(text: object) -> str:
    return (text if isinstance(text, str) else repr(text))[:200]
