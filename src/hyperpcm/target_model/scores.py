"""Scores of a list of compounds as people write them: every row gets a number, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import standardise_all
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import InvalidSmilesError, Rejection

__all__ = ["BLOCK", "FREQUENCIES", "LEVEL", "ROWS", "Intervals", "Scores", "score_rows"]

BLOCK: Final = 64
"""Compounds per matrix product; fixed, so that a score does not depend on its neighbours.

A block that is not full is filled up with zeros, which costs as much as compounds: a large block makes short
lists slow, and long lists no faster, as what is retrieved for it outgrows the cache of a core.
"""

ROWS: Final = 512
"""Compounds that are read and encoded at a time."""

LEVEL: Final = 0.8
"""Level of intervals where none is asked for."""

FREQUENCIES: Final = (0.01, 0.99)
"""Least and largest frequency of a class before it becomes a logit."""


@dataclass(frozen=True)
class Intervals:
    """How far scores may be off.

    Attributes:
        level: share of the labels that lie between ``lower`` and ``upper``, over rows as new to the model as
            its held-out ones were.
        lower: float32 [n], in the quantity's unit; NaN where the row was rejected.
        upper: likewise.
        difficulty: absolute error to be expected of each score, likewise.
        verdicts: where in the model's domain each row lies: ``inside``, ``edge`` or ``outside``; None where
            the row was rejected.
    """

    level: float
    lower: npt.NDArray[np.float32]
    upper: npt.NDArray[np.float32]
    difficulty: npt.NDArray[np.float32]
    verdicts: tuple[str | None, ...]


@dataclass(frozen=True)
class Scores:
    """What a target model says about a list of compounds.

    Attributes:
        values: float32 [n]; in the quantity's unit, or the probability of being active for a binary
            quantity; NaN where the row was rejected.
        quantity: what the values mean.
        smiles: the standardised structure that was scored, None where rejected.
        rejections: the rows that could not be scored, with reasons.
        intervals: how far each score may be off; None where the model was not calibrated.
    """

    values: npt.NDArray[np.float32]
    quantity: Quantity
    smiles: tuple[str | None, ...]
    rejections: tuple[Rejection, ...]
    intervals: Intervals | None = None

    def __len__(self) -> int:
        return len(self.values)

    def order(self) -> npt.NDArray[np.int64]:
        """Return row numbers, best score first; ties in order of rows; rejected rows never rank."""
        rows = np.flatnonzero(~np.isnan(self.values))
        return rows[np.argsort(-self.values[rows], kind="stable")]


def score_rows(
    smiles: Sequence[object],
    quantity: Quantity,
    score_block: Callable[[list[str]], npt.NDArray[np.float32]],
    *,
    strict: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Scores:
    """Standardise compounds and score those that can be used, block by block.

    Args:
        smiles: one per row.
        quantity: what the scores mean.
        score_block: scores of at most `ROWS` standardised SMILES.
        strict: raise at the first row that cannot be used.
        progress: is called with the number of rows done.

    Raises:
        InvalidSmilesError: a row cannot be used and ``strict`` is set.
        TypeError: one string instead of a list.
    """
    if isinstance(smiles, str):
        raise TypeError("score takes a list of SMILES, not one string; write score([smiles]).")
    compounds, rejections = standardise_all(smiles)
    if strict and rejections:
        first = rejections[0]
        raise InvalidSmilesError(first.code, f"row {first.row}, {first.text!r}: {first.reason}")
    structures = [None if compound is None else compound.smiles for compound in compounds]
    rows = [row for row, structure in enumerate(structures) if structure is not None]
    values = np.full(len(structures), np.nan, dtype=np.float32)
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        values[block] = score_block([structures[row] or "" for row in block])
        if progress is not None:
            progress(start + len(block))
    return Scores(values, quantity, tuple(structures), tuple(rejections))
