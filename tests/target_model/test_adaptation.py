"""The correction in closed form: how its choices are judged, and what it is written over."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from hyperpcm.chem import tanimoto
from hyperpcm.target_model import Covariance, Measurement, ResidualPrior
from hyperpcm.target_model.adaptation import fit_adaptation


def test_half_a_correction_is_judged_as_it_is_used():
    """Log densities of each choice are those of the scores and widths that it gives without the compound."""
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
        densities = []
        for out, (one, score) in enumerate(zip(measured, scores, strict=True)):
            rest = [place for place in range(24) if place != out]
            others = fit_adaptation(
                prior, [measured[place] for place in rest], scores[rest], None, bits[rest], 2
            )
            others = dataclasses.replace(others, choice=choice)
            found = others.corrected([score], None, tanimoto(bits[out : out + 1], others.anchors))
            total = 0.1 + 0.05 * (score - 6) ** 2 + 0.2 + 0.4
            deviation = float(np.sqrt(total) * found.narrowing[0])
            densities.append(norm(found.values[0], deviation).logpdf(one.value))
        assert whole.densities[choice] == pytest.approx(np.mean(densities), abs=1e-4)


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
