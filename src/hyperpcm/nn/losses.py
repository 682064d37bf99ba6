"""What training minimises, for exact, censored and binned labels.

Every loss takes scores and labels in scaled label units (or logits and 0/1) and the side on which a label
is censored: 0 exact, 1 the true value is above the label, −1 it is below.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Loss", "LossName"]

LossName = Literal["l1", "mse", "smooth_l1", "bce", "censored"]


class Loss(nn.Module):
    """Mean loss over the real entries of a batch.

    Args:
        name: ``l1``, ``mse``, ``smooth_l1`` and ``bce`` take a label as it stands; ``censored`` is the
            negative log-likelihood of a normal distribution with one learned standard deviation, where a
            censored label contributes the probability of the side it names and a binned one that of its bin
            (Tobin, "Estimation of Relationships for Limited Dependent Variables", Econometrica 1958).
    """

    def __init__(self, name: LossName) -> None:
        super().__init__()
        self.name = name
        self.log_deviation = nn.Parameter(torch.zeros(())) if name == "censored" else None

    def forward(
        self,
        scores: Float[Tensor, "t c"],
        labels: Float[Tensor, "t c"],
        censored: Int[Tensor, "t c"] | None = None,
        bin_width: float | Float[Tensor, "t c"] | None = None,
        weights: Float[Tensor, "t c"] | Bool[Tensor, "t c"] | None = None,
    ) -> Float[Tensor, ""]:
        """Return the weighted mean loss.

        Args:
            scores: what the model says.
            labels: exact values; the bound where censored; the bin's centre where binned.
            censored: 0, 1 or −1 per label; None: all exact.
            bin_width: width of the bins, in the labels' scaled units, of all or of each label, 0 for a point;
                None: all are points.
            weights: weight of each entry, 0 for padding.
        """
        losses: Tensor = self._each(scores, labels, censored, bin_width)
        if weights is None:
            return losses.mean()
        weights = weights.to(losses.dtype)
        return (losses * weights).sum() / weights.sum().clamp_min(1e-12)

    def _each(
        self, scores: Tensor, labels: Tensor, censored: Tensor | None, bin_width: float | Tensor | None
    ) -> Float[Tensor, "t c"]:
        if self.name == "l1":
            return (scores - labels).abs()
        if self.name == "mse":
            return (scores - labels) ** 2
        if self.name == "smooth_l1":
            return functional.smooth_l1_loss(scores, labels, reduction="none")
        if self.name == "bce":
            return functional.binary_cross_entropy_with_logits(scores, labels, reduction="none")
        return self._censored(scores, labels, censored, bin_width)

    def _censored(
        self, scores: Tensor, labels: Tensor, censored: Tensor | None, bin_width: float | Tensor | None
    ) -> Float[Tensor, "t c"]:
        assert self.log_deviation is not None
        deviation = self.log_deviation.exp()
        z = (labels - scores) / deviation
        if bin_width is None:
            exact = 0.5 * z**2 + self.log_deviation
        elif isinstance(bin_width, Tensor):
            is_bin = bin_width > 0
            half = 0.5 * torch.where(is_bin, bin_width, 1.0) / deviation
            point = 0.5 * z**2 + self.log_deviation
            exact = torch.where(is_bin, -_log_interval(z - half, z + half), point)
        else:
            half = 0.5 * bin_width / deviation
            exact = -_log_interval(z - half, z + half)
        if censored is None:
            return exact
        below, above = -torch.special.log_ndtr(z), -torch.special.log_ndtr(-z)
        likelihood: Tensor = torch.where(censored == 0, exact, torch.where(censored < 0, below, above))
        return likelihood


def _log_interval(low: Tensor, high: Tensor) -> Tensor:
    """Logarithm of the normal probability between two bounds, stable in both tails."""
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    logarithm: Tensor = log_high + torch.log1p(-torch.exp((log_low - log_high).clamp_max(-1e-6)))
    return logarithm
