"""The best of a stream: exact, of bounded size, each structure once."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Hit", "TopList"]


@dataclass(frozen=True, order=True)
class Hit:
    """A compound among the best; a better one is greater.

    Attributes:
        score: in label units.
        earlier: the row of the library, negative: of equal scores the earlier row is better.
        smiles: standardised structure.
        name: as the library has it.
    """

    score: float
    earlier: int
    smiles: str
    name: str

    @property
    def row(self) -> int:
        """Row of the library, from 0."""
        return -self.earlier


class TopList:
    """The best compounds that were offered, each structure once: its best row, of equal scores the earliest.

    Rows of one structure score alike up to the last digits, which depend on what is scored with them. So
    lists of parts of a library, merged, are the list of the whole, whatever the parts.

    Args:
        size: how many are kept.
        hits: what is in it at the start.
    """

    def __init__(self, size: int, hits: Iterable[Hit] = ()) -> None:
        self.size = size
        self._heap = list(hits)
        heapq.heapify(self._heap)
        self._held = {hit.smiles: hit for hit in self._heap}

    def offer(
        self,
        scores: npt.NDArray[np.float32],
        rows: Sequence[int],
        smiles: Sequence[str],
        names: Sequence[str],
        accepts: Callable[[str], bool],
    ) -> None:
        """Offer compounds, in the order of their rows; later calls offer later rows.

        Args:
            scores: float32 [n].
            rows: of the library [n].
            smiles: standardised [n].
            names: [n].
            accepts: whether a structure may be in the list; asked only for those that are good enough.
        """
        candidates = np.flatnonzero(~np.isnan(scores))  # what is no number is no hit
        if len(self._heap) == self.size:
            candidates = np.flatnonzero(scores > self._heap[0].score)
        for place in candidates[np.argsort(-scores[candidates], kind="stable")]:
            hit = Hit(float(scores[place]), -rows[place], smiles[place], names[place])
            if len(self._heap) == self.size and not hit > self._heap[0]:
                break
            if hit.smiles in self._held or accepts(hit.smiles):
                self._take(hit)

    def merge(self, hits: Iterable[Hit]) -> None:
        """Take in the best of other rows, as another list of at least this size has found them."""
        for hit in hits:
            if len(self._heap) < self.size or hit > self._heap[0]:
                self._take(hit)

    def _take(self, hit: Hit) -> None:
        """Put in a compound that is good enough."""
        held = self._held.get(hit.smiles)
        if held is None:
            self._held[hit.smiles] = hit
            if len(self._heap) < self.size:
                heapq.heappush(self._heap, hit)
            else:
                del self._held[heapq.heapreplace(self._heap, hit).smiles]
        elif hit > held:
            self._held[hit.smiles] = hit
            self._heap[self._heap.index(held)] = hit
            heapq.heapify(self._heap)

    def best(self) -> list[Hit]:
        """Return what is in it, the best first."""
        return sorted(self._heap, reverse=True)
