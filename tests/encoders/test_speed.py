"""Speed is measured on samples that every encoder can read."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.chem import standardise_all
from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.speed import items_per_second, sample_items
from hyperpcm.protein import validate_sequence


def test_the_samples_are_what_users_have_and_always_the_same():
    compounds, rejections = standardise_all(sample_items("compound"))
    assert not rejections
    assert len({one.smiles for one in compounds}) == 8
    proteins = sample_items("target")
    assert [len(validate_sequence(one).sequence) for one in proteins] == [120, 250, 350, 500, 700, 1200]
    assert proteins == sample_items("target")


def test_every_pass_but_the_first_counts(monkeypatch):
    clock = iter([0.0, 0.1, 0.2, 0.3, 0.4])
    monkeypatch.setattr("hyperpcm.encoders.speed.time.perf_counter", lambda: next(clock))
    calls = []

    class Counted:
        def encode(self, items):
            calls.append(len(items))
            return np.zeros((len(items), 1))

    assert items_per_second(Counted(), ["C"] * 5, seconds=0.25) == pytest.approx(3 * 5 / 0.4)
    assert calls == [5] * 4


def test_a_real_encoder_has_a_speed():
    encoder: Encoder = compound_encoder("maccs")
    assert items_per_second(encoder, sample_items("compound"), seconds=0.0) > 1
