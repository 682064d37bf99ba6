"""A small model with intervals that can learn from measurements, as a file: what tests serve."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hyperpcm.checkpoint import save_model
from hyperpcm.target_model import Covariance, ResidualPrior
from small_calibrations import calibrated_model

COVARIANCE = Covariance(offset=0.3, slope=0.1, structure=0.4, profile=0.8, noise=0.05)


def save_small_model(path: Path) -> Path:
    """Write the model, and return where it is."""
    model = calibrated_model()
    profiles = np.random.default_rng(0).normal(size=(len(model.landmark_compounds), 2)).astype(np.float32)
    model.residual_prior = ResidualPrior(COVARIANCE, centre=6.0, spread=0.8, profiles=profiles)
    save_model(model, path)
    return path
