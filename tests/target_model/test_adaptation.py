"""The correction in closed form: how its choices are judged, and what it is written over."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import multivariate_t, norm

from hyperpcm.chem import tanimoto
from hyperpcm.target_model import Covariance, Measurement, ResidualPrior
from hyperpcm.target_model.adaptation import fit_adaptation


def test_half_a_correction_is_judged_as_it_is_used():
    """Densities of each choice are those of the scores and widths that it gives without the compound.

    The scale of all errors is not known, so that together they have a t distribution.
    """
    generator = np.random.default_rng(1)
    bits = (generator.random((24, 256)) < 0.15).astype(np.uint8)
    prior = ResidualPrior(Covariance(0.1, 0.05, 0.2, 0.0, 0.4), 6.0, 1.0, np.zeros((0, 0), np.float32))
    scores = generator.normal(6, 1, 24)
    measured = [
        Measurement(str(place), float(score + generator.standard_t(2) * 0.7))
        for place, score in enumerate(scores)
    ]
    whole = fit_adaptation(prior, measured, scores, None, bits, 2)
    for choice in ("posterior", "blend", "none"):
        middle, variance = np.zeros(24), np.zeros(24)
        for out, (one, score) in enumerate(zip(measured, scores, strict=True)):
            rest = [place for place in range(24) if place != out]
            others = fit_adaptation(
                prior, [measured[place] for place in rest], scores[rest], None, bits[rest], 2
            )
            others = dataclasses.replace(others, choice=choice)
            found = others.corrected([score], None, tanimoto(bits[out : out + 1], others.anchors))
            total = 0.1 + 0.05 * (score - 6) ** 2 + 0.2 + 0.4
            middle[out], variance[out] = found.values[0], total * found.narrowing[0] ** 2
            if choice == "posterior":
                alone = norm(middle[out], np.sqrt(variance[out])).logpdf(one.value)
                assert whole.left_out[out] == pytest.approx(alone, abs=1e-4)
        values = [one.value for one in measured]
        together = multivariate_t(middle, np.diag(variance), df=4).logpdf(values)
        assert whole.densities[choice] == pytest.approx(together / 24, abs=1e-4)


def test_some_outliers_do_not_decide_against_a_correction_that_tells_the_others():
    """An offset of 2 that thirty compounds share, and three that are 5 off."""
    generator = np.random.default_rng(2)
    bits = (generator.random((33, 256)) < 0.15).astype(np.uint8)
    prior = ResidualPrior(Covariance(0.5, 0.0, 0.0, 0.0, 0.05), 6.0, 1.0, np.zeros((0, 0), np.float32))
    residuals = 2 + generator.normal(0, 0.1, 33)
    residuals[:3] -= 7
    measured = [Measurement(str(place), 6 + float(one)) for place, one in enumerate(residuals)]
    found = fit_adaptation(prior, measured, np.full(33, 6.0), None, bits, 2)
    assert found.choice == "posterior"


def test_caution_is_a_larger_noise_of_what_is_measured_and_of_nothing_else():
    generator = np.random.default_rng(4)
    bits = (generator.random((9, 256)) < 0.15).astype(np.uint8)
    covariance = Covariance(0.1, 0.05, 0.2, 0.0, 0.4)
    prior = ResidualPrior(covariance, 6.0, 1.0, np.zeros((0, 0), np.float32), caution=3.0)
    noisy = dataclasses.replace(prior, covariance=dataclasses.replace(covariance, noise=1.2), caution=1.0)
    scores = generator.normal(6, 1, 9)
    measured = [
        Measurement(str(place), float(score + generator.normal())) for place, score in enumerate(scores[:8])
    ]
    found, other = (fit_adaptation(one, measured, scores[:8], None, bits[:8], 2) for one in (prior, noisy))
    np.testing.assert_allclose(found.weights.mean, other.weights.mean)
    np.testing.assert_allclose(found.expected, other.expected)
    near = tanimoto(bits[8:], found.anchors)
    found, other = (
        dataclasses.replace(one, choice="posterior").corrected(scores[8:], None, near)
        for one in (found, other)
    )
    np.testing.assert_allclose(found.values, other.values)
    prior_variance = 0.1 + 0.05 * (scores[8] - 6) ** 2 + 0.2
    left = other.narrowing**2 * (prior_variance + 1.2) - 1.2
    np.testing.assert_allclose(found.narrowing**2, (left + 0.4) / (prior_variance + 0.4))


def test_anchors_are_different_compounds_however_small_the_part_by_structure():
    generator = np.random.default_rng(3)
    bits = (generator.random((40, 128)) < 0.1).astype(np.uint8)
    bits[7] = 0
    for structure in (1.0, 1e-8):
        prior = ResidualPrior(
            Covariance(0.1, 0.0, structure, 0.0, 0.1), 6.0, 1.0, np.zeros((0, 0), np.float32)
        )
        measured = [Measurement(str(place), 6.0) for place in range(40)]
        found = fit_adaptation(prior, measured, np.full(40, 6.0), None, bits, 2, most_anchors=20)
        assert len(np.unique(found.anchors, axis=0)) == 20
