"""What calibrated probabilities are worth, measured on rows that neither training nor calibration saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm import metrics
from hyperpcm.metrics.reliability import BINS
from hyperpcm.target_model.label_scale import LabelScale
from hyperpcm.trust.measured import thirds

__all__ = ["ReliabilityMeasured", "measured_reliability", "summarised_reliability"]

_MEANS = ("ece", "ece_uncalibrated", "brier", "brier_uncalibrated", "log_loss", "log_loss_uncalibrated")


@dataclass(frozen=True)
class ReliabilityMeasured:
    """What the probabilities of one model are worth on one test side.

    Attributes:
        rows: of the test side.
        targets: of the test side.
        active: share of the rows that are active.
        slope: of the calibrated logit over the logit.
        intercept: of the calibrated logit.
        bins: of the calibration errors.
        ece: expected calibration error over that many bins of equal numbers of rows.
        ece_uncalibrated: of the probabilities before calibration.
        brier: mean squared difference of label and probability.
        brier_uncalibrated: likewise, before.
        log_loss: mean negative logarithm of the probability of what was measured.
        log_loss_uncalibrated: likewise, before.
        auroc: of the test side, which calibration leaves as it is.
        by_third: ``active``, ``probability`` (mean), ``ece``, ``ece_uncalibrated`` and ``log_loss`` of each
            third of the targets, from those far from every known target to those near one.
    """

    rows: int
    targets: int
    active: float
    slope: float
    intercept: float
    bins: int
    ece: float
    ece_uncalibrated: float
    brier: float
    brier_uncalibrated: float
    log_loss: float
    log_loss_uncalibrated: float
    auroc: float
    by_third: list[dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dataclasses.asdict(self)


def measured_reliability(
    labels: npt.NDArray[np.float32],
    probabilities: npt.NDArray[np.float32],
    scale: LabelScale,
    target: npt.NDArray[np.int64],
    nearest_target: npt.NDArray[np.float32],
) -> ReliabilityMeasured:
    """Return what the probabilities of a model are worth.

    Args:
        labels: 0 and 1 [n], of rows that were neither learned from nor calibrated on.
        probabilities: of those rows, calibrated [n].
        scale: of the model that gave them.
        target: of each row [n].
        nearest_target: similarity of the nearest known target of each row [n].
    """
    active, before = labels > 0.5, scale.uncalibrated(probabilities)
    third = thirds(target, nearest_target)
    return ReliabilityMeasured(
        rows=len(active),
        targets=len(np.unique(target)),
        active=float(active.mean()),
        slope=scale.slope,
        intercept=scale.intercept,
        bins=BINS,
        ece=metrics.expected_calibration_error(active, probabilities),
        ece_uncalibrated=metrics.expected_calibration_error(active, before),
        brier=metrics.brier_score(active, probabilities),
        brier_uncalibrated=metrics.brier_score(active, before),
        log_loss=metrics.log_loss(active, probabilities),
        log_loss_uncalibrated=metrics.log_loss(active, before),
        auroc=metrics.auroc(active, probabilities),
        by_third=[
            {
                "active": float(active[own].mean()),
                "probability": float(probabilities[own].mean()),
                "ece": metrics.expected_calibration_error(active[own], probabilities[own]),
                "ece_uncalibrated": metrics.expected_calibration_error(active[own], before[own]),
                "log_loss": metrics.log_loss(active[own], probabilities[own]),
            }
            for own in (third == one for one in np.unique(third))
        ],
    )


def summarised_reliability(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means of several parts (JSON values).

    Args:
        parts: as from `ReliabilityMeasured.as_dict`, one of each fold or seed.

    Returns:
        ``ece``, ``brier`` and ``log_loss``, each also ``_uncalibrated``, ``bins``, and ``ece_by_third``.
    """
    places = range(max(len(part["by_third"]) for part in parts))
    return {
        **{name: float(np.mean([part[name] for part in parts])) for name in _MEANS},
        "bins": BINS,
        "ece_by_third": [
            float(np.mean([part["by_third"][one]["ece"] for part in parts if one < len(part["by_third"])]))
            for one in places
        ],
    }
