"""Classification metrics against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from hyperpcm.errors import LabelError
from hyperpcm.metrics import auprc, auroc, best_mcc_threshold, mcc

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40).filter(
    lambda rows: len({active for active, _ in rows}) == 2
)


@given(ROWS)
def test_areas_equal_those_of_scikit_learn_with_ties(rows):
    active, scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    assert auroc(active, scores) == pytest.approx(oracle.roc_auc_score(active, scores))
    assert auprc(active, scores) == pytest.approx(oracle.average_precision_score(active, scores))


@given(ROWS)
def test_mcc_equals_that_of_scikit_learn(rows):
    active, called = np.array([a for a, _ in rows]), np.array([s >= 4 for _, s in rows])
    assert mcc(active, called) == pytest.approx(oracle.matthews_corrcoef(active, called))


@given(ROWS)
def test_no_cutoff_beats_the_best_threshold(rows):
    active, scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    best = best_mcc_threshold(active, scores)
    assert best.mcc == pytest.approx(oracle.matthews_corrcoef(active, scores >= best.threshold))
    for cutoff in (-1, 0, 2, 4.5, 6, 9):
        assert oracle.matthews_corrcoef(active, scores >= cutoff) <= best.mcc + 1e-12


@given(ROWS)
def test_given_cutoffs_are_the_only_ones_tried(rows):
    active, scores = np.array([a for a, _ in rows]), np.array([s for _, s in rows])
    cutoffs = [0.5, 9.0, 3.0, 6.5]
    best = best_mcc_threshold(active, scores, cutoffs)
    tried = {cutoff: oracle.matthews_corrcoef(active, scores >= cutoff) for cutoff in cutoffs}
    assert best.mcc == pytest.approx(max(tried.values()))
    assert tried[best.threshold] == pytest.approx(best.mcc)


def test_the_threshold_holds_for_float32_scores():
    scores = np.nextafter(np.float32(0.1), np.float32([1, -1]))
    best = best_mcc_threshold([1, 0], scores)
    assert (scores >= best.threshold).tolist() == [True, False]


def test_calls_of_one_class_have_no_correlation():
    assert mcc([0, 1, 1], [1, 1, 1]) == 0.0
    assert mcc([0, 1, 1], [0, 0, 0]) == 0.0


def test_constant_scores_are_chance():
    assert auroc([0, 1, 1], [2.0, 2.0, 2.0]) == 0.5
    assert auprc([0, 1, 1], [2.0, 2.0, 2.0]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("labels", [[], [0, 0, 0], [1, 1, 1]])
def test_one_class_gives_nan(labels):
    scores = np.arange(len(labels))
    assert math.isnan(auroc(labels, scores))
    assert math.isnan(auprc(labels, scores))
    assert math.isnan(mcc(labels, labels))
    best = best_mcc_threshold(labels, scores)
    assert math.isnan(best.threshold)
    assert math.isnan(best.mcc)


@pytest.mark.parametrize("metric", [auroc, auprc, mcc, best_mcc_threshold])
def test_measured_values_are_refused_as_classes(metric):
    with pytest.raises(LabelError, match=r"labels\[1\] is 7.2: classes are 0"):
        metric([0, 7.2, 1], [0, 1, 1])


def test_probabilities_are_refused_as_calls():
    with pytest.raises(LabelError, match="classes are 0"):
        mcc([0, 1], [0.2, 0.9])


@pytest.mark.parametrize("cutoffs", [[], [0.5, math.nan]])
def test_useless_cutoffs_are_refused(cutoffs):
    with pytest.raises(LabelError, match="cutoffs"):
        best_mcc_threshold([0, 1], [0.1, 0.2], cutoffs)
