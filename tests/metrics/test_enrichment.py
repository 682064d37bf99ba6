"""Early enrichment against RDKit where no scores are tied, and against means over orders where they are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from rdkit.ML.Scoring import Scoring

from hyperpcm.errors import LabelError
from hyperpcm.metrics import bedroc, enrichment_factor, roc_enrichment

ALL = [enrichment_factor, roc_enrichment, bedroc]


def untied(n: int, actives: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    active = np.zeros(n, dtype=bool)
    active[generator.permutation(n)[:actives]] = True
    return active, generator.permutation(n) + 0.8 * n * active + generator.random(n) / 2


def as_rdkit_rows(active, scores):
    order = np.argsort(-scores)
    return [[float(scores[row]), int(active[row])] for row in order]


@pytest.mark.parametrize(("n", "actives", "seed"), [(50, 5, 0), (337, 20, 1), (1000, 3, 2), (64, 60, 3)])
def test_bedroc_equals_that_of_rdkit(n, actives, seed):
    active, scores = untied(n, actives, seed)
    for alpha in (1.0, 20.0, 100.0):
        expected = Scoring.CalcBEDROC(as_rdkit_rows(active, scores), 1, alpha)
        assert bedroc(active, scores, alpha) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "actives", "seed"), [(50, 5, 0), (337, 20, 1), (1000, 13, 2)])
@pytest.mark.parametrize("fraction", [0.013, 0.05, 0.2, 0.51])
def test_enrichment_factor_equals_that_of_rdkit(n, actives, seed, fraction):
    active, scores = untied(n, actives, seed)
    expected = Scoring.CalcEnrichment(as_rdkit_rows(active, scores), 1, [fraction])[0]
    assert enrichment_factor(active, scores, fraction) == pytest.approx(expected)


def test_the_top_is_not_one_row_too_long_by_rounding():
    scores = -np.arange(100.0)
    active = np.arange(100) < 8
    assert math.ceil(0.07 * 100) == 8  # what naive arithmetic says
    assert enrichment_factor(active, scores, 0.07) == pytest.approx((7 / 7) / (8 / 100))


def test_roc_enrichment_by_hand():
    # In order: active, inactive, active, inactive, then two more inactives.
    active, scores = [1, 0, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1]
    assert roc_enrichment(active, scores, 0.1) == pytest.approx(0.5 / 0.1)
    assert roc_enrichment(active, scores, 0.25) == pytest.approx(1.0 / 0.25)
    assert roc_enrichment(active, scores, 1.0) == 1.0


@pytest.mark.parametrize("metric", ALL)
def test_tied_scores_give_the_mean_over_all_orders(metric):
    active, scores = np.array([1, 0, 1, 0, 0]), np.array([3.0, 2.0, 2.0, 2.0, 1.0])
    if metric is roc_enrichment:  # a tie is a straight line: from (0, 1/2) to (2/3, 1), at rate 1/3 halfway
        assert metric(active, scores, 1 / 3) == pytest.approx(0.75 * 3)
        return
    argument = 0.4 if metric is enrichment_factor else 20.0
    untied = [
        metric(active, scores + 0.01 * np.array([0, *order, 0]), argument)
        for order in itertools.permutations([1, 2, 3])
    ]
    assert metric(active, scores, argument) == pytest.approx(np.mean(untied))


@pytest.mark.parametrize("metric", ALL)
def test_the_order_of_rows_does_not_matter(metric):
    generator = np.random.default_rng(0)
    active, scores = generator.random(200) < 0.1, generator.integers(0, 30, 200)
    order = generator.permutation(200)
    assert metric(active, scores) == pytest.approx(metric(active[order], scores[order]), rel=1e-12)


def test_constant_scores_are_not_enriched():
    active = np.arange(1000) % 10 == 0
    assert enrichment_factor(active, np.zeros(1000), 0.05) == pytest.approx(1.0)
    assert roc_enrichment(active, np.zeros(1000), 0.05) == pytest.approx(1.0)


def test_a_perfect_ranking_has_bedroc_one_and_the_worst_zero():
    active = np.arange(500) < 25
    assert bedroc(active, -np.arange(500.0)) == pytest.approx(1.0)
    assert bedroc(active, np.arange(500.0)) == pytest.approx(0.0, abs=1e-12)


def test_bedroc_survives_an_extreme_alpha():
    active = np.arange(500) < 25
    assert 0 <= bedroc(active, -np.arange(500.0), alpha=1e7) <= 1


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_one_class_gives_nan(metric, labels):
    assert math.isnan(metric(labels, np.arange(len(labels))))


@pytest.mark.parametrize("metric", [enrichment_factor, roc_enrichment])
@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, math.nan])
def test_a_fraction_outside_the_list_is_refused(metric, fraction):
    with pytest.raises(LabelError, match="fraction is"):
        metric([0, 1], [0.1, 0.2], fraction)


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.inf, math.nan])
def test_an_alpha_that_is_not_positive_is_refused(alpha):
    with pytest.raises(LabelError, match="alpha is"):
        bedroc([0, 1], [0.1, 0.2], alpha)
