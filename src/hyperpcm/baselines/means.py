"""The three nulls that only average labels: by compound, by target, and both at once."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, squared_error

__all__ = ["Additive", "CompoundMean", "TargetMean", "additive_effects", "means_of"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PENALTIES: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Ridge penalties that `Additive` chooses from, in numbers of labels."""


@final
class CompoundMean(Baseline):
    """The mean training label of the compound (not shrunken); the global mean for a compound without one."""

    name: ClassVar[str] = "compound_mean"

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        labels = table.point()[train].astype(np.float64)
        self._means = means_of(labels, table.compound_index[train], len(table.compounds))

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._fit(inputs, rows, rows, seed)  # nothing is chosen on the validation rows

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats:
        return self._means[inputs.interactions.compound_index[rows]]


@final
class TargetMean(Baseline):
    """The mean training label of the target (not shrunken); the global mean for a target without one."""

    name: ClassVar[str] = "target_mean"

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        labels = table.point()[train].astype(np.float64)
        self._means = means_of(labels, table.target_index[train], len(table.targets))

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._fit(inputs, rows, rows, seed)  # nothing is chosen on the validation rows

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats:
        return self._means[inputs.interactions.target_index[rows]]


@final
class Additive(Baseline):
    """Global mean + effect of the compound + effect of the target; an unseen one has no effect.

    The effects minimise the squared error plus a ridge penalty, which is chosen from `PENALTIES` by the
    squared error on the validation rows. Scores of a binary quantity are kept within [0, 1].
    """

    name: ClassVar[str] = "additive"

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        labels = table.point().astype(np.float64)
        compound, target = table.compound_index, table.target_index
        best = np.inf
        for penalty in PENALTIES:
            effects = self._solved(inputs, train, penalty)
            scores = self._mean + effects[0][compound[valid]] + effects[1][target[valid]]
            error = squared_error(labels[valid], scores)
            if error < best:
                best, self._effects, self.penalty = error, effects, penalty

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._effects = self._solved(inputs, rows, self.penalty)

    def _solved(self, inputs: BaselineInputs, rows: Rows, penalty: float) -> tuple[Floats, Floats]:
        table = inputs.interactions
        labels = table.point()[rows].astype(np.float64)
        self._mean = float(labels.mean())
        sizes = len(table.compounds), len(table.targets)
        centred = labels - self._mean
        return additive_effects(centred, table.compound_index[rows], table.target_index[rows], sizes, penalty)

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats:
        table = inputs.interactions
        of_compound, of_target = self._effects
        scores = self._mean + of_compound[table.compound_index[rows]] + of_target[table.target_index[rows]]
        return np.clip(scores, 0.0, 1.0) if table.quantity.kind == "binary" else scores


def additive_effects(
    labels: Floats,
    compound: Integers,
    target: Integers,
    sizes: tuple[int, int],
    penalty: float,
    *,
    tolerance: float = 1e-7,
    max_rounds: int = 2000,
) -> tuple[Floats, Floats]:
    """Effects of compounds and targets that minimise Σ (y - α - β)² + penalty · (Σ α² + Σ β²).

    Solved exactly for one side at a time in turns, until no effect moves by more than ``tolerance`` standard
    deviations of the labels.

    Args:
        labels: centred labels y, float64 [n].
        compound: position of each row's compound [n].
        target: position of each row's target [n].
        sizes: how many compounds and targets there are.
        penalty: above 0; an effect of k labels is their mean times k / (k + penalty).
        tolerance: when to stop.
        max_rounds: when to stop at the latest.

    Returns:
        The effects of the compounds and of the targets; 0 where there are no labels.
    """
    n_compounds, n_targets = sizes
    compound_weight = np.bincount(compound, minlength=n_compounds) + penalty
    target_weight = np.bincount(target, minlength=n_targets) + penalty
    of_compound, of_target = np.zeros(n_compounds), np.zeros(n_targets)
    enough = tolerance * float(labels.std())
    for _ in range(max_rounds):
        before = of_target
        rest = labels - of_target[target]
        of_compound = np.bincount(compound, weights=rest, minlength=n_compounds) / compound_weight
        rest = labels - of_compound[compound]
        of_target = np.bincount(target, weights=rest, minlength=n_targets) / target_weight
        if float(np.abs(of_target - before).max(initial=0.0)) <= enough:
            break
    return of_compound, of_target


def means_of(labels: Floats, index: Integers, size: int, otherwise: float | None = None) -> Floats:
    """Mean label of each position: float64 [size].

    Args:
        labels: float64 [n].
        index: position of each label [n].
        size: number of positions.
        otherwise: what a position without labels gets; None: the mean of all labels.
    """
    counts = np.bincount(index, minlength=size)
    sums = np.bincount(index, weights=labels, minlength=size)
    return np.where(
        counts > 0, sums / np.maximum(counts, 1), labels.mean() if otherwise is None else otherwise
    )
