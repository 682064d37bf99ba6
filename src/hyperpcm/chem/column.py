"""A column of SMILES standardised row by row: no row is lost or moved, repeated texts cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rdkit import Chem
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.standardisation import Compound, Limits, standardised_and_read
from hyperpcm.errors import InvalidSmilesError, Rejection

__all__ = ["ColumnReader", "Outcome", "shown", "standardise_all"]


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
    reader = ColumnReader(Limits(keep_stereo, max_atoms, max_characters))
    with BlockLogs():
        for row, text in enumerate(smiles):
            outcome, _ = reader.read(text)
            if isinstance(outcome, InvalidSmilesError):
                compounds.append(None)
                rejections.append(Rejection(row, shown(text), outcome.code, outcome.reason))
            else:
                compounds.append(outcome)
            if progress is not None and (row + 1) % 1000 == 0:
                progress(row + 1)
    if progress is not None:
        progress(len(compounds))
    return compounds, rejections


Outcome: TypeAlias = tuple[Compound | InvalidSmilesError, Chem.Mol | None]
"""What becomes of a text: its compound, or why there is none; and its molecule, where it was read."""


class ColumnReader:
    """Standardises the texts of a column one by one, those that repeat once.

    Args:
        limits: as for `standardise`.
        stereo: whether what could be a stereocentre is to be marked in the molecules; without, those that
            have no stereo are read in less time.

    Example:
        >>> reader = ColumnReader()
        >>> [reader.read(text)[1] is None for text in ("CCO", "OCC")]
        [False, True]
    """

    def __init__(self, limits: Limits | None = None, *, stereo: bool = False) -> None:
        self._limits, self._stereo = limits or Limits(), stereo
        self._seen: dict[str, Compound | InvalidSmilesError] = {}

    def read(self, text: object) -> Outcome:
        """Return what becomes of a text; RDKit may write to stderr.

        The molecule is what reading the standardised SMILES gives, atoms in the same order; None where that
        was not read, as the text was written otherwise, or where the text was there before. Who lets go of a
        molecule before asking for the next keeps within the cache of a core.
        """
        known = self._seen.get(text) if isinstance(text, str) else None
        if known is not None:
            return known, None
        outcome: Outcome
        try:
            outcome = standardised_and_read(text, self._limits, stereo=self._stereo)
        except InvalidSmilesError as error:
            outcome = (error, None)
        if isinstance(text, str):
            self._seen[text] = outcome[0]
        return outcome


def shown(text: object) -> str:
    """Give what a rejection shows of a text: its first 200 characters."""
    return (text if isinstance(text, str) else repr(text))[:200]
