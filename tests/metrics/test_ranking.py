"""The concordance index against its own definition, a double loop."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.errors import LabelError
from hyperpcm.metrics import auroc, concordance_index


def by_double_loop(labels, scores) -> float:
    good = comparable = 0.0
    for i in range(len(labels)):
        for j in range(len(labels)):
            if labels[i] > labels[j]:
                comparable += 1
                good += 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
    return good / comparable if comparable else math.nan


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40))
def test_it_equals_the_double_loop_with_many_ties(pairs):
    labels, scores = [y for y, _ in pairs], [s for _, s in pairs]
    expected = by_double_loop(labels, scores)
    assert concordance_index(labels, scores) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("n", [2, 3, 64, 65, 127, 257])
def test_it_equals_the_double_loop_without_ties(n):
    generator = np.random.default_rng(n)
    labels, scores = generator.normal(size=n), generator.normal(size=n)
    assert concordance_index(labels, scores) == pytest.approx(by_double_loop(labels, scores))


def test_perfect_reversed_and_constant_scores_give_one_zero_and_a_half():
    labels = np.arange(100.0)
    assert concordance_index(labels, labels * 2) == 1.0
    assert concordance_index(labels, -labels) == 0.0
    assert concordance_index(labels, np.zeros(100)) == 0.5


def test_on_two_classes_it_is_the_area_under_the_roc_curve():
    generator = np.random.default_rng(3)
    active = generator.integers(0, 2, 300)
    scores = generator.integers(0, 20, 300)
    assert concordance_index(active, scores) == pytest.approx(auroc(active, scores))


@pytest.mark.parametrize("labels", [[], [1.0], [5.0, 5.0, 5.0]])
def test_labels_that_do_not_differ_give_nan(labels):
    assert math.isnan(concordance_index(labels, np.arange(len(labels))))


def test_unequal_lengths_are_refused():
    with pytest.raises(LabelError, match="2 labels and 1 scores"):
        concordance_index([1.0, 2.0], [1.0])


def test_half_a_million_rows_take_seconds_not_hours():
    generator = np.random.default_rng(0)
    labels = generator.normal(7, 1, 460_000).round(2)
    scores = labels + generator.normal(0, 1, labels.size)
    start = time.perf_counter()
    value = concordance_index(labels, scores)
    assert time.perf_counter() - start < 20
    few = generator.permutation(labels.size)[:1500]
    assert value == pytest.approx(by_double_loop(labels[few], scores[few]), abs=0.02)
