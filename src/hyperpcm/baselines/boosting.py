"""Gradient boosting on fingerprints, descriptors and protein features; and the same, blind to the protein."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows
from hyperpcm.baselines.features import FeatureTable, feature_table

__all__ = ["GradientBoosting", "LigandOnly"]

_SETTINGS: Final = MappingProxyType(
    {
        "learning_rate": 0.05,
        "num_leaves": 127,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.1,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 2.0,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
)
_MAX_TREES: Final = 3000
_PATIENCE: Final = 50  # trees without a better validation loss
_PREDICT_BLOCK: Final = 65_536  # rows whose features are held at once


class _Boosting(Baseline):
    """Boosted trees (LightGBM), stopped early on the validation rows; abstract."""

    with_targets: ClassVar[bool]

    def __init__(self, *, threads: int = 1) -> None:
        super().__init__()
        self._threads = threads

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        labels = inputs.interactions.point()
        self._constant = float(labels[train[0]])
        self._booster: Any = None
        self._features: FeatureTable | None = None
        if (labels[train] == labels[train[0]]).all():
            return  # one class, or one value: there is nothing to fit, and the trees would refuse
        self._features = feature_table(inputs, train, with_targets=self.with_targets, seed=seed)
        self._booster = self._boosted(self._features, labels, train, valid, seed, inputs)

    def _boosted(
        self,
        features: FeatureTable,
        labels: npt.NDArray[np.float32],
        train: Rows,
        valid: Rows,
        seed: int,
        inputs: BaselineInputs,
    ) -> Any:
        import lightgbm

        binary = inputs.interactions.quantity.kind == "binary"
        settings = {
            **_SETTINGS,
            "objective": "binary" if binary else "regression",
            "seed": seed,
            "num_threads": self._threads,
        }
        data = lightgbm.Dataset(features.rows(train), labels[train], params=settings)
        check = lightgbm.Dataset(features.rows(valid), labels[valid], params=settings, reference=data)
        stop = lightgbm.early_stopping(_PATIENCE, verbose=False)
        return lightgbm.train(settings, data, _MAX_TREES, valid_sets=[check], callbacks=[stop])

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:  # noqa: ARG002
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
    core: Davis half a minute, KIBA one minute; memory is 4 bytes for each training row and column.
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
