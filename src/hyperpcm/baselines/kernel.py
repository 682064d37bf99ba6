"""Labels of similar compounds at similar targets, averaged: nothing is trained, and it is a serious rival."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, squared_error

__all__ = ["KernelChoice", "KernelNeighbours"]

Floats32 = npt.NDArray[np.float32]

COMPOUND_EXPONENTS: Final = (1, 2, 4, 8, 16, 32)
TARGET_EXPONENTS: Final = (1, 2, 3, 4, 6, 8, 12)
NEAREST_TARGETS: Final = (5, 20, None)

_WHOLE_MATRIX = 8192  # compounds up to which all Tanimoto similarities are kept: 256 MB
_MEMORY_LABELS = 20_000  # beyond that many compounds: labels of the nearest targets that one target looks at
_CHOICE_ROWS = 20_000  # validation rows that settings are chosen on
_QUERY_BLOCK = 512  # rows scored at once


@dataclasses.dataclass(frozen=True, slots=True)
class KernelChoice:
    """One setting of the kernel.

    Attributes:
        compound_exponent: power of the Tanimoto similarity.
        target_exponent: power of the alignment similarity.
        nearest: how many training targets count; None is all of them.
    """

    compound_exponent: int
    target_exponent: int
    nearest: int | None


@final
class KernelNeighbours(Baseline):
    """Σ w·y / Σ w over the training rows, w = Tanimoto(compounds)^a · alignment(targets)^b.

    The exponents, and how many of the nearest training targets count, are chosen from the grids above
    by the squared error on the validation rows (on whole targets, drawn with the seed, until 20,000
    rows are reached). Both similarities are divided by the largest one of their query first, which
    changes no score and keeps high powers from vanishing. The score is the mean training label where
    nothing is similar.

    The double sum is never formed: for one target, u = Σ_t A^b y and v = Σ_t A^b over its training
    targets are vectors over compounds, and the scores are T^a u / T^a v.

    With more than 8,192 compounds a target looks only at its nearest training targets, as many as hold 20,000
    labels together. A fold costs, on one core: Davis under a second, KIBA 2 s, ChEMBL 20 about 2 minutes.
    """

    name: ClassVar[str] = "kernel_knn"

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        labels = table.point()
        self._tanimoto = _all_similarities(inputs)
        self._remember(inputs, train)
        grid = [
            KernelChoice(a, b, k)
            for a in COMPOUND_EXPONENTS
            for b in TARGET_EXPONENTS
            for k in NEAREST_TARGETS
        ]
        rows = _whole_targets(table.target_index, valid, seed)
        scores = self._scores(inputs, rows, grid)
        self.errors = {
            choice: squared_error(labels[rows], one) for choice, one in zip(grid, scores, strict=True)
        }
        self.choice = min(grid, key=self.errors.__getitem__)

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._remember(inputs, rows)

    def _remember(self, inputs: BaselineInputs, rows: Rows) -> None:
        """Keep the labels of these rows, and of no others."""
        from scipy.sparse import csr_array

        table = inputs.interactions
        labels = table.point()[rows]
        self._mean = float(labels.astype(np.float64).mean())
        shape = (len(table.targets), len(table.compounds))
        place = (table.target_index[rows], table.compound_index[rows])
        self._sums = csr_array((labels - np.float32(self._mean), place), shape=shape)
        self._counts = csr_array((np.ones(len(rows), dtype=np.float32), place), shape=shape)
        self._labels_of = np.bincount(table.target_index[rows], minlength=shape[0])
        self._memory = np.flatnonzero(self._labels_of)

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats32:
        scores: Floats32 = self._scores(inputs, rows, [self.choice])[0]
        return scores

    def _scores(self, inputs: BaselineInputs, rows: Rows, grid: list[KernelChoice]) -> Floats32:
        """Scores of every setting: float32 [settings, n]."""
        compounds = inputs.interactions.compound_index[rows]
        targets = inputs.interactions.target_index[rows]
        by_target = {(choice.target_exponent, choice.nearest): None for choice in grid}
        powers = sorted({choice.compound_exponent for choice in grid})
        scores = np.empty((len(grid), len(rows)), dtype=np.float32)
        for target in np.unique(targets):
            memory, u, v = self._condensed(inputs.target_similarity[target], list(by_target))
            position = {key: column for column, key in enumerate(by_target)}
            of_target = np.flatnonzero(targets == target)
            for start in range(0, len(of_target), _QUERY_BLOCK):
                block = of_target[start : start + _QUERY_BLOCK]
                similarity = self._similarity(inputs, compounds[block], memory)
                for power, weights in _powers(similarity, powers):
                    above, below = weights @ u, weights @ v
                    mean = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
                    for line, choice in enumerate(grid):
                        if choice.compound_exponent == power:
                            column = position[choice.target_exponent, choice.nearest]
                            scores[line, block] = self._mean + mean[:, column]
        return scores

    def _condensed(
        self, similarity: Floats32, keys: list[tuple[int, int | None]]
    ) -> tuple[npt.NDArray[np.int64], Floats32, Floats32]:
        """Sum the labels of the training targets, weighted by similarity to one target.

        Args:
            similarity: of the target to all targets [n_targets].
            keys: exponent and number of nearest targets of each setting.

        Returns:
            The compounds that are in memory [m], and for each setting their weighted label sums u and weight
            sums v [m, settings].
        """
        near = self._memory[np.argsort(-similarity[self._memory], kind="stable")]
        if self._tanimoto is None:
            held = np.cumsum(self._labels_of[near])
            near = near[: max(1, int(np.searchsorted(held, _MEMORY_LABELS, side="right")))]
        relative = similarity[near] / similarity[near[0]] if similarity[near[0]] > 0 else np.ones(len(near))
        weights = np.zeros((len(near), len(keys)), dtype=np.float32)
        for column, (exponent, nearest) in enumerate(keys):
            weights[:nearest, column] = relative[:nearest] ** exponent
        sums, counts = self._sums[near], self._counts[near]
        memory = np.unique(counts.indices).astype(np.int64)
        u: Any = sums.T @ weights
        v: Any = counts.T @ weights
        return memory, np.ascontiguousarray(u[memory]), np.ascontiguousarray(v[memory])

    def _similarity(
        self, inputs: BaselineInputs, queries: npt.NDArray[np.int64], memory: npt.NDArray[np.int64]
    ) -> Floats32:
        """Tanimoto similarity of queries to compounds in memory, over the largest of each query: [q, m]."""
        if self._tanimoto is not None:
            similarity = self._tanimoto[np.ix_(queries, memory)]
        else:
            from hyperpcm.chem import tanimoto

            similarity = tanimoto(inputs.compound_counts[queries], inputs.compound_counts[memory])
        largest = similarity.max(axis=1, keepdims=True)
        relative: Floats32 = np.divide(similarity, largest, out=np.zeros_like(similarity), where=largest > 0)
        return relative


def _all_similarities(inputs: BaselineInputs) -> Floats32 | None:
    """Tanimoto similarity of all compounds [n_compounds, n_compounds], or None where that is too much."""
    if len(inputs.compound_counts) > _WHOLE_MATRIX:
        return None
    from hyperpcm.chem import tanimoto

    return tanimoto(inputs.compound_counts, inputs.compound_counts)


def _powers(similarity: Floats32, exponents: list[int]) -> Iterator[tuple[int, Floats32]]:
    """The similarity to each power of two asked for, ascending, by squaring; the array is reused."""
    power, raised = 1, similarity.copy()
    for exponent in exponents:
        while power < exponent:
            np.multiply(raised, raised, out=raised)
            power *= 2
        yield exponent, raised


def _whole_targets(target_index: npt.NDArray[np.int64], rows: Rows, seed: int) -> Rows:
    """All rows, or those of whole targets drawn at random until there are enough."""
    if len(rows) <= _CHOICE_ROWS:
        return rows
    targets, counts = np.unique(target_index[rows], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(targets))
    enough = int(np.searchsorted(np.cumsum(counts[order]), _CHOICE_ROWS)) + 1
    return rows[np.isin(target_index[rows], targets[order[:enough]])]
