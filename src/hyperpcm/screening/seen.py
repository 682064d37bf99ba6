"""Which structures of a library were there before: exact, in 24 bytes a structure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["SeenStructures"]

_BYTES: Final = 16  # of a digest; two of 10⁹ structures share one with a probability of 10⁻²¹


class SeenStructures:
    """Structures by digest, each with the row where it was first.

    Digests lie in sorted arrays, each at least twice as long as the next, so that adding costs little.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int64]]] = []

    def __len__(self) -> int:
        return sum(len(digests) for digests, _ in self._runs)

    def add(self, smiles: Sequence[str], rows: Sequence[int]) -> npt.NDArray[np.int64]:
        """Add structures and return where each of them was first.

        Args:
            smiles: standardised [n].
            rows: of the library, ascending, above those of earlier calls [n].

        Returns:
            Rows [n]: its own where a structure is new.
        """
        digests = np.array(
            [hashlib.blake2b(text.encode(), digest_size=_BYTES).digest() for text in smiles],
            dtype=f"S{_BYTES}",
        )
        own = np.asarray(rows, dtype=np.int64)
        different, first, place = np.unique(digests, return_index=True, return_inverse=True)
        found = own[first]  # of each different digest
        for known, at in self._runs:
            where = np.minimum(np.searchsorted(known, different), len(known) - 1)
            is_known = known[where] == different
            found[is_known] = at[where[is_known]]
        is_new = found == own[first]
        self._merge(different[is_new], found[is_new])
        return found[place]

    def _merge(self, digests: npt.NDArray[np.bytes_], rows: npt.NDArray[np.int64]) -> None:
        if not len(digests):
            return
        while self._runs and len(self._runs[-1][0]) < 2 * len(digests):
            last, at = self._runs.pop()
            joined = np.concatenate([last, digests])
            order = np.argsort(joined, kind="stable")
            digests, rows = joined[order], np.concatenate([at, rows])[order]
        self._runs.append((digests, rows))
