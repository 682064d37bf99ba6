"""The yardsticks of the few-shot setting: what a few measured compounds give without a clever method.

    none               the zero-shot scores as they are
    shift              zero-shot scores plus the shrunken mean residual of the measured compounds
    mean               the additive model: effect of the compound plus the shrunken effect of the target
    knn                labels of the measured compounds, weighted by similarity
    per_target_forest  a random forest on the measured compounds alone

Each is an `hyperpcm.datasets.few_shot.Adapter`. The last three know nothing of the zero-shot model.
"""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.errors import LabelError

__all__ = [
    "YARDSTICKS",
    "MeanEffect",
    "PerTargetForest",
    "Shift",
    "SimilarLabels",
    "ZeroShot",
    "shrinkage",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TREES: Final = 50
"""Trees of a forest."""

SIMILARITY_POWER: Final = 2
"""Power of the Tanimoto similarity that labels are weighted with.

Of 1, 2, 4 and 8 the one with the least squared error at 16 and 32 measured compounds, on the validation
targets of Davis cold_target, fold 0.
"""


def shrinkage(residuals: npt.ArrayLike, target_index: npt.ArrayLike) -> float:
    """How many measurements the prior "this target has no residual" is worth: λ = σ² / τ².

    σ² is the variance of residuals within targets, τ² the mean square of the targets' true mean residuals,
    both estimated by moments. The mean residual of k compounds is then best multiplied by k / (k + λ).

    Args:
        residuals: label minus score of validation rows [n].
        target_index: target of each row, integers [n].

    Returns:
        λ, 0 or more; infinite where targets differ no more than chance.

    Raises:
        LabelError: no target has two residuals.

    Source:
        Searle, Casella and McCulloch, Variance Components (1992), section 3.6 (moments of the one-way model),
        here with the mean of the targets' effects fixed at 0.

    Example:
        >>> round(shrinkage([1.1, 0.9, -1.1, -0.9], [0, 0, 1, 1]), 3)
        0.02
    """
    r = np.asarray(residuals, dtype=np.float64)
    _, place, counts = np.unique(np.asarray(target_index), return_inverse=True, return_counts=True)
    place = place.reshape(-1)
    free = int((counts - 1).sum())
    if free == 0:
        raise LabelError(
            "shrinkage cannot be estimated: no validation target has two measured compounds. Use more data."
        )
    means = np.bincount(place, weights=r) / counts
    within = float(((r - means[place]) ** 2).sum()) / free
    between = float(np.mean(means**2 - within / counts))
    return within / between if between > 0 else float("inf")


@final
class ZeroShot:
    """The zero-shot scores, whatever was measured."""

    name: ClassVar[str] = "none"
    uses_zero_shot: ClassVar[bool] = True

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float32 [q]."""
        return task.zero_shot_query


@final
class Shift:
    """Zero-shot scores plus Σ (label - score) / (k + λ): the order of compounds stays as it is."""

    name: ClassVar[str] = "shift"
    uses_zero_shot: ClassVar[bool] = True

    def __init__(self, penalty: float) -> None:
        """Args: penalty: λ as `shrinkage` estimates it from zero-shot residuals."""
        self._penalty = penalty

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        return _shifted(task, task.zero_shot_support, task.zero_shot_query, self._penalty)


@final
class MeanEffect:
    """The compound's score by the additive model of the training targets plus this target's own effect.

    The effect is Σ (label - score) / (k + λ). It ignores the zero-shot model.
    """

    name: ClassVar[str] = "mean"
    uses_zero_shot: ClassVar[bool] = False

    def __init__(self, penalty: float) -> None:
        """Args: penalty: λ as `shrinkage` estimates it from residuals of the additive model."""
        self._penalty = penalty

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        return _shifted(task, task.additive_support, task.additive_query, self._penalty)


@final
class SimilarLabels:
    """Σ w·y / Σ w over the measured compounds, w the Tanimoto similarity to `SIMILARITY_POWER`.

    Their mean label where nothing is similar, the training mean where nothing is measured.
    """

    name: ClassVar[str] = "knn"
    uses_zero_shot: ClassVar[bool] = False

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        from hyperpcm.chem import tanimoto

        if len(task.support) == 0:
            return np.full(len(task.query), task.training_mean)
        labels = task.labels.astype(np.float64)
        weights = tanimoto(task.counts_query, task.counts_support).astype(np.float64) ** SIMILARITY_POWER
        total = weights.sum(axis=1)
        scores = np.full(len(task.query), labels.mean())
        np.divide(weights @ labels, total, out=scores, where=total > 0)
        return scores


@final
class PerTargetForest:
    """A random forest (`TREES` trees, √ of the columns at a split) on counts of the measured compounds.

    Columns that are equal in all measured compounds are left out. One measured compound gives its label
    for everything, none the training mean. About 40 ms on one core.
    """

    name: ClassVar[str] = "per_target_forest"
    uses_zero_shot: ClassVar[bool] = False

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        if len(task.support) == 0:
            return np.full(len(task.query), task.training_mean)
        labels = task.labels.astype(np.float64)
        varying = (task.counts_support != task.counts_support[:1]).any(axis=0)
        if labels.min() == labels.max() or not varying.any():
            return np.full(len(task.query), labels.mean())
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(TREES, max_features="sqrt", random_state=seed, n_jobs=1)
        forest.fit(task.counts_support[:, varying].astype(np.float32), labels)
        return np.asarray(forest.predict(task.counts_query[:, varying].astype(np.float32)), dtype=np.float64)


YARDSTICKS: Final = (ZeroShot, Shift, MeanEffect, SimilarLabels, PerTargetForest)
"""Every method of this module."""


def _shifted(
    task: FewShotTask, of_support: npt.NDArray[np.float32], of_query: npt.NDArray[np.float32], penalty: float
) -> Floats:
    residuals = task.labels.astype(np.float64) - of_support
    shift = residuals.sum() / (len(residuals) + penalty) if len(residuals) else 0.0
    return of_query + np.float64(shift)
