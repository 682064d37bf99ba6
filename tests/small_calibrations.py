"""Small models that were calibrated by hand, shared by tests of intervals."""

from __future__ import annotations

import numpy as np

from hyperpcm.nn.trees import BoostedTrees, Tree
from hyperpcm.target_model import Calibration
from hyperpcm.target_model.calibration import GRID, NEAREST_TARGETS
from small_models import SMALL, made_model

PROBABILITIES = {
    "rows": 500,
    "targets": 30,
    "unseen": "target",
    "share": 0.7,
    "log_loss": {"before": 0.4, "after": 0.3},
    "ece": {"before": 0.05, "after": 0.02, "bins": 10},
}
"""What the card of a model says that its probabilities rest on."""


def stump(column: int, at: float, low: float, high: float) -> Tree:
    """``low`` where the column is not above ``at``, else ``high``."""
    return Tree(
        np.array([column, -1, -1], np.int32),
        np.array([at, low, high], np.float32),
        np.array([1, 1, 2], np.int32),
        np.array([2, 1, 2], np.int32),
    )


def calibration(features: int, groups: int = 2, **changed) -> Calibration:
    """Harder far from known compounds (column ``features``), and far from known targets (the one after)."""
    trees = BoostedTrees.of([stump(features, 0.5, 0.8, 0.3), stump(features + 1, 0.6, 0.4, 0.1)])
    quantiles = np.linspace(0.1, 5, GRID, dtype=np.float32) * np.arange(1, groups + 1)[:, None]
    made = {
        "trees": trees,
        "columns": features + 1 + NEAREST_TARGETS,
        "least": 0.2,
        "bounds": np.array([0.9], dtype=np.float32)[: groups - 1],
        "quantiles": quantiles.astype(np.float32),
        "edges": (0.5, 1.0),
        "reach": (0.0, 0.0),
        "hardest": 2.0,
        "held_out": {"rows": 500, "targets": 30, "unseen": "target", "rmse": 1.0},
    }
    return Calibration(**(made | changed))


def calibrated_model(settings=SMALL, **changed):
    model = made_model(settings)
    features = 0 if model.retrieval is None else model.retrieval.width
    model.calibration = calibration(features, **changed)
    return model
