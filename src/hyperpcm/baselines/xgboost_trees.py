"""XGBoost with the published settings, from the optional extra ``xgboost``."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, count_setting
from hyperpcm.baselines.features import FeatureTable, feature_table
from hyperpcm.errors import MissingExtraError

__all__ = ["XGBoost"]

Floats32 = npt.NDArray[np.float32]

_SETTINGS: Final = MappingProxyType(
    {
        "learning_rate": 0.03,
        "max_depth": 19,
        "reg_alpha": 5.0,
        "min_child_weight": 5.0,
        "colsample_bytree": 0.8,
        "tree_method": "hist",
        "max_bin": 256,
        "verbosity": 0,
    }
)
_READ_BLOCK: Final = 8192  # rows whose features are held at once


@final
class XGBoost(Baseline):
    """Boosted trees (XGBoost) on the concatenated columns of compound and target.

    The columns are those of `features.feature_table`. At most 855 trees of depth 19, learning rate 0.03, L1
    penalty 5, minimal child weight 5, 80 % of the columns for each tree, histograms; squared error, or log
    loss for classes. Deterministic, whatever the number of threads. Features are read in blocks of rows and
    kept as one byte for each training row and column.

    Source: Svensson et al. 2024: 855 trees with these settings.
    Deviation: the number of trees is the best one on the validation rows, at most 855, and growth stops when
    50 more bring no better loss; a patience of 855 grows them all.

    Args:
        threads: of XGBoost.
        trees: at most this many.
        patience: trees without a better validation loss before it stops.
        depth: of a tree at most.

    Raises:
        MissingExtraError: XGBoost is not installed.
    """

    name: ClassVar[str] = "xgboost"

    def __init__(self, *, threads: int = 1, trees: int = 855, patience: int = 50, depth: int = 19) -> None:
        super().__init__()
        _package()
        self._threads = threads
        self._trees, self._patience = count_setting("trees", trees), count_setting("patience", patience)
        self._depth = count_setting("depth", depth)

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        self._grow(inputs, train, valid, self._trees, seed)
        self.best_trees = self._trees if self._booster is None else int(self._booster.num_boosted_rounds())

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._grow(inputs, rows, None, self.best_trees, seed)

    def _grow(self, inputs: BaselineInputs, rows: Rows, valid: Rows | None, trees: int, seed: int) -> None:
        labels = inputs.interactions.point()
        self._constant = float(labels[rows[0]])
        self._booster: Any = None
        if (labels[rows] == labels[rows[0]]).all():
            return  # one class, or one value: there is nothing to fit
        self._features = feature_table(inputs, rows, with_targets=True, seed=seed)
        binary = inputs.interactions.quantity.kind == "binary"
        mean = float(labels[rows].mean())  # of classes strictly between 0 and 1, as both are there
        settings = {
            **_SETTINGS,
            "max_depth": self._depth,
            "objective": "binary:logistic" if binary else "reg:squarederror",
            "eval_metric": "logloss" if binary else "rmse",
            "base_score": mean,
            "seed": seed,
            "nthread": self._threads,
        }
        self._booster = self._boosted(settings, labels, rows, valid, trees)

    def _boosted(
        self, settings: dict[str, Any], labels: Floats32, train: Rows, valid: Rows | None, trees: int
    ) -> Any:
        xgboost = _package()
        sizes = {"max_bin": settings["max_bin"], "nthread": self._threads}
        data = xgboost.QuantileDMatrix(_in_blocks(self._features, labels, train), **sizes)
        if valid is None:
            return xgboost.train(settings, data, num_boost_round=trees)
        check = xgboost.QuantileDMatrix(_in_blocks(self._features, labels, valid), ref=data, **sizes)
        stop = xgboost.callback.EarlyStopping(rounds=self._patience, save_best=True)
        return xgboost.train(
            settings,
            data,
            num_boost_round=trees,
            evals=[(check, "valid")],
            callbacks=[stop],
            verbose_eval=False,
        )

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        if self._booster is None:
            return np.full(len(rows), self._constant, dtype=np.float32)
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _READ_BLOCK):
            block = self._features.rows(rows[start : start + _READ_BLOCK])
            scores[start : start + len(block)] = self._booster.inplace_predict(block)
        return scores


def _package() -> Any:
    """XGBoost, imported when it is needed."""
    try:
        import xgboost
    except ImportError:
        raise MissingExtraError("XGBoost", "xgboost") from None
    return xgboost


def _in_blocks(features: FeatureTable, labels: Floats32, rows: Rows) -> Any:
    """The features and labels of some rows as XGBoost reads them: block by block."""
    import xgboost

    class Blocks(xgboost.DataIter):
        def __init__(self) -> None:
            self._start = 0
            super().__init__()

        def reset(self) -> None:
            self._start = 0

        def next(self, input_data: Callable[..., Any]) -> bool:
            block = rows[self._start : self._start + _READ_BLOCK]
            if len(block) == 0:
                return False
            input_data(data=features.rows(block), label=labels[block])
            self._start += len(block)
            return True

    return Blocks()
