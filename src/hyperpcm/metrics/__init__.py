"""How good scores are: pure functions on arrays of labels and scores, in float64, without torch.

Every function takes the labels first. What cannot be computed is ``nan``, never a warning and never a made-up
number; what is wrong (unequal lengths, NaN or infinite values, classes other than 0 and 1) is a `LabelError`.
"""

from __future__ import annotations

from hyperpcm.metrics.classification import BestThreshold, auprc, auroc, best_mcc_threshold, mcc
from hyperpcm.metrics.enrichment import bedroc, enrichment_factor, roc_enrichment
from hyperpcm.metrics.per_target import ROC_ENRICHMENT, PerTarget, per_target
from hyperpcm.metrics.ranking import concordance_index
from hyperpcm.metrics.regression import interval_mae, mae, mse, pearson, r2, rm2, rmse, spearman
from hyperpcm.metrics.reliability import (
    Reliability,
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability_curve,
)

__all__ = [
    "ROC_ENRICHMENT",
    "BestThreshold",
    "PerTarget",
    "Reliability",
    "auprc",
    "auroc",
    "bedroc",
    "best_mcc_threshold",
    "brier_score",
    "concordance_index",
    "enrichment_factor",
    "expected_calibration_error",
    "interval_mae",
    "log_loss",
    "mae",
    "mcc",
    "mse",
    "pearson",
    "per_target",
    "r2",
    "reliability_curve",
    "rm2",
    "rmse",
    "roc_enrichment",
    "spearman",
]
