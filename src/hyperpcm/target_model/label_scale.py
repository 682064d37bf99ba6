"""How scaled scores become labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.target_model.scores import FREQUENCIES

__all__ = ["LabelScale"]


@dataclass(frozen=True)
class LabelScale:
    """How scaled scores become labels: value = centre + scale · score, or a probability.

    Attributes:
        centre: mean of the training labels.
        scale: their standard deviation.
        binary: scores are logits, and what comes out is a probability.
    """

    centre: float
    scale: float
    binary: bool = False

    def to_labels(self, scores: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return scores in label units, or probabilities."""
        return torch.sigmoid(scores) if self.binary else scores * self.scale + self.centre

    def to_scaled(self, values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return labels as the label memory holds them (classes are centred, not turned into logits)."""
        return (values - self.centre) / self.scale

    def prior(self, retrieved: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return the retrieved mean as a score: as it is, or as the logit of a class frequency."""
        if not self.binary:
            return retrieved
        return torch.logit((retrieved * self.scale + self.centre).clamp(*FREQUENCIES))
