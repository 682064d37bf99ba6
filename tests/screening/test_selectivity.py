"""Measures of selectivity against their definitions written out, compound by compound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hyperpcm.screening import (
    fishing_scores,
    selectivity_entropy,
    selectivity_score,
    selectivity_window,
)

SCORES = np.random.default_rng(0).normal(6.5, 1.2, (7, 40))


def test_the_window_is_the_distance_to_the_strongest_other_target():
    found = selectivity_window(SCORES, 3)
    for column, window in enumerate(found):
        others = [SCORES[row, column] for row in range(7) if row != 3]
        assert window == pytest.approx(SCORES[3, column] - max(others))
    assert (found > 0).any()
    assert (found < 0).any()


def test_the_selectivity_score_is_the_share_of_targets_that_are_hit():
    for column, share in enumerate(selectivity_score(SCORES, 7.0)):
        assert share == pytest.approx(sum(SCORES[row, column] >= 7.0 for row in range(7)) / 7)


def test_the_entropy_is_that_of_the_association_constants():
    for column, entropy in enumerate(selectivity_entropy(SCORES)):
        constants = [10.0 ** SCORES[row, column] for row in range(7)]
        shares = [constant / sum(constants) for constant in constants]
        assert entropy == pytest.approx(-sum(share * math.log(share) for share in shares))


def test_the_entropy_is_between_one_target_and_all_alike():
    assert selectivity_entropy(np.full((5, 1), 8.0))[0] == pytest.approx(math.log(5))
    assert selectivity_entropy(np.array([[300.0], [1.0], [1.0]]))[0] == pytest.approx(0)
    assert selectivity_entropy(np.array([[7.0]]))[0] == 0


def test_a_target_that_scores_everything_high_is_not_fished_for_every_compound():
    scores = np.array([[6.0], [8.0]])
    found = fishing_scores(scores, np.array([5.0, 8.0]), np.array([0.5, 1.0]))
    assert found[:, 0].tolist() == [2.0, 0.0]
    silent = fishing_scores(scores, np.array([5.0, 8.0]), np.array([0.5, 0.0]))
    assert np.isnan(silent[1, 0])


def test_a_compound_without_a_score_stays_without():
    scores = SCORES.copy()
    scores[:, 5] = np.nan
    found = (selectivity_window(scores, 0), selectivity_score(scores, 7.0), selectivity_entropy(scores))
    for values in found:
        assert np.flatnonzero(np.isnan(values)).tolist() == [5]


def test_too_few_targets_or_none_of_that_number_are_refused():
    with pytest.raises(ValueError, match="at least 2 targets"):
        selectivity_window(SCORES[:1], 0)
    with pytest.raises(ValueError, match="no target 7"):
        selectivity_window(SCORES, 7)
    with pytest.raises(ValueError, match="at least 1 targets"):
        selectivity_entropy(SCORES[:0])
