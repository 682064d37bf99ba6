"""DeepPCM: one network for all targets, which reads compound and target side by side; a rival, not a part.

Axis names: ``n`` pairs, ``d`` embedding width.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["DeepPCMNetwork", "NoiseHead"]

HIDDEN: Final = (2048, 1024)
"""Published widths of the hidden layers."""


class NoiseHead(nn.Module):
    """Puts a hidden layer that read the noised input beside the clean input.

    Source: Svensson et al. 2024, section "QSAR network": x + N(0, 0.01²) to 512 units, ReLU, dropout 0.2.
    Deviation: the published noise stays on when predicting; here it is part of training only.

    Args:
        inputs: width of the embedding.
        width: of the hidden layer.
        noise: standard deviation of the noise, in units of the standardised embedding.
        dropout: share of the hidden layer's outputs that is dropped.
    """

    def __init__(self, inputs: int, width: int = 512, noise: float = 0.01, dropout: float = 0.2) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        self.noise, self.dropout = noise, dropout

    @property
    def outputs(self) -> int:
        """Width of what comes out."""
        return self.linear.out_features + self.linear.in_features

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n _out"]:
        """Return the head's outputs, then the clean input."""
        noised = inputs + self.noise * torch.randn_like(inputs) if self.training else inputs
        hidden = functional.dropout(functional.relu(self.linear(noised)), self.dropout, self.training)
        return torch.cat([hidden, inputs], dim=-1)


class DeepPCMNetwork(nn.Module):
    """A noise head on each side, both joined, hidden layers of 2,048 and 1,024, one output.

    Source: Svensson et al. 2024, baseline DeepPCM.

    Args:
        compound_inputs: width of the compound embedding.
        target_inputs: width of the target embedding.
        hidden: widths of the hidden layers; None: `HIDDEN`.
        dropout: share of each hidden layer's outputs that is dropped in training.
    """

    def __init__(
        self,
        compound_inputs: int,
        target_inputs: int,
        hidden: tuple[int, ...] | None = None,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        self.compound_head, self.target_head = NoiseHead(compound_inputs), NoiseHead(target_inputs)
        widths = [self.compound_head.outputs + self.target_head.outputs, *(hidden or HIDDEN)]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.output = nn.Linear(widths[-1], 1)
        self.dropout = dropout

    def forward(self, compounds: Float[Tensor, "n c"], targets: Float[Tensor, "n t"]) -> Float[Tensor, " n"]:
        """Return one raw score per pair: in scaled label units, or in logits for a classifier."""
        joined = torch.cat([self.compound_head(compounds), self.target_head(targets)], dim=-1)
        for layer in self.hidden:
            joined = functional.dropout(functional.relu(layer(joined)), self.dropout, self.training)
        scores: Tensor = self.output(joined).squeeze(-1)
        return scores
