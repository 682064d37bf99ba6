from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import lightgbm_fit
from hyperpcm.baselines.boosting import GradientBoosting, LigandOnly, MeansBoosting
from small_tables import CLASSES, inputs_of, random_table, table, thirds


def learnable(seed=0, *, quantity=None):
    """Labels that follow a descriptor of the compound and, with another sign, a feature of the target."""
    rng = np.random.default_rng(seed)
    compound, target = np.nonzero(np.ones((60, 24), dtype=bool))
    blank = inputs_of(table(compound, target, np.zeros(len(compound)), sizes=(60, 24)), seed)
    values = blank.compound_descriptors[compound, 0] - 2 * np.sign(blank.target_features[target, 1])
    values = 6 + values + 0.1 * rng.normal(size=len(values))
    options = {} if quantity is None else {"quantity": quantity}
    values = values if quantity is None else values > 6
    interactions = table(compound, target, values, sizes=(60, 24), **options)
    inputs = inputs_of(interactions, seed)
    inputs.target_similarity[:] = np.where(
        np.equal.outer(*[np.sign(blank.target_features[:, 1])] * 2), 0.8, 0.1
    )
    return inputs


def fitted(cls, inputs, parts, seed=0, threads=1):
    baseline = cls(threads=threads)
    baseline.fit(inputs, parts[0], parts[1], seed=seed)
    return baseline


def error(inputs, rows, scores):
    return float(np.mean((inputs.interactions.values[rows] - scores) ** 2))


def test_boosting_learns_what_depends_on_both_and_the_blind_one_only_its_half():
    inputs = learnable()
    parts = thirds(inputs.interactions, "target")
    test = parts[2]
    labels = inputs.interactions.values[test]
    both = error(inputs, test, fitted(GradientBoosting, inputs, parts).predict(test))
    blind = error(inputs, test, fitted(LigandOnly, inputs, parts).predict(test))
    assert both < 0.25 * blind
    assert blind < labels.var() * 0.95


def test_the_blind_one_gives_one_compound_one_score():
    inputs = learnable()
    parts = thirds(inputs.interactions, "target")
    scores = fitted(LigandOnly, inputs, parts).predict(np.arange(len(inputs.interactions)))
    for compound in range(60):
        assert len(set(scores[inputs.interactions.compound_index == compound])) == 1
    assert len(set(scores)) > 10


def test_scores_of_classes_are_probabilities_that_rank_the_classes():
    from sklearn.metrics import roc_auc_score

    inputs = learnable(quantity=CLASSES)
    parts = thirds(inputs.interactions, "target")
    scores = fitted(GradientBoosting, inputs, parts).predict(parts[2])
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert roc_auc_score(inputs.interactions.values[parts[2]], scores) > 0.9


def test_equal_seeds_give_equal_scores_whatever_the_threads_and_another_seed_others():
    inputs = learnable()
    parts = thirds(inputs.interactions, "target")
    one = fitted(GradientBoosting, inputs, parts).predict(parts[2])
    np.testing.assert_array_equal(fitted(GradientBoosting, inputs, parts, threads=2).predict(parts[2]), one)
    assert (fitted(GradientBoosting, inputs, parts, seed=1).predict(parts[2]) != one).any()


def test_test_labels_do_not_matter():
    inputs = learnable()
    parts = thirds(inputs.interactions, "target")
    one = fitted(GradientBoosting, inputs, parts).predict(parts[2])
    values = inputs.interactions.values.copy()
    values[parts[2]] = 9.0
    interactions = table(
        inputs.interactions.compound_index, inputs.interactions.target_index, values, sizes=(60, 24)
    )
    changed = type(inputs)(
        interactions,
        inputs.compound_counts,
        inputs.compound_descriptors,
        inputs.target_features,
        inputs.target_similarity,
    )
    np.testing.assert_array_equal(fitted(GradientBoosting, changed, parts).predict(parts[2]), one)


@pytest.mark.parametrize("cls", [GradientBoosting, LigandOnly, MeansBoosting])
def test_constant_labels_and_one_class_give_that_value(cls):
    interactions = table([0, 1, 2, 3], [0, 1, 0, 1], [1.0, 1.0, 0.0, 1.0], quantity=CLASSES)
    baseline = cls()
    baseline.fit(inputs_of(interactions), np.array([0, 1]), np.array([2]), seed=0)
    np.testing.assert_array_equal(baseline.predict(np.arange(4)), np.ones(4, dtype=np.float32))


@pytest.mark.parametrize("cls", [GradientBoosting, LigandOnly, MeansBoosting])
def test_a_handful_of_rows_is_enough(cls):
    interactions = random_table(1, compounds=3, targets=3)
    rows = np.arange(len(interactions))
    baseline = cls()
    baseline.fit(inputs_of(interactions), rows[:4], rows[4:5], seed=0)
    assert np.isfinite(baseline.predict(rows)).all()


def test_reading_in_blocks_gives_the_trees_of_one_dense_table(monkeypatch):
    import lightgbm

    inputs = learnable()
    train, valid, test = parts = thirds(inputs.interactions, "target")
    monkeypatch.setattr(lightgbm_fit, "_READ_BLOCK", 37)
    baseline = fitted(GradientBoosting, inputs, parts, seed=3)
    rows, labels = baseline._features.rows, inputs.interactions.values
    settings = {**lightgbm_fit._SETTINGS, "objective": "regression", "seed": 3, "num_threads": 1}
    data = lightgbm.Dataset(rows(train), labels[train], params=settings)
    check = lightgbm.Dataset(rows(valid), labels[valid], params=settings, reference=data)
    stop = lightgbm.early_stopping(50, verbose=False)
    dense = lightgbm.train(settings, data, 3000, valid_sets=[check], callbacks=[stop])
    np.testing.assert_allclose(baseline.predict(test), dense.predict(rows(test)), rtol=1e-6)


def test_means_say_what_features_cannot():
    rng = np.random.default_rng(0)
    compound, target = np.nonzero(np.ones((60, 24), dtype=bool))
    values = 6 + rng.normal(size=60)[compound] + 0.1 * rng.normal(size=len(compound))
    interactions = table(compound, target, values, sizes=(60, 24))
    inputs = inputs_of(interactions)
    inputs.compound_counts[:] = 0
    inputs.compound_descriptors[:] = 0
    parts = thirds(interactions, "target")
    without = error(inputs, parts[2], fitted(GradientBoosting, inputs, parts).predict(parts[2]))
    assert error(inputs, parts[2], fitted(MeansBoosting, inputs, parts).predict(parts[2])) < 0.3 * without
