"""One compiled target: a small frozen QSAR model of one protein, and the scores it gives.

Public names are imported when they are first asked for, so that the scores of the NumPy form need no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.target_model.adaptation import Adaptation
    from hyperpcm.target_model.calibration import Calibration
    from hyperpcm.target_model.label_scale import LabelScale
    from hyperpcm.target_model.measurement import Measurement
    from hyperpcm.target_model.model import TargetModel
    from hyperpcm.target_model.nearest import NearestLandmark
    from hyperpcm.target_model.numpy_form import NumpyTargetModel
    from hyperpcm.target_model.prior import CompiledRidge, CompiledTrees, RetrievedPrior
    from hyperpcm.target_model.residual_prior import Covariance, ResidualPrior
    from hyperpcm.target_model.scores import Intervals, Scores

__all__ = [
    "Adaptation",
    "Calibration",
    "CompiledRidge",
    "CompiledTrees",
    "Covariance",
    "Intervals",
    "LabelScale",
    "Measurement",
    "NearestLandmark",
    "NumpyTargetModel",
    "ResidualPrior",
    "RetrievedPrior",
    "Scores",
    "TargetModel",
]

_HOMES = {
    "Adaptation": "adaptation",
    "Measurement": "measurement",
    **dict.fromkeys(("Covariance", "ResidualPrior"), "residual_prior"),
    "Calibration": "calibration",
    "LabelScale": "label_scale",
    "NumpyTargetModel": "numpy_form",
    "Intervals": "scores",
    "Scores": "scores",
    "TargetModel": "model",
    "NearestLandmark": "nearest",
    **dict.fromkeys(("CompiledRidge", "CompiledTrees", "RetrievedPrior"), "prior"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
