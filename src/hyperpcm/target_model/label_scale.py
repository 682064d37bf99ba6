"""How scaled scores become labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.target_model.scores import FREQUENCIES

__all__ = ["LabelScale", "logits_of", "probabilities_of"]

_NEARLY: Final = 1e-6  # least distance of a probability from 0 and 1 before it becomes a logit


@dataclass(frozen=True)
class LabelScale:
    """How scaled scores become labels: value = centre + scale · score, or a probability.

    Attributes:
        centre: mean of the training labels.
        scale: their standard deviation.
        binary: scores are logits, and what comes out is a probability.
        slope: of the calibrated logit over the logit, above 0; 1 where probabilities were not calibrated.
        intercept: of the calibrated logit; 0 likewise.
    """

    centre: float
    scale: float
    binary: bool = False
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def unit(self) -> float:
        """By how much a label, or the logit of a probability, grows with the score."""
        return self.slope if self.binary else self.scale

    def to_labels(self, scores: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return scores in label units, or probabilities."""
        if self.binary:
            return torch.sigmoid(scores * self.slope + self.intercept)
        return scores * self.scale + self.centre

    def to_scaled(self, values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return labels as the label memory holds them (classes are centred, not turned into logits)."""
        return (values - self.centre) / self.scale

    def prior(self, retrieved: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return the retrieved mean as a score: as it is, or as the logit of a class frequency."""
        if not self.binary:
            return retrieved
        return torch.logit((retrieved * self.scale + self.centre).clamp(*FREQUENCIES))

    def uncalibrated(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what probabilities were before they were calibrated, to rounding."""
        return probabilities_of((logits_of(probabilities) - self.intercept) / self.slope)


def logits_of(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the logits of probabilities; 0 and 1 count as almost so."""
    inside = np.clip(np.asarray(probabilities, dtype=np.float64), _NEARLY, 1 - _NEARLY)
    return np.asarray(np.log(inside / (1 - inside)))


def probabilities_of(logits: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the probabilities of logits."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits))), dtype=np.float32)
