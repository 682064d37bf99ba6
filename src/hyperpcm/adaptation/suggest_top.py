"""Which compounds of a library are its best: joint draws of all values, one block of the library at a time.

What an assay shifts for all compounds alike cannot change which are the best. So all compounds of a draw have
the same shared weights, and the best are told within each draw, rather than against one threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.suggest_posterior import LinearValues

__all__ = ["TOP", "TopDraws"]

Floats = npt.NDArray[np.float64]

TOP: Final = 0.01
"""Share of a library that counts as its best; one compound at least."""

_NUMBERS: Final = 1_000_000  # drawn values of a library, where that gives a number of draws within:
_LEAST_DRAWS: Final = 200
_MOST_DRAWS: Final = 2000


class TopDraws:
    """Draws of the values of a library; keeps of each draw the best compounds alone.

    What shared columns do not explain is drawn for each compound by itself, so before the first measurement
    likeness of structures counts as what is known of each compound, not of the two together.

    Args:
        compounds: of the library.
        seed: of the draws; how the library is cut into blocks plays no part.
        share: of the compounds that count as the best.
    """

    def __init__(self, compounds: int, seed: list[int], share: float = TOP) -> None:
        self.number = max(1, round(share * compounds))
        self._compounds, self._generator = compounds, np.random.default_rng(seed)
        self._draws = int(np.clip(_NUMBERS // max(1, compounds), _LEAST_DRAWS, _MOST_DRAWS))
        self._shared: npt.NDArray[np.float32] | None = None
        self._values = np.zeros((self._draws, 0), dtype=np.float32)
        self._places = np.zeros((self._draws, 0), dtype=np.int64)
        self._done = 0

    def add(self, values: LinearValues, known: Mapping[int, float]) -> None:
        """Draw the values of the compounds that follow.

        Args:
            values: what is known of them.
            known: values of those that were measured, which all draws have, by their place in the library.
        """
        if self._shared is None:
            shape = values.columns.shape[1], self._draws
            self._shared = self._generator.standard_normal(shape, dtype=np.float32)
        drawn = self._generator.standard_normal((len(values.mean), self._draws), dtype=np.float32)
        drawn *= np.sqrt(values.rest)[:, None].astype(np.float32)
        drawn += values.columns.astype(np.float32) @ self._shared
        drawn += values.mean[:, None].astype(np.float32)
        places = np.arange(self._done, self._done + len(drawn))
        for place in known.keys() & set(places.tolist()):
            drawn[place - self._done] = known[place]
        self._done += len(drawn)
        every = np.concatenate([self._values, drawn.T], axis=1)
        whose = np.concatenate([self._places, np.broadcast_to(places, drawn.T.shape)], axis=1)
        kept = min(self.number + 1, every.shape[1])
        order = np.argpartition(-every, kept - 1, axis=1)[:, :kept]
        self._values = np.take_along_axis(every, order, axis=1)
        self._places = np.take_along_axis(whose, order, axis=1)

    @property
    def threshold(self) -> float:
        """Value that the best lie above, the mean over the draws, in label units."""
        ascending = np.sort(self._values, axis=1)
        if ascending.shape[1] <= self.number:
            return float(ascending[:, 0].mean())
        return float(ascending[:, :2].mean())

    def chances(self) -> Floats:
        """Return the probability of each compound to be among the best [n]; they add up to `number`."""
        order = np.argsort(-self._values, axis=1, kind="stable")[:, : self.number]
        best = np.take_along_axis(self._places, order, axis=1)
        return np.bincount(best.ravel(), minlength=self._compounds) / self._draws
