"""One compiled target: a small frozen QSAR model of one protein, and the scores it gives."""

from hyperpcm.target_model.label_scale import LabelScale
from hyperpcm.target_model.model import Scores, TargetModel
from hyperpcm.target_model.prior import CompiledRidge, CompiledTrees, RetrievedPrior

__all__ = ["CompiledRidge", "CompiledTrees", "LabelScale", "RetrievedPrior", "Scores", "TargetModel"]
