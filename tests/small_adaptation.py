"""A prior of residuals for small models, and measurements, shared by tests."""

from __future__ import annotations

import numpy as np

from hyperpcm.model import HyperPCM
from hyperpcm.target_model import Covariance, Measurement, ResidualPrior
from small_models import SMILES, made_model

COVARIANCE = Covariance(offset=0.1, slope=0.02, structure=0.3, profile=0.5, noise=0.05)


def adaptable_model(
    covariance: Covariance = COVARIANCE,
    factors: int = 3,
    powers: tuple[float, float] = (0.5, 1.0),
    **options: object,
) -> HyperPCM:
    """A small model that knows how residuals of a target go together."""
    model = made_model(**options)
    size = (len(model.landmark_compounds), factors)
    profiles = np.random.default_rng(5).normal(0, 0.5, size).astype(np.float32)
    model.residual_prior = ResidualPrior(
        covariance,
        centre=6.5,
        spread=0.8,
        profiles=profiles,
        knots=np.array([5.0, 6.5, 8.0]),
        scales=np.array([0.75, 1.0, 1.25]),
        powers=powers,
        learned={"targets": 9},
    )
    return model


def measured_values(
    values: list[float], relation: int = 0, source: str = "assay.csv", first: int = 0
) -> list[Measurement]:
    """Measurements of the first known compounds."""
    return [
        Measurement(smiles, value, relation, source)
        for smiles, value in zip(SMILES[first:], values, strict=False)
    ]
