from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from hyperpcm.baselines import forest
from hyperpcm.baselines.features import feature_table
from hyperpcm.baselines.forest import PerTargetForest, RandomForest
from small_tables import CLASSES, inputs_of, random_table, table, thirds


def fitted(baseline, inputs, parts, seed=0):
    baseline.fit(inputs, parts[0], parts[1], seed=seed)
    return baseline


@pytest.mark.parametrize("quantity", [None, CLASSES], ids=["regression", "classes"])
def test_a_forest_of_pairs_is_that_of_scikit_learn_on_joined_columns(quantity):
    interactions = random_table(1, **({} if quantity is None else {"quantity": quantity}))
    inputs = inputs_of(interactions)
    train, _, test = parts = thirds(interactions, "target")
    found = fitted(RandomForest(trees=7, max_features=0.4, min_leaf=2), inputs, parts, seed=5).predict(test)
    columns = feature_table(inputs, train, with_targets=True, seed=5)
    model = RandomForestRegressor(7, max_features=0.4, min_samples_leaf=2, random_state=5)
    wanted = model.fit(columns.rows(train), interactions.values[train]).predict(columns.rows(test))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_with_more_rows_than_fit_parts_of_the_forest_see_rows_of_their_own(monkeypatch):
    interactions = random_table(2, compounds=40)
    inputs = inputs_of(interactions)
    train, _, test = parts = thirds(interactions, "target")
    baseline = fitted(RandomForest(trees=12, max_samples=30), inputs, parts)
    assert [len(part.estimators_) for part in baseline._forests] == [2, 2, *[1] * 8]
    whole = []
    for part in baseline._forests:
        assert part.estimators_[0].tree_.weighted_n_node_samples[0] == 30
        whole += [tree.predict(baseline._features.rows(test)) for tree in part.estimators_]
    np.testing.assert_allclose(baseline.predict(test), np.mean(whole, axis=0), rtol=1e-6)
    monkeypatch.setattr(forest, "_PREDICT_BLOCK", 5)
    np.testing.assert_allclose(baseline.predict(test), np.mean(whole, axis=0), rtol=1e-6)
    assert len(train) > 30


@pytest.mark.parametrize("kept", [0, 1000])
def test_each_target_has_the_forest_that_scikit_learn_grows_on_its_rows(monkeypatch, kept):
    monkeypatch.setattr(forest, "_KEPT_ROWS", kept)
    interactions = random_table(3, compounds=30)
    inputs = inputs_of(interactions)
    train, _, test = parts = thirds(interactions, "compound")
    baseline = fitted(PerTargetForest(trees=5, max_features=0.5), inputs, parts, seed=2)
    columns = feature_table(inputs, train, with_targets=False, seed=2)
    for _ in range(2):
        scores = baseline.predict(test)
        for target in range(9):
            mine = train[interactions.target_index[train] == target]
            asked = interactions.target_index[test] == target
            model = RandomForestRegressor(5, max_features=0.5, random_state=2)
            model.fit(columns.rows(mine), interactions.values[mine])
            wanted = model.predict(columns.rows(test[asked]))
            np.testing.assert_allclose(scores[asked], wanted, rtol=1e-6)


def test_few_rows_give_the_mean_of_the_target_and_none_the_mean_of_all():
    interactions = table(
        [0, 1, 2, 0, 3, 3, 3], [0, 0, 0, 1, 0, 1, 2], [5.0, 6.0, 8.0, 9.0, 6.0, 6.0, 6.0], sizes=(4, 3)
    )
    baseline = PerTargetForest(min_rows=4)
    baseline.fit(inputs_of(interactions), np.arange(4), np.array([4]), seed=0)
    np.testing.assert_allclose(baseline.predict(np.array([4, 5, 6])), [19 / 3, 9.0, 7.0], rtol=1e-6)


def test_a_target_with_more_rows_than_fit_sees_as_many_as_do():
    interactions = random_table(4, compounds=30, share=1.0)
    inputs = inputs_of(interactions)
    parts = thirds(interactions, "compound")
    baseline = fitted(PerTargetForest(trees=3, max_samples=6), inputs, parts)
    scores = baseline.predict(parts[2])
    assert {grown.estimators_[0].tree_.weighted_n_node_samples[0] for grown in baseline._kept.values()} == {6}
    np.testing.assert_array_equal(
        fitted(PerTargetForest(trees=3, max_samples=6), inputs, parts).predict(parts[2]), scores
    )


@pytest.mark.parametrize("cls", [RandomForest, PerTargetForest])
def test_scores_do_not_depend_on_the_threads(cls):
    interactions = random_table(5, compounds=30)
    inputs, parts = inputs_of(interactions), thirds(interactions, "compound")
    one, two = (fitted(cls(trees=4, threads=n), inputs, parts).predict(parts[2]) for n in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-6)
