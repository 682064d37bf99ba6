"""Gradient boosting (LightGBM): on all features, blind to the protein, and with label means as columns."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, count_setting
from hyperpcm.baselines.features import FeatureTable, feature_table
from hyperpcm.baselines.lightgbm_fit import grow
from hyperpcm.baselines.out_of_fold import cold_axes, label_means

__all__ = ["GradientBoosting", "LigandOnly", "MeansBoosting"]

_PREDICT_BLOCK: Final = 65_536  # rows whose features are held at once in scoring


class _Boosting(Baseline):
    """Boosted trees (LightGBM), stopped early on the validation rows; abstract.

    Args:
        threads: of LightGBM; scores do not depend on it.
        trees: at most this many.
        patience: trees without a better validation loss before it stops.
    """

    with_targets: ClassVar[bool]

    def __init__(self, *, threads: int = 1, trees: int = 3000, patience: int = 50) -> None:
        super().__init__()
        self._threads = threads
        self._trees = count_setting("trees", trees)
        self._patience = count_setting("patience", patience)

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        self._new_axes = cold_axes(inputs, train, valid)
        self._grow(inputs, train, valid, self._trees, seed)
        self.best_trees = self._trees if self._booster is None else int(self._booster.best_iteration)

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._grow(inputs, rows, None, self.best_trees, seed)

    def _grow(self, inputs: BaselineInputs, rows: Rows, valid: Rows | None, trees: int, seed: int) -> None:
        labels = inputs.interactions.point()
        self._constant = float(labels[rows[0]])
        self._booster: Any = None
        self._features: FeatureTable | None = None
        if (labels[rows] == labels[rows[0]]).all():
            return  # one class, or one value: there is nothing to fit, and the trees would refuse
        self._features = self._table(inputs, rows, seed)
        self._booster = grow(
            self._features,
            labels,
            rows,
            valid,
            binary=inputs.interactions.quantity.kind == "binary",
            trees=trees,
            patience=self._patience,
            threads=self._threads,
            seed=seed,
        )

    def _table(self, inputs: BaselineInputs, rows: Rows, seed: int) -> FeatureTable:
        """The columns that the trees see."""
        return feature_table(inputs, rows, with_targets=self.with_targets, seed=seed)

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        if self._booster is None or self._features is None:
            return np.full(len(rows), self._constant, dtype=np.float32)
        blocks = []
        for start in range(0, len(rows), _PREDICT_BLOCK):
            block = self._features.rows(rows[start : start + _PREDICT_BLOCK])
            blocks.append(self._booster.predict(block, num_threads=self._threads))
        return np.concatenate(blocks)


@final
class GradientBoosting(_Boosting):
    """Boosted trees on all there is of the compound and all there is of the target.

    The columns are those of `features.feature_table`: counts of 512 fingerprint places, descriptors,
    alignment similarity to the training targets with its first 64 principal components, and 16 components of
    the composition. At most 3,000 trees of 127 leaves at a learning rate of 0.05, each on 10 % of the
    columns and 80 % of the rows, stopped when 50 trees bring no better squared error (log loss for
    classes) on the validation rows. Deterministic, whatever the number of threads. A fold costs, on one
    core: Davis half a minute, KIBA one minute. LightGBM reads the features in blocks of rows and keeps
    one byte for each training row and column.
    """

    name: ClassVar[str] = "gbm"
    with_targets: ClassVar[bool] = True


@final
class LigandOnly(_Boosting):
    """Boosted trees on the compound's columns alone: how far one comes without looking at the target.

    Otherwise as `GradientBoosting`.
    """

    name: ClassVar[str] = "ligand_only"
    with_targets: ClassVar[bool] = False


@final
class MeansBoosting(_Boosting):
    """Boosted trees that also see the mean training label of the compound and of the target.

    The two means of a training row leave out its own fold (see `out_of_fold.label_means`), so that the trees
    learn to trust them as far as a test row may. Otherwise as `GradientBoosting`.
    """

    name: ClassVar[str] = "gbm_means"
    with_targets: ClassVar[bool] = True

    def _table(self, inputs: BaselineInputs, rows: Rows, seed: int) -> FeatureTable:
        means = label_means(inputs, rows, self._new_axes, seed=seed)
        return feature_table(inputs, rows, with_targets=True, seed=seed, of_rows=means)
