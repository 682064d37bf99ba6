"""Regression metrics against SciPy, scikit-learn and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle

from hyperpcm.errors import LabelError
from hyperpcm.metrics import interval_mae, mae, mse, pearson, r2, rm2, rmse, spearman

ALL = [mse, mae, rmse, r2, pearson, spearman, rm2]


def labels_and_scores(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.normal(7, 1, n).round(1)
    return labels, (labels + generator.normal(0.3, 1, n)).round(1)


def test_errors_equal_those_of_scikit_learn():
    y, s = labels_and_scores()
    assert mse(y, s) == pytest.approx(oracle.mean_squared_error(y, s))
    assert mae(y, s) == pytest.approx(oracle.mean_absolute_error(y, s))
    assert rmse(y, s) == pytest.approx(oracle.root_mean_squared_error(y, s))
    assert r2(y, s) == pytest.approx(oracle.r2_score(y, s))


def test_correlations_equal_those_of_scipy_on_tied_data():
    y, s = labels_and_scores()
    assert pearson(y, s) == pytest.approx(stats.pearsonr(y, s).statistic)
    assert spearman(y, s) == pytest.approx(stats.spearmanr(y, s).statistic)


def test_rm2_equals_the_formula_fitted_by_least_squares():
    y, s = labels_and_scores()
    squared = np.corrcoef(y, s)[0, 1] ** 2
    slope = np.linalg.lstsq(s[:, None], y, rcond=None)[0][0]
    determination = oracle.r2_score(y, slope * s)
    assert rm2(y, s) == pytest.approx(squared * (1 - np.sqrt(abs(squared - determination))))
    assert rm2(y, s, squared_again=True) == pytest.approx(
        squared * (1 - np.sqrt(abs(squared**2 - determination**2)))
    )


def test_rm2_does_not_depend_on_the_unit_of_the_scores():
    y, s = labels_and_scores()
    assert rm2(y, s) == pytest.approx(rm2(y, 1000 * s))
    assert rm2(y, s) == pytest.approx(rm2(y / 1000, s))


def test_rm2_of_proportional_scores_is_one():
    y, _ = labels_and_scores()
    assert rm2(y, 3 * y) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", ALL)
def test_no_rows_give_nan(metric):
    assert math.isnan(metric([], []))


@pytest.mark.parametrize("metric", [r2, pearson, spearman, rm2])
def test_constant_labels_give_nan(metric):
    # The mean of three times 0.1 is not 0.1 in binary: a test for zero variance would be fooled.
    assert math.isnan(metric([0.1, 0.1, 0.1], [1.0, 2.0, 3.0]))


@pytest.mark.parametrize("metric", [pearson, spearman, rm2])
def test_constant_scores_give_nan(metric):
    assert math.isnan(metric([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]))


@pytest.mark.parametrize("metric", ALL)
def test_unequal_lengths_are_refused(metric):
    with pytest.raises(LabelError, match="3 labels and 2 scores"):
        metric([1.0, 2.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(metric, bad):
    with pytest.raises(LabelError, match=r"scores\[1\]"):
        metric([1.0, 2.0], [1.0, bad])
    with pytest.raises(LabelError, match=r"labels\[0\]"):
        metric([bad, 2.0], [1.0, 2.0])


@pytest.mark.parametrize(("labels", "message"), [([[1.0], [2.0]], "shape"), (["a", "b"], "numbers")])
def test_what_is_not_a_row_of_numbers_is_refused(labels, message):
    with pytest.raises(LabelError, match=message):
        mse(labels, [1.0, 2.0])


def test_float32_is_summed_in_float64():
    labels = np.full(10, 16_777_216, dtype=np.float32)
    assert mse(labels, np.zeros(10, dtype=np.float32)) == 16_777_216.0**2


@pytest.mark.parametrize("factor", [1e-200, 1e-30, 1e30, 1e200])
def test_correlations_survive_extreme_units(factor):
    y, s = labels_and_scores()
    assert pearson(y, s * factor) == pytest.approx(pearson(y, s))
    assert pearson(y * factor, s) == pytest.approx(pearson(y, s))
    assert rm2(y, s * factor) == pytest.approx(rm2(y, s))


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=30))
def test_correlations_are_symmetric_and_bounded(pairs):
    y, s = np.array(pairs, dtype=float).T
    for metric in (pearson, spearman):
        value = metric(y, s)
        if len(set(y)) == 1 or len(set(s)) == 1:
            assert math.isnan(value)
        else:
            assert -1 <= value <= 1
            assert value == pytest.approx(metric(s, y))
            assert metric(y, -s) == pytest.approx(-value)


def test_interval_mae_is_the_distance_to_the_nearest_edge():
    generator = np.random.default_rng(5)
    lower = generator.integers(3, 10, 200).astype(float)
    upper = lower + generator.choice([0.0, 1.0], 200)
    lower[:20], upper[20:40] = -np.inf, np.inf
    scores = generator.normal(6.5, 2, 200)
    distances = []
    for low, high, score in zip(lower, upper, scores, strict=True):
        if low <= score <= high:
            distances.append(0.0)
        else:
            distances.append(min(abs(score - edge) for edge in (low, high) if np.isfinite(edge)))
    assert interval_mae(lower, upper, scores) == pytest.approx(np.mean(distances))
    assert interval_mae(scores, scores, scores + 0.5) == pytest.approx(0.5)
    assert np.isnan(interval_mae([], [], []))


@pytest.mark.parametrize(("lower", "upper"), [([2.0], [1.0]), ([np.nan], [1.0]), ([1.0, 2.0], [3.0, 4.0])])
def test_edges_that_are_no_interval_are_refused(lower, upper):
    with pytest.raises(LabelError):
        interval_mae(lower, upper, [1.0])
