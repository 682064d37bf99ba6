"""Errors on compounds that were not learned from, against the number of those that were."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.adaptation import learning_curve
from hyperpcm.target_model import Measurement
from small_adaptable import COMPOUNDS, true_values


@pytest.fixture(scope="module")
def measured(target) -> list[Measurement]:
    scores = target.score(COMPOUNDS[:40]).values
    values = true_values(target, COMPOUNDS[:40], scores)
    return [Measurement(one, float(value)) for one, value in zip(COMPOUNDS, values, strict=False)]


def test_the_curve_is_that_of_adapting_to_each_draw(target, measured):
    points = learning_curve(target.adapt(measured), draws=3, seed=5)
    assert [one.compounds for one in points] == [0, 1, 2, 4, 8, 16, 32]
    before = target.score([one.smiles for one in measured]).values
    values = np.array([one.value for one in measured])
    assert points[0].rmse == pytest.approx(np.sqrt(np.square(values - before).mean()), rel=1e-5)
    generator = np.random.default_rng(5)
    for point in points[1:]:
        squares = []
        for _ in range(3):
            drawn = generator.permutation(len(measured))[: point.compounds]
            others = np.setdiff1d(np.arange(len(measured)), drawn)
            learned = target.adapt([measured[place] for place in drawn])
            scores = learned.score([measured[place].smiles for place in others]).values
            squares.append(np.square(values[others] - scores).mean())
        assert point.rmse == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-3)
        assert point.low <= point.rmse <= point.high + 1e-9
        assert point.draws == 3


def test_repeats_are_one_compound_and_bounds_are_left_out(target, measured):
    twice = [*measured[:6], *measured[:6], Measurement(measured[7].smiles, 5.0, 1)]
    points = learning_curve(target.adapt(twice))
    assert [one.compounds for one in points] == [0, 1, 2]


def test_too_few_compounds_have_no_curve(target, measured):
    assert learning_curve(target) == ()
    assert learning_curve(target.adapt(measured[:3])) == ()
    assert learning_curve(dataclasses.replace(target, residual_prior=None)) == ()
