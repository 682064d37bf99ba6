from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from hyperpcm.baselines.means import PENALTIES, Additive, CompoundMean, TargetMean, additive_effects
from small_tables import CLASSES, inputs_of, random_table, table


@pytest.mark.parametrize(
    ("baseline", "axis"), [(CompoundMean, "compound_index"), (TargetMean, "target_index")]
)
def test_a_mean_is_that_of_the_training_rows_and_the_global_one_where_there_are_none(baseline, axis):
    interactions = random_table(1)
    index = getattr(interactions, axis)
    train = np.flatnonzero(index > 1)[::2]
    rows = np.arange(len(interactions))
    valid = np.setdiff1d(rows, train)[:5]
    fitted = baseline()
    fitted.fit(inputs_of(interactions), train, valid, seed=0)
    scores = fitted.predict(rows)
    for row in rows:
        same = [interactions.values[r] for r in train if index[r] == index[row]]
        wanted = np.mean(same) if same else np.mean(interactions.values[train])
        assert scores[row] == pytest.approx(wanted, rel=1e-6)
    assert (index <= 1).any()
    assert scores.dtype == np.float32


def test_additive_effects_are_those_of_ridge_regression():
    interactions = random_table(2)
    compound, target = interactions.compound_index, interactions.target_index
    labels = interactions.values.astype(np.float64)
    labels -= labels.mean()
    design = np.concatenate([np.eye(12)[compound], np.eye(9)[target]], axis=1)
    wanted = Ridge(alpha=0.7, fit_intercept=False).fit(design, labels).coef_
    found = np.concatenate(additive_effects(labels, compound, target, (12, 9), 0.7))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_additive_penalty_is_the_best_one_on_the_validation_rows():
    interactions = random_table(3, share=0.5)
    order = np.random.default_rng(0).permutation(len(interactions))
    train, valid = order[:25], order[25:]
    fitted = Additive()
    fitted.fit(inputs_of(interactions), train, valid, seed=0)
    labels = interactions.values.astype(np.float64)
    design = np.concatenate(
        [np.eye(12)[interactions.compound_index], np.eye(9)[interactions.target_index]], axis=1
    )
    errors = {}
    for penalty in PENALTIES:
        ridge = Ridge(alpha=penalty, fit_intercept=False).fit(
            design[train], labels[train] - labels[train].mean()
        )
        errors[penalty] = np.mean((ridge.predict(design[valid]) + labels[train].mean() - labels[valid]) ** 2)
    assert fitted.penalty == min(errors, key=errors.__getitem__)
    assert len(set(np.round(list(errors.values()), 6))) > 1


def test_an_unseen_compound_and_target_get_the_mean_of_all_training_labels():
    interactions = table([0, 1, 2, 3], [0, 1, 0, 2], [5.0, 9.0, 6.0, 8.0])
    fitted = Additive()
    fitted.fit(inputs_of(interactions), np.array([0, 1]), np.array([2]), seed=0)
    assert fitted.predict(np.array([3]))[0] == pytest.approx(7.0)


def test_additive_scores_of_classes_are_probabilities():
    interactions = random_table(4, quantity=CLASSES)
    rows = np.arange(len(interactions))
    fitted = Additive()
    fitted.fit(inputs_of(interactions), rows[::2], rows[1::2], seed=0)
    scores = fitted.predict(rows)
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_a_binned_label_counts_as_the_centre_of_its_bin():
    from hyperpcm.datasets import Quantity

    binned = Quantity("pX", "-log10(M)", active_at=7.0, bin_width=1.0)
    interactions = table([0, 0, 1], [0, 1, 0], [5.0, 7.0, 6.0], quantity=binned, relations=[0, 1, 0])
    fitted = CompoundMean()
    fitted.fit(inputs_of(interactions), np.array([0, 1]), np.array([2]), seed=0)
    assert fitted.predict(np.array([0]))[0] == pytest.approx((5.5 + 7.0) / 2)
