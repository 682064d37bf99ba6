"""What is known of compounds: equal to the Gaussian process written out in full."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.adaptation.suggest_compounds import HeldCompounds
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.target_model import Measurement
from small_adaptable import COVARIANCE, adaptable_target, prior_covariance, true_values
from small_models import many_smiles

COMPOUNDS = many_smiles(60)


@pytest.fixture(scope="module")
def target():
    return adaptable_target()


@pytest.fixture(scope="module")
def block(target):
    return HeldCompounds.of(target, COMPOUNDS).taken(np.arange(len(COMPOUNDS)))


def measured(block, places):
    """Measurements of some compounds, as the prior expects them."""
    values = true_values(adaptable_target(), block.smiles, block.scores)
    return [Measurement(block.smiles[place], float(values[place])) for place in places]


def test_before_measurements_all_is_as_the_prior_says(target, block):
    posterior = TargetPosterior(target)
    mean, covariance = posterior.joint(block)
    np.testing.assert_array_equal(mean, block.scores)
    np.testing.assert_allclose(
        covariance, prior_covariance(target, block.smiles, block.scores), rtol=1e-5, atol=1e-6
    )


def test_after_measurements_it_is_the_posterior_of_the_gaussian_process(target, block):
    places = np.arange(0, 60, 4)
    told = measured(block, places)
    adapted = target.adapt(told)
    assert adapted.adaptation.choice == "posterior"
    mean, covariance = TargetPosterior(adapted).joint(block)
    prior = prior_covariance(target, block.smiles, block.scores)
    noisy = prior[np.ix_(places, places)] + COVARIANCE.noise * np.eye(len(places))
    gain = np.linalg.solve(noisy, prior[places]).T
    residuals = np.array([one.value for one in told]) - block.scores[places]
    np.testing.assert_allclose(mean, block.scores + gain @ residuals, atol=2e-4)
    np.testing.assert_allclose(covariance, prior - gain @ prior[places], atol=2e-4)


def test_means_are_the_scores_of_the_adapted_target_and_deviations_those_of_the_joint(target, block):
    adapted = target.adapt(measured(block, np.arange(10)))
    posterior = TargetPosterior(adapted)
    mean, deviation = posterior.marginal(block)
    np.testing.assert_allclose(mean, adapted.score(block.smiles).values, atol=2e-5)
    joint_mean, covariance = posterior.joint(block)
    np.testing.assert_allclose(joint_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(covariance.diagonal()), deviation, rtol=1e-9)
    _, before = TargetPosterior(target).marginal(block)
    assert (deviation <= before + 1e-9).all()


def test_where_measurements_speak_against_the_posterior_what_is_known_is_the_prior(target, block):
    adapted = target.adapt(measured(block, np.arange(10)))
    refused = dataclasses.replace(adapted, adaptation=dataclasses.replace(adapted.adaptation, choice="none"))
    mean, covariance = TargetPosterior(refused).joint(block)
    np.testing.assert_allclose(mean, block.scores, rtol=1e-6)
    np.testing.assert_allclose(
        covariance, prior_covariance(target, block.smiles, block.scores), rtol=1e-5, atol=1e-6
    )


def test_half_of_the_posterior_is_a_mixture_whatever_root_the_posterior_has(target, block):
    adapted = target.adapt(measured(block, np.arange(10)))
    adaptation, weights = adapted.adaptation, adapted.adaptation.weights
    half = dataclasses.replace(adaptation, choice="blend")
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=weights.root.shape))[0]
    turned = dataclasses.replace(half, weights=dataclasses.replace(weights, root=weights.root @ turn))
    found = [
        TargetPosterior(dataclasses.replace(adapted, adaptation=one)).joint(block) for one in (half, turned)
    ]
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-6)
    (mean, covariance), (after, narrow) = found[0], TargetPosterior(adapted).joint(block)
    prior = prior_covariance(target, block.smiles, block.scores)
    moved = after - block.scores
    np.testing.assert_allclose(mean, block.scores + moved / 2, atol=1e-6)
    np.testing.assert_allclose(covariance, (prior + narrow) / 2 + np.outer(moved, moved) / 4, atol=1e-5)
    blended = dataclasses.replace(adapted, adaptation=half)
    np.testing.assert_allclose(mean, blended.score(block.smiles).values, atol=2e-5)


def test_noise_is_that_of_the_prior_at_each_score(target, block):
    prior = dataclasses.replace(
        target.residual_prior, knots=np.array([5.0, 7.0]), scales=np.array([0.25, 1.75]), powers=(1.0, 1.0)
    )
    found = TargetPosterior(dataclasses.replace(target, residual_prior=prior)).noise(block)
    np.testing.assert_allclose(found, prior.noise(block.scores))
    assert found.max() > 1.5 * found.min()


def test_blocks_of_any_size_give_the_same(target, block, monkeypatch):
    adapted = target.adapt(measured(block, np.arange(10)))
    whole = TargetPosterior(adapted).marginal(block)
    monkeypatch.setattr("hyperpcm.adaptation.suggest_posterior._NUMBERS", 1)
    monkeypatch.setattr("hyperpcm.adaptation.suggest_posterior._LEAST_ROWS", 7)
    for one, other in zip(TargetPosterior(adapted).marginal(block), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_target_without_a_prior_of_its_residuals_has_no_deviations(target, block):
    posterior = TargetPosterior(dataclasses.replace(target, residual_prior=None))
    assert not posterior.has_deviations
    assert TargetPosterior(target).has_deviations
    mean, deviation = posterior.marginal(block)
    np.testing.assert_array_equal(mean, block.scores)
    assert not deviation.any()
