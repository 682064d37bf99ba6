"""The compounds of a library that are looked at for a batch: in an order, as far as a filter accepts them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.suggest_compounds import CompoundPool, ScoredCompounds
from hyperpcm.screening.filters import StructureFilter

__all__ = ["CandidateSearch"]

Places = npt.NDArray[np.int64]

_MOST_READ: Final = 65_536  # compounds read together, some 50 MB


class CandidateSearch:
    """Reads compounds in an order, each once; more together where the filter accepts few.

    Args:
        library: that they are of.
        order: places of all that may be looked at, the first first.
        only: the filter.
    """

    def __init__(self, library: CompoundPool, order: Places, only: StructureFilter) -> None:
        self._library, self._order, self._only = library, order, only
        self._read = self._count = self._size = 0
        self._found = list[tuple[Places, ScoredCompounds]]()

    def first(self, number: int) -> tuple[Places, ScoredCompounds]:
        """Return so many of the first that the filter accepts, or all: their places [n], and themselves."""
        while self._count < number and self._read < len(self._order):
            self._found.append(self._next(number - self._count))
            self._count += len(self._found[-1][0])
        if not self._found:
            return self._order[:0], self._library.taken(self._order[:0])
        places = np.concatenate([own for own, _ in self._found])
        compounds = ScoredCompounds.joined([block for _, block in self._found])
        self._found = [(places, compounds)]
        return places[:number], compounds.taken(np.arange(min(number, len(places))))

    def has_more(self, number: int) -> bool:
        """Whether there may be others behind so many of the first."""
        return self._count > number or self._read < len(self._order)

    def after(self, number: int) -> Iterator[tuple[Places, ScoredCompounds]]:
        """Yield those behind so many of the first, some at a time; they are not kept."""
        self.first(number)
        for places, compounds in self._found:
            if len(places) > number:
                yield places[number:], compounds.taken(np.arange(number, len(places)))
        while self._read < len(self._order):
            yield self._next(number)

    def _next(self, wanted: int) -> tuple[Places, ScoredCompounds]:
        size = max(wanted, self._size)
        own = self._order[self._read : self._read + size]
        self._read += len(own)
        block = self._library.taken(own)
        kept = np.array([self._only.accepts(smiles) for smiles in block.smiles], dtype=np.bool_)
        if 2 * kept.sum() < len(own):
            self._size = min(2 * size, _MOST_READ)
        at = np.flatnonzero(kept)
        return own[at], block.taken(at)
