"""The yardsticks against loops and scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from hyperpcm.baselines.few_shot import (
    SIMILARITY_POWER,
    TREES,
    MeanEffect,
    PerTargetForest,
    Shift,
    SimilarLabels,
    ZeroShot,
    shrinkage,
)
from hyperpcm.errors import LabelError
from small_tasks import task

ALL = [ZeroShot(), Shift(2.0), MeanEffect(2.0), SimilarLabels(), PerTargetForest()]


@pytest.mark.parametrize("adapter", ALL, ids=lambda one: one.name)
@pytest.mark.parametrize("k", [0, 1, 2, 6])
def test_every_adapter_scores_every_compound_the_same_way_twice(adapter, k):
    given = task(k=6, q=5).first(k)
    scores = adapter.scores(given, seed=3)
    assert scores.shape == (5,)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, adapter.scores(given, seed=3))


@pytest.mark.parametrize("adapter", ALL, ids=lambda one: one.name)
def test_adapters_use_the_zero_shot_scores_exactly_where_they_say_so(adapter):
    given = task()
    other = dataclasses.replace(
        given, zero_shot_query=given.zero_shot_query + 1, zero_shot_support=given.zero_shot_support - 1
    )
    same = np.array_equal(adapter.scores(given, seed=0), adapter.scores(other, seed=0))
    assert same is not adapter.uses_zero_shot


@pytest.mark.parametrize("adapter", [ZeroShot(), Shift(2.0)], ids=lambda one: one.name)
def test_without_measured_compounds_the_zero_shot_scores_stay(adapter):
    given = task().first(0)
    np.testing.assert_allclose(adapter.scores(given, seed=0), given.zero_shot_query)


def test_without_measured_compounds_the_others_fall_back_on_the_training_targets():
    given = task().first(0)
    np.testing.assert_allclose(MeanEffect(1.0).scores(given, seed=0), given.additive_query)
    assert set(SimilarLabels().scores(given, seed=0)) == set(PerTargetForest().scores(given, seed=0)) == {5.8}


@pytest.mark.parametrize(
    ("adapter", "prior"), [(Shift(2.5), "zero_shot"), (MeanEffect(2.5), "additive")], ids=["shift", "mean"]
)
def test_the_shift_is_the_ridge_estimate_of_a_constant(adapter, prior):
    given = task(k=5)
    residuals = given.labels - getattr(given, f"{prior}_support")
    grid = np.linspace(-5, 5, 200_001)
    losses = sum((float(r) - grid) ** 2 for r in residuals) + 2.5 * grid**2
    found = adapter.scores(given, seed=0) - getattr(given, f"{prior}_query")
    np.testing.assert_allclose(found, grid[np.argmin(losses)], atol=1e-4)


def test_infinite_shrinkage_leaves_the_scores_alone():
    given = task()
    np.testing.assert_array_equal(Shift(np.inf).scores(given, seed=0), given.zero_shot_query)


def test_similar_labels_are_a_loop_over_sets_of_places():
    given = task(k=6, q=5)
    expected = []
    for query in given.counts_query:
        places = set(np.flatnonzero(query))
        weights = []
        for support in given.counts_support:
            others = set(np.flatnonzero(support))
            weights.append((len(places & others) / len(places | others)) ** SIMILARITY_POWER)
        expected.append(sum(w * float(y) for w, y in zip(weights, given.labels, strict=True)) / sum(weights))
    np.testing.assert_allclose(SimilarLabels().scores(given, seed=0), expected, rtol=1e-5)


def test_where_nothing_is_similar_the_mean_label_stands():
    given = task()
    given = dataclasses.replace(given, counts_query=np.zeros_like(given.counts_query))
    np.testing.assert_allclose(SimilarLabels().scores(given, seed=0), given.labels.mean(), rtol=1e-6)


def test_the_forest_is_that_of_scikit_learn_on_the_columns_that_vary():
    given = task(k=6, q=5)
    columns = [
        j
        for j in range(given.counts_support.shape[1])
        if len({int(v) for v in given.counts_support[:, j]}) > 1
    ]
    forest = RandomForestRegressor(TREES, max_features="sqrt", random_state=9)
    forest.fit(given.counts_support[:, columns], given.labels)
    np.testing.assert_allclose(
        PerTargetForest().scores(given, seed=9), forest.predict(given.counts_query[:, columns]), rtol=1e-5
    )


def test_the_forest_gives_the_label_where_there_is_one_and_the_mean_where_nothing_varies():
    given = task(k=4)
    np.testing.assert_allclose(PerTargetForest().scores(given.first(1), seed=0), given.labels[0])
    alike = dataclasses.replace(given, counts_support=np.repeat(given.counts_support[:1], 4, axis=0))
    np.testing.assert_allclose(PerTargetForest().scores(alike, seed=0), given.labels.mean(), rtol=1e-6)


def test_shrinkage_recovers_the_ratio_of_variances():
    rng = np.random.default_rng(0)
    target = np.repeat(np.arange(4000), 6)
    residuals = rng.normal(0, 0.5, size=4000)[target] + rng.normal(0, 1.5, size=target.size)
    assert shrinkage(residuals, target) == pytest.approx(1.5**2 / 0.5**2, rel=0.08)


def test_shrinkage_is_infinite_where_targets_do_not_differ():
    assert shrinkage([1.0, -1.0, 1.0, -1.0], [0, 0, 1, 1]) == np.inf


def test_shrinkage_needs_a_target_with_two_labels():
    with pytest.raises(LabelError, match="no validation target has two"):
        shrinkage([1.0, 2.0], [0, 1])
