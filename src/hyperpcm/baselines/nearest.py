"""The label of the nearest compound, whatever the target: what memorising chemistry alone amounts to."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, count_setting
from hyperpcm.baselines.means import means_of

__all__ = ["NearestNeighbour", "nearest_compounds"]

Integers = npt.NDArray[np.int64]
Floats32 = npt.NDArray[np.float32]

_MEMORY_BLOCK: Final = 16_384  # compounds compared at once: their bits take 32 MB at 2,048 places


@final
class NearestNeighbour(Baseline):
    """One nearest neighbour by Tanimoto similarity among all training compounds; blind to the target.

    Real values: the mean training label of the most similar compound (of the first one, where several are
    equally similar); the mean of all training labels where nothing is similar. Two classes: half of 1 +
    similarity to the nearest compound with an active row - similarity to the nearest with an inactive row,
    so 0.5 is undecided; a class that training lacks has similarity 0. Nothing is chosen on the validation
    rows.

    Of more than ``memory`` training compounds (of each class), so many are drawn with the seed. Each
    compound is compared once, block by block on one core, whatever `threads` is: time grows with the product
    of scored and training compounds, memory with the block alone.

    Args:
        memory: training compounds to look at, of each class.
    """

    name: ClassVar[str] = "nearest_neighbour"

    def __init__(self, *, memory: int = 200_000) -> None:
        super().__init__()
        self._most = count_setting("memory", memory)

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        labels = table.point()[train].astype(np.float64)
        compounds = table.compound_index[train]
        self._mean = float(labels.mean())
        self._means = means_of(labels, compounds, len(table.compounds))
        if table.quantity.kind == "binary":
            classes = [compounds[labels == 1], compounds[labels == 0]]
        else:
            classes = [compounds]
        self._memories = [self._drawn(np.unique(some), [seed, part]) for part, some in enumerate(classes)]

    def _drawn(self, compounds: Integers, seed: list[int]) -> Integers:
        if len(compounds) <= self._most:
            return compounds
        return np.sort(np.random.default_rng(seed).choice(compounds, self._most, replace=False))

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._fit(inputs, rows, rows, seed)  # nothing is chosen on the validation rows

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        queries, of_row = np.unique(inputs.interactions.compound_index[rows], return_inverse=True)
        found = [nearest_compounds(inputs.compound_counts, queries, memory) for memory in self._memories]
        if len(found) == 2:
            return ((1 + found[0][1] - found[1][1]) / 2)[of_row]
        nearest, similarity = found[0]
        scores = np.where(similarity > 0, self._means[nearest], self._mean)
        return np.asarray(scores[of_row])


def nearest_compounds(
    counts: npt.NDArray[np.uint8], queries: Integers, memory: Integers
) -> tuple[Integers, Floats32]:
    """The most similar compound in memory of each query, and how similar it is (Tanimoto on presence).

    The places that a query has are few, so the shared ones are counted by adding their rows of the memory's
    bits, one byte each: some fifty additions for a pair instead of a product over all places.

    Args:
        counts: Morgan counts of all compounds [n_compounds, w].
        queries: positions of the compounds asked about [n].
        memory: positions of the compounds to look at [m], ascending; there may be none.

    Returns:
        Positions, int64 [n] (the first of equally similar ones), and similarities in [0, 1], float32 [n].
        Without any similar compound the position is that of the first in memory (or 0) and the similarity 0.
    """
    best = np.zeros(len(queries), dtype=np.float32)
    nearest = np.full(len(queries), memory[0] if len(memory) else 0, dtype=np.int64)
    for start in range(0, len(memory), _MEMORY_BLOCK):
        block = memory[start : start + _MEMORY_BLOCK]
        bits = np.ascontiguousarray((counts[block] > 0).T).view(np.uint8)
        sizes = bits.sum(axis=0, dtype=np.float32)
        for line, query in enumerate(queries):
            places = np.flatnonzero(counts[query])
            narrow = np.uint8 if len(places) < 256 else np.uint16
            shared = np.add.reduce(bits[places], axis=0, dtype=narrow).astype(np.float32)
            union = sizes + np.float32(len(places)) - shared
            similarity = np.divide(shared, np.maximum(union, 1, out=union), out=shared)
            position = int(similarity.argmax())
            if similarity[position] > best[line]:
                best[line], nearest[line] = similarity[position], block[position]
    return nearest, best
