"""A model with everything that a trained one has, large enough for its parts to be stored in few bytes."""

from __future__ import annotations

import numpy as np
import torch

from hyperpcm.model import HyperPCM
from hyperpcm.target_model import ResidualPrior
from hyperpcm.target_model.residual_prior import Covariance
from small_models import SMALL, made_model, many_smiles
from small_trees import some_trees

COMPOUNDS = 200
WIDE = SMALL | {"qsar": {"hidden": [64], "zero_start": False}}


def large_model(compounds: int = COMPOUNDS, settings: dict = WIDE) -> HyperPCM:
    """Random weights, a ridge regression, trees, profiles and a card."""
    model = made_model(settings, compounds=tuple(many_smiles(compounds)))
    generator = torch.Generator().manual_seed(0)
    assert model.ridge is not None
    assert model.retrieval is not None
    model.ridge.coefficients.copy_(0.01 * torch.randn(model.ridge.coefficients.shape, generator=generator))
    model.ridge.weights.fill_(0.5)
    model.ridge_share.fill_(0.3)
    model.ridge_contrast = (0.4, 0.2)
    width = model.retrieval.width + 2 + model.compound_encoder.width + model.target_scaler.mean.shape[0]
    model.trees = some_trees(width, number=120)
    model.trees_share.fill_(0.5)
    profiles = np.random.default_rng(0).normal(size=(compounds, 4)).astype(np.float32)
    model.residual_prior = ResidualPrior(Covariance(0.1, 0.1, 0.1, 0.1, 0.1), 6.0, 1.0, profiles)
    model.card |= {"data": "made", "interactions": 1, "text": "before"}
    model.origin = "0" * 64
    return model.eval()
