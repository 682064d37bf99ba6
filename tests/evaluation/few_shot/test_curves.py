"""Curves against a loop with scipy and scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error, roc_auc_score

from hyperpcm.baselines.few_shot import Shift, ZeroShot
from hyperpcm.errors import LabelError
from hyperpcm.evaluation.few_shot import Draw, FewShotInputs, measure_curves
from small_tables import CLASSES, random_table, table

SIZES = (0, 1, 3, 8, 64)


def inputs(interactions, seed=0):
    rng = np.random.default_rng(seed)
    n = len(interactions)
    return FewShotInputs(
        interactions,
        rng.normal(6, 1, n).astype(np.float32),
        rng.normal(6, 1, n).astype(np.float32),
        rng.poisson(0.4, size=(len(interactions.compounds), 32)).astype(np.uint8),
        6.0,
    )


def draws_of(interactions, query, seed=0):
    """Two draws a target with any compounds, without regard to scaffolds."""
    rng, found = np.random.default_rng(seed), []
    for target in np.unique(interactions.target_index):
        for number in range(2):
            rows = rng.permutation(np.flatnonzero(interactions.target_index == target))
            found.append(Draw(int(target), number, rows[query:], np.sort(rows[:query])))
    return found


def test_numbers_are_means_over_the_draws_that_have_k_compounds():
    interactions = random_table(1, compounds=30, targets=6, share=0.6)
    given, adapter = inputs(interactions), Shift(2.0)
    draws = [draw for draw in draws_of(interactions, 9)]
    draws[0] = Draw(draws[0].target, 0, draws[0].support[:2], draws[0].query)  # only its sister has 3
    targets, curves = measure_curves(given, draws, [adapter], SIZES)
    labels = interactions.point().astype(float)
    for place, target in enumerate(targets):
        for k in SIZES:
            found = {"mse": [], "spearman": [], "pearson": [], "auroc": []}
            for draw in draws:
                if draw.target != target or len(draw.support) < k:
                    continue
                s, q = draw.support[:k], draw.query
                y = labels[q]
                shift = sum(labels[s] - given.zero_shot[s]) / (k + 2.0)
                scores = given.zero_shot[q] + shift
                found["mse"].append(mean_squared_error(y, scores))
                found["spearman"].append(spearmanr(y, scores)[0])
                found["pearson"].append(pearsonr(y, scores)[0])
                if len({*(y >= 7.0)}) == 2:
                    found["auroc"].append(roc_auc_score(y >= 7.0, scores))
            for metric, values in found.items():
                expected = np.mean(values) if values else np.nan
                np.testing.assert_allclose(curves["shift"][k][metric][place], expected, rtol=1e-5)


def test_more_compounds_than_any_target_has_give_a_curve_of_no_target():
    interactions = random_table(1, compounds=30, targets=4, share=0.9)
    _, curves = measure_curves(inputs(interactions), draws_of(interactions, 9), [ZeroShot()], SIZES)
    assert np.isnan(curves["none"][64]["mse"]).all()
    assert not np.isnan(curves["none"][8]["mse"]).any()


def test_all_adapters_count_on_the_same_targets_and_zero_shot_is_flat():
    interactions = random_table(3, compounds=30, targets=6, share=0.7)
    draws = draws_of(interactions, 9)
    _, curves = measure_curves(inputs(interactions), draws, [ZeroShot(), Shift(1.0)], (0, 2, 4))
    for k in (0, 2, 4):
        for metric, values in curves["none"][k].items():
            np.testing.assert_array_equal(np.isnan(values), np.isnan(curves["shift"][k][metric]))
            np.testing.assert_array_equal(values, curves["none"][0][metric])


def test_equal_labels_have_an_error_but_no_correlation_and_equal_scores_correlate_with_nothing():
    interactions = table(list(range(8)) * 2, [0] * 8 + [1] * 8, [5.0] * 8 + [5, 6, 7, 8, 5, 6, 7, 8])
    given = inputs(interactions)
    given.zero_shot[8:] = 6.0
    draws = [Draw(t, 0, np.arange(8 * t, 8 * t + 3), np.arange(8 * t + 3, 8 * t + 8)) for t in (0, 1)]
    _, curves = measure_curves(given, draws, [ZeroShot()], (0,))
    found = curves["none"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(found["mse"]).all()
    assert np.isnan(found["spearman"][0])
    assert np.isnan(found["auroc"][0])
    assert found["spearman"][1] == found["pearson"][1] == 0.0
    assert found["auroc"][1] == 0.5


def test_a_censored_label_across_the_threshold_has_no_class():
    interactions = table(
        list(range(6)), [0] * 6, [6.0, 8.0, 5.0, 7.5, 6.5, 6.0], relations=[1, 0, 0, 0, 0, 0]
    )
    given = inputs(interactions)
    draw = Draw(0, 0, np.array([1]), np.array([0, 2, 3, 4, 5]))
    _, curves = measure_curves(given, [draw], [ZeroShot()], (0,))
    expected = roc_auc_score([0, 1, 0, 0], given.zero_shot[[2, 3, 4, 5]])
    assert curves["none"][0]["auroc"][0] == pytest.approx(expected)


def test_two_classes_are_refused():
    with pytest.raises(LabelError, match="two classes"):
        inputs(random_table(0, quantity=CLASSES))


def test_scores_that_are_missing_or_not_finite_are_refused_by_name():
    class Broken:
        name = "broken"
        uses_zero_shot = True

        def __init__(self, scores):
            self._scores = scores

        def scores(self, task, *, seed):
            return self._scores

    interactions = random_table(1, compounds=30, targets=4, share=0.9)
    for scores in (np.zeros(3), np.full(9, np.nan)):
        with pytest.raises(LabelError, match="adapter 'broken'"):
            measure_curves(inputs(interactions), draws_of(interactions, 9), [Broken(scores)], (0,))
