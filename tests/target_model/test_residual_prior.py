"""What is known of errors beforehand, carried over to other landmarks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.chem import tanimoto
from hyperpcm.target_model import residual_prior
from hyperpcm.target_model.residual_prior import Covariance, ResidualPrior, read_profiles, smoothed_profiles

COVARIANCE = Covariance(0.1, 0.1, 0.2, 0.5, 0.3)


def made(landmarks: int = 6, factors: int = 2) -> tuple[ResidualPrior, np.ndarray]:
    generator = np.random.default_rng(4)
    bits = (generator.random((landmarks, 64)) < 0.3).astype(np.uint8)
    profiles = generator.normal(size=(landmarks, factors)).astype(np.float32)
    return ResidualPrior(COVARIANCE, 6.0, 1.0, profiles, 2.0), bits


def test_landmarks_that_were_there_keep_their_profiles_and_new_ones_read_theirs():
    prior, known = made()
    like = known[[2, 2]].copy()
    like[0, np.flatnonzero(like[0])[0]] = 0  # one bit less than a known one
    unlike = np.zeros((1, 64), dtype=np.uint8)
    found = prior.over(np.array([3, -1, 0, -1, -1]), np.concatenate([like, unlike]), known)
    assert np.array_equal(found.profiles[[0, 2]], prior.profiles[[3, 0]])
    new = smoothed_profiles(tanimoto(np.concatenate([like, unlike]), known), prior.profiles)
    np.testing.assert_allclose(found.profiles[[1, 3, 4]], new, atol=1e-6)
    assert not found.profiles[4].any()
    assert np.abs(found.profiles[3] - prior.profiles[2]).max() < 0.3 * np.abs(prior.profiles[2]).max()
    assert found.covariance == prior.covariance


def test_without_factors_there_is_nothing_to_read():
    prior, known = made(factors=0)
    assert prior.over(np.array([-1, 1]), known[:1], known).profiles.shape == (2, 0)


def test_profiles_of_many_compounds_are_read_some_at_a_time(monkeypatch: pytest.MonkeyPatch):
    prior, known = made()
    whole = read_profiles(known, known, prior.profiles)
    monkeypatch.setattr(residual_prior, "_SIMILARITIES", 13)
    np.testing.assert_allclose(read_profiles(known, known, prior.profiles), whole, atol=1e-7)


def test_a_model_from_before_there_was_caution_takes_measurements_as_it_did():
    prior, _ = made()
    tensors, header = dataclasses.replace(prior, exponent=1.0, caution=3.0).state()
    again = ResidualPrior.from_state(tensors, header)
    assert (again.exponent, again.caution) == (1.0, 3.0)
    del header["caution"]
    assert ResidualPrior.from_state(tensors, header).caution == 1.0
