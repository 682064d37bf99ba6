"""Standardisation whose mean and scale are buffers, so that a checkpoint holds them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Standardiser"]


class Standardiser(nn.Module):
    """Maps each column to zero mean and unit variance, as fitted on the training side.

    Args:
        width: number of columns; 1 for labels.
        clip: bound on the absolute standardised value, so that one odd input cannot run away; None: no bound.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, clip: float | None = None) -> None:
        super().__init__()
        self.clip = clip
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    @torch.no_grad()
    def fit(self, values: Float[Tensor, "n d"], *, centre: bool = True) -> None:
        """Set mean and scale from the training rows; a constant column keeps scale 1."""
        deviation = values.double().std(0, correction=0)
        self.scale.copy_(torch.where(deviation > 1e-8, deviation, torch.ones_like(deviation)))
        self.mean.copy_(values.double().mean(0) if centre else torch.zeros_like(deviation))

    def forward(self, values: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """Return the standardised values."""
        scaled = (values - self.mean) / self.scale
        return scaled if self.clip is None else scaled.clamp(-self.clip, self.clip)

    def inverse(self, scaled: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """Return values in original units (clipping is not undone)."""
        return scaled * self.scale + self.mean
