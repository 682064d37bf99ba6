"""The outlook: its numbers against draws, and its sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.adaptation import Outlook
from hyperpcm.adaptation.suggest_outlook import chance_above, top_threshold
from hyperpcm.datasets.interactions import Quantity

OUTLOOK = Outlook(
    batch=24, threshold=12.3, expected_top=3.25, expected_left=7.5, measured_top=2, best=13.0,
    is_measured=True, improvement=0.4, noise=0.25,
)  # fmt: skip
KIBA = Quantity("KIBA score", "")


def test_the_threshold_is_what_the_share_of_draws_exceeds():
    generator = np.random.default_rng(0)
    mean, deviation = generator.normal(size=500), generator.uniform(0, 1, 500)
    draws = mean + deviation * generator.standard_normal((4000, 500))
    found = top_threshold(mean, deviation, 0.02)
    assert (draws > found).mean() == pytest.approx(0.02, abs=5e-4)
    np.testing.assert_allclose((draws > found).mean(axis=0), chance_above(mean, deviation, found), atol=0.03)


def test_what_is_known_for_sure_lies_above_or_does_not():
    assert chance_above(np.array([1.0, 3.0]), np.zeros(2), 2.0).tolist() == [0.0, 1.0]


def test_the_sentence_has_the_numbers():
    told = OUTLOOK.sentence(KIBA)
    for part in ("12.30 KIBA score", "2 measured so far", "3.2 expected among these 24", "7.5 among"):
        assert part in told
    assert "exceed the best measured (13.00) by 0.40" in told
    assert "hardly worth" not in told
    new = dataclasses.replace(OUTLOOK, is_measured=False).sentence(KIBA)
    assert "measured so far" not in new
    assert "the highest expected (13.00)" in new


def test_little_is_left_where_neither_a_top_compound_nor_a_clear_improvement_is_expected():
    little = dataclasses.replace(OUTLOOK, expected_top=0.3, improvement=0.1)
    assert little.finds_little
    assert "Little is left to be found" in little.sentence(KIBA)
    assert little.record()["finds_little"] is True
    assert not dataclasses.replace(little, improvement=0.2).finds_little
    assert not dataclasses.replace(little, expected_top=0.6).finds_little
