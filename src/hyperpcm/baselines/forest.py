"""Random forests: one over compounds and targets together, and one for each target by itself."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, count_setting, share_setting
from hyperpcm.baselines.features import feature_table
from hyperpcm.baselines.means import means_of

__all__ = ["PerTargetForest", "RandomForest"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

_DRAWS: Final = 10  # parts of a forest that see different rows, where one table of all rows is too large
_PREDICT_BLOCK: Final = 65_536  # rows whose features are held at once in scoring
_KEPT_ROWS: Final = (
    200_000  # training rows of the per-target forests that are kept, so that memory is bounded
)


@final
class RandomForest(Baseline):
    """A random forest (scikit-learn) on the concatenated columns of compound and target.

    The columns are those of `features.feature_table`. Trees are grown to the end on bootstrap samples, and
    the score is their mean: for classes, the share of actives. Nothing is chosen on the validation rows.
    Deterministic, whatever the number of threads.

    Up to 200,000 training rows, every tree draws from all of them. Beyond, the features of all rows do not
    fit into memory: the forest is then grown in ten parts, each on 200,000 rows (``max_samples``) drawn
    without replacement from all, so that no more than those are held as float32 (1 GB at 1,300 columns). A
    fold of Davis costs about a minute on one core.

    Source: Svensson et al. 2024: 100 trees on concatenated embeddings.
    Deviation: a division looks at 10 % of the columns; the publication states no share, and all of them cost
    ten times as much.

    Args:
        threads: trees grown at a time.
        trees: how many.
        max_features: share of the columns that a division looks at.
        min_leaf: training rows that a leaf holds at least.
        max_samples: training rows that are held at once.
    """

    name: ClassVar[str] = "random_forest"

    def __init__(
        self,
        *,
        threads: int = 1,
        trees: int = 100,
        max_features: float = 0.1,
        min_leaf: int = 1,
        max_samples: int = 200_000,
    ) -> None:
        super().__init__()
        self._settings = _forest_settings(trees, max_features, min_leaf, threads)
        self._max_samples = count_setting("max_samples", max_samples)

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        labels = inputs.interactions.point()
        self._features = feature_table(inputs, train, with_targets=True, seed=seed)
        self._forests = []
        for draw, trees in enumerate(self._draws(len(train))):
            rows = train
            if len(train) > self._max_samples:
                random = np.random.default_rng([seed, draw])
                rows = train[np.sort(random.choice(len(train), self._max_samples, replace=False))]
            settings = {**self._settings, "n_estimators": trees}
            self._forests.append(_grown(self._features.rows(rows), labels[rows], settings, seed + draw))

    def _draws(self, rows: int) -> list[int]:
        """How many trees each part of the forest has."""
        trees: int = self._settings["n_estimators"]
        parts = min(trees, _DRAWS) if rows > self._max_samples else 1
        return [trees // parts + (part < trees % parts) for part in range(parts)]

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._fit(inputs, rows, rows, seed)  # nothing is chosen on the validation rows

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats:
        weights = [len(forest.estimators_) for forest in self._forests]
        scores = np.empty(len(rows))
        for start in range(0, len(rows), _PREDICT_BLOCK):
            block = self._features.rows(rows[start : start + _PREDICT_BLOCK])
            parts = [forest.predict(block) for forest in self._forests]
            scores[start : start + len(block)] = np.average(parts, axis=0, weights=weights)
        return scores


@final
class PerTargetForest(Baseline):
    """For each target a random forest on the compounds measured at it: the classical QSAR model.

    It sees descriptors and the counts of 512 fingerprint places, nothing of the target and nothing of other
    targets' labels. A target with fewer training rows than ``min_rows``, or with one label only, gets their
    mean; a target without any the mean of all training labels, so it is meant for warm and few-shot
    divisions. Nothing is chosen on the validation rows. Deterministic, whatever the number of threads.

    A forest is grown when scores of its target are first asked for. Forests are kept up to 200,000 training
    rows in total, so that memory is bounded; those beyond are grown anew each time.

    Args:
        threads: trees grown at a time.
        trees: in each forest.
        max_features: share of the columns that a division looks at.
        min_leaf: training rows that a leaf holds at least.
        min_rows: training rows that a target needs for a forest.
        max_samples: training rows of one target that are held at once; of more, so many are drawn.
    """

    name: ClassVar[str] = "per_target_forest"

    def __init__(
        self,
        *,
        threads: int = 1,
        trees: int = 100,
        max_features: float = 0.3,
        min_leaf: int = 1,
        min_rows: int = 5,
        max_samples: int = 200_000,
    ) -> None:
        super().__init__()
        self._settings = _forest_settings(trees, max_features, min_leaf, threads)
        self._min_rows = count_setting("min_rows", min_rows, 2)
        self._max_samples = count_setting("max_samples", max_samples)

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        table = inputs.interactions
        self._labels, self._seed = table.point(), seed
        labels = self._labels[train].astype(np.float64)
        self._means = means_of(labels, table.target_index[train], len(table.targets))
        order = train[np.argsort(table.target_index[train], kind="stable")]
        targets, starts = np.unique(table.target_index[order], return_index=True)
        self._rows_of = dict(zip(targets.tolist(), np.split(order, starts[1:]), strict=True))
        self._features = feature_table(inputs, train, with_targets=False, seed=seed)
        self._kept: dict[int, Any] = {}
        self._kept_rows = 0

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._fit(inputs, rows, rows, seed)  # nothing is chosen on the validation rows

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> Floats:
        table = inputs.interactions
        scores = self._means[table.target_index[rows]]
        order = np.argsort(table.target_index[rows], kind="stable")
        targets, starts = np.unique(table.target_index[rows[order]], return_index=True)
        for target, places in zip(targets.tolist(), np.split(order, starts[1:]), strict=True):
            forest = self._forest(target)
            if forest is None:
                continue
            for start in range(0, len(places), _PREDICT_BLOCK):
                block = places[start : start + _PREDICT_BLOCK]
                scores[block] = forest.predict(self._features.rows(rows[block]))
        return scores

    def _forest(self, target: int) -> Any:
        """The forest of a target; None where its labels are too few or all the same."""
        rows = self._rows_of.get(target, np.empty(0, dtype=np.int64))
        labels = self._labels[rows]
        if len(rows) < self._min_rows or (labels == labels[0]).all():
            return None
        if target in self._kept:
            return self._kept[target]
        if len(rows) > self._max_samples:
            random = np.random.default_rng([self._seed, target])
            drawn = np.sort(random.choice(len(rows), self._max_samples, replace=False))
            rows, labels = rows[drawn], labels[drawn]
        forest = _grown(self._features.rows(rows), labels, self._settings, self._seed)
        if self._kept_rows + len(rows) <= _KEPT_ROWS:
            self._kept[target] = forest
            self._kept_rows += len(rows)
        return forest


def _forest_settings(trees: int, max_features: float, min_leaf: int, threads: int) -> dict[str, Any]:
    """Settings of scikit-learn's forest, checked."""
    return {
        "n_estimators": count_setting("trees", trees),
        "max_features": share_setting("max_features", max_features),
        "min_samples_leaf": count_setting("min_leaf", min_leaf),
        "n_jobs": threads,
    }


def _grown(features: Floats32, labels: Floats32, settings: dict[str, Any], seed: int) -> Any:
    """A forest of regression trees: on 0 and 1 it scores the share of actives, divided by their variance."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(**settings, random_state=seed).fit(features, labels)
