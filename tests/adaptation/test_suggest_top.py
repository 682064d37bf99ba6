"""What is among the best: against joint draws of all values, written out in full."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hyperpcm.adaptation import HeldCompounds
from hyperpcm.adaptation.suggest_posterior import LinearValues, TargetPosterior
from hyperpcm.adaptation.suggest_top import TopDraws
from hyperpcm.target_model import Covariance
from small_adaptable import COVARIANCE, adaptable_target
from small_models import many_smiles

COMPOUNDS = many_smiles(300)
SHIFTED = Covariance(offset=1.0, slope=0.05, structure=0.1, profile=0.0, noise=0.05)


def made(compounds=500, seed=0):
    generator = np.random.default_rng(seed)
    return LinearValues(
        generator.normal(size=compounds),
        generator.normal(size=(compounds, 3)),
        generator.uniform(0, 1, compounds),
    )


def added(values, known=(), *, share=0.02, cuts=()):
    """The draws of a library that comes in blocks."""
    top = TopDraws(len(values.mean), [0], share)
    edges = [0, *cuts, len(values.mean)]
    for start, end in itertools.pairwise(edges):
        top.add(
            LinearValues(values.mean[start:end], values.columns[start:end], values.rest[start:end]),
            dict(known),
        )
    return top


def joint_chances(mean, covariance, number, draws=20_000):
    """How often each compound is among so many best, and the mean value between them and the others."""
    values, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(1).standard_normal((draws, len(mean)))
    drawn = mean + normal @ (vectors * np.sqrt(np.maximum(values, 0))).T
    order = np.argsort(-drawn, axis=1)
    ranked = np.take_along_axis(drawn, order, axis=1)
    chances = np.bincount(order[:, :number].ravel(), minlength=len(mean)) / draws
    return chances, ranked[:, number - 1 : number + 1].mean()


def test_chances_and_threshold_are_those_of_joint_draws():
    values = made()
    covariance = values.columns @ values.columns.T + np.diag(values.rest)
    chances, threshold = joint_chances(values.mean, covariance, 10)
    top = added(values)
    assert top.number == 10
    np.testing.assert_allclose(top.chances(), chances, atol=0.04)
    assert top.threshold == pytest.approx(threshold, abs=0.1)
    assert top.chances().sum() == pytest.approx(10)


@pytest.mark.parametrize("covariance", [COVARIANCE, SHIFTED])
def test_what_shifts_all_compounds_alike_does_not_make_the_best_unsure(covariance):
    target = adaptable_target(covariance=covariance)
    posterior, pool = TargetPosterior(target), HeldCompounds.of(target, COMPOUNDS)
    top = TopDraws(len(pool), [0])
    for block in pool.blocks():
        for one in posterior.linear(block):
            top.add(one, {})
    mean, joint = posterior.joint(pool.taken(np.arange(len(pool))))
    chances, _ = joint_chances(mean, joint, 3)
    best = np.argsort(-mean)[:8]
    np.testing.assert_allclose(top.chances()[best], chances[best], atol=0.12)
    assert top.chances()[best].sum() == pytest.approx(chances[best].sum(), abs=0.3)


def test_how_the_library_is_cut_plays_no_part():
    values, known = made(), {7: 9.0, 450: 8.0}
    whole, cut = added(values, known), added(values, known, cuts=(1, 8, 300))
    np.testing.assert_array_equal(whole.chances(), cut.chances())
    assert whole.threshold == pytest.approx(cut.threshold)


def test_what_is_known_for_sure_is_above_or_is_not():
    nothing = np.zeros(4)
    top = added(LinearValues(np.array([1.0, 3.0, 2.0, 0.0]), np.zeros((4, 0)), nothing), {3: 5.0}, share=0.5)
    assert top.chances().tolist() == [0.0, 1.0, 0.0, 1.0]
    assert top.threshold == pytest.approx(2.5)


def test_a_library_has_one_best_compound_at_least():
    top = added(LinearValues(np.array([1.0]), np.zeros((1, 0)), np.zeros(1)))
    assert (top.chances().tolist(), top.threshold) == ([1.0], 1.0)
