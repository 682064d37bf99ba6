"""Composition of targets: which residues, which triples of residue kinds, and how properties vary along
the chain.

It needs no weights, no alignment and no limit on length: the default for targets that resemble nothing known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.amino_acids import ALPHABET, CONJOINT_GROUPS, PROPERTIES, SCALES, letter_table
from hyperpcm.encoders.base import Encoder, Json, Side, stacked_rows
from hyperpcm.protein import validate_sequence
from hyperpcm.protein.sequence import AMINO_ACIDS

__all__ = ["CompositionEncoder"]

_LAGS: Final = (1, 2, 3, 4)
"""Residue distances of the autocovariances: neighbours, a strand's period (2) and a helix turn (3 and 4)."""

_WINDOW: Final = 19
"""Residues per window of the extremes: about one pass through a membrane (Kyte and Doolittle 1982)."""

_LONGEST: Final = 40_000
"""Length that the length column maps to 1; titin, the longest human protein, has about 35,000 residues."""


@final
@dataclasses.dataclass(frozen=True)
class CompositionEncoder(Encoder):
    """Composition, conjoint triads, property statistics and length of a sequence: 429 columns.

    Columns, in order:

    - 20: fraction of each amino acid among the known residues, in alphabetical order of their letters;
      B, Z, J, U and O count as `amino_acids.AMBIGUOUS` says.
    - 1: fraction of X.
    - 343: square root of the fraction of each triple of `amino_acids.CONJOINT_GROUPS` among all triples,
      so that Euclidean distance is Hellinger distance; triples with X, or with B or Z (whose group is
      undecided), are left out.
    - 64: for each of the 8 `amino_acids.SCALES`, divided by its spread over the 20 amino acids about their
      mean: mean, standard deviation, autocovariance at lags 1 to 4, and the lowest and highest mean of 19
      neighbours.
    - 1: ln(length) / ln(40,000).

    Columns that a sequence is too short for are 0. Cost grows linearly with length, about 1 ms for 1,000
    residues.
    """

    name: ClassVar[str] = "composition"
    side: ClassVar[Side] = "target"
    licence: ClassVar[str] = "MIT"
    revision: ClassVar[str] = "1"
    width: ClassVar[int] = (
        len(AMINO_ACIDS) + 1 + len(CONJOINT_GROUPS) ** 3 + len(SCALES) * (len(_LAGS) + 4) + 1
    )

    def options(self) -> dict[str, Json]:
        """Nothing: there is one composition."""
        return {}

    @cached_property
    def _meaning(self) -> npt.NDArray[np.float64]:
        return letter_table()

    @cached_property
    def _groups(self) -> npt.NDArray[np.int64]:
        """Conjoint group of each letter, -1 where it is undecided: int64 [26]."""
        member = np.array(
            [[acid in group for group in CONJOINT_GROUPS] for acid in AMINO_ACIDS], dtype=np.float64
        )
        share = self._meaning @ member
        return np.where(share.max(axis=1) == 1, share.argmax(axis=1), -1)

    @cached_property
    def _properties(self) -> npt.NDArray[np.float64]:
        """Standardised scales of each letter: float64 [26, 8]; X has zeros."""
        values = np.array([PROPERTIES[acid] for acid in AMINO_ACIDS], dtype=np.float64)
        standardised: npt.NDArray[np.float64] = (values - values.mean(axis=0)) / values.std(axis=0)
        return self._meaning @ standardised

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        return stacked_rows(items, self.width, self._row)

    def _row(self, item: str) -> npt.NDArray[np.float64]:
        """The columns of one sequence: float64 [429]."""
        sequence = validate_sequence(item).sequence
        letters = np.frombuffer(sequence.encode("ascii"), dtype=np.uint8).astype(np.int64) - ord("A")
        counts = np.bincount(letters, minlength=len(ALPHABET)).astype(np.float64)
        unknown = counts[ALPHABET.index("X")]
        fractions = (counts @ self._meaning) / max(len(letters) - unknown, 1.0)
        known = letters != ALPHABET.index("X")
        return np.concatenate(
            [
                fractions,
                [unknown / len(letters)],
                _triads(self._groups[letters]),
                _statistics(self._properties[letters], known).ravel(),
                [np.log(len(letters)) / np.log(_LONGEST)],
            ]
        )


def _triads(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Square roots of the triple frequencies: float64 [343]; zeros where no triple is decided."""
    kinds = len(CONJOINT_GROUPS)
    triples = (
        np.stack([groups[:-2], groups[1:-1], groups[2:]]) if len(groups) >= 3 else np.empty((3, 0), np.int64)
    )
    triples = triples[:, (triples >= 0).all(axis=0)]
    codes = (triples[0] * kinds + triples[1]) * kinds + triples[2]
    counts = np.bincount(codes, minlength=kinds**3).astype(np.float64)
    roots: npt.NDArray[np.float64] = np.sqrt(counts / max(len(codes), 1))
    return roots


def _statistics(values: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Statistics of properties along a chain; unknown residues (X) take no part.

    Args:
        values: float64 [residues, scales], zero where unknown.
        known: bool [residues].

    Returns:
        float64 [scales, 8]: mean, standard deviation, four autocovariances, lowest and highest windowed mean.
    """
    number = max(int(known.sum()), 1)
    mean = values.sum(axis=0) / number
    centred = np.where(known[:, None], values - mean, 0.0)
    columns = [mean, np.sqrt((centred**2).sum(axis=0) / number)]
    for lag in _LAGS:
        pairs = max(int((known[lag:] & known[:-lag]).sum()), 1)
        columns.append((centred[lag:] * centred[:-lag]).sum(axis=0) / pairs)
    return np.stack([*columns, *_extremes(values, known)], axis=1)


def _extremes(
    values: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest mean over 19 neighbours: two float64 [scales]; windows of X alone do not count."""
    window = min(_WINDOW, len(values))
    sums = np.lib.stride_tricks.sliding_window_view(values, window, axis=0).sum(axis=-1)
    numbers = np.lib.stride_tricks.sliding_window_view(known, window).sum(axis=-1)
    if not numbers.any():
        zeros = np.zeros(values.shape[1])
        return zeros, zeros
    means = sums[numbers > 0] / numbers[numbers > 0, None]
    return means.min(axis=0), means.max(axis=0)
