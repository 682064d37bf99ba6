"""Adapters: what learns from a few compounds measured on a target, all behind one call.

Each is an `hyperpcm.datasets.few_shot.Adapter` that starts from the scores of a trained model. `Posterior` is
the product's own; the others are its rivals.
"""

from __future__ import annotations

from hyperpcm.adaptation.fine_tuning import FineTuning, tunable_embedding, tunable_weights
from hyperpcm.adaptation.kernels import HeadRegression, ResidualRidge
from hyperpcm.adaptation.posterior import Posterior
from hyperpcm.adaptation.views import TargetView, TargetViews

__all__ = [
    "FineTuning",
    "HeadRegression",
    "Posterior",
    "ResidualRidge",
    "TargetView",
    "TargetViews",
    "tunable_embedding",
    "tunable_weights",
]
