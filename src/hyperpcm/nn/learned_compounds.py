"""Compound vectors that are learned together with the hypernetwork, beside or instead of a fixed embedding.

Axis names: ``t`` targets, ``c`` compounds of each, ``n`` different compounds, ``h`` width of what is learned.
"""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from hyperpcm.nn.message_passing import MessagePassing
from hyperpcm.nn.molecular_graphs import MolecularGraphs, PlacedGraphs

__all__ = ["LearnedCompounds"]

_BLOCK: Final = 512  # compounds whose messages are held at a time when nothing is learned


class LearnedCompounds(nn.Module):
    """Message passing along the bonds; what comes out is brought to mean 0 and variance 1 in each compound.

    Args:
        width: h, of the learned vector.
        depth: rounds of messages.
        dropout: share of the learned vector that is dropped in training, drawn for each pair.
        beside: whether the generated networks read the fixed embedding too.
    """

    def __init__(self, width: int, depth: int, dropout: float = 0.0, *, beside: bool = True) -> None:
        super().__init__()
        self.dropout, self.beside = dropout, beside
        self.messages = MessagePassing(width, depth)
        self.norm = nn.LayerNorm(width)

    def inputs(self, embedding: int) -> int:
        """Width of what `joined` returns for an embedding of this width."""
        return self.messages.width + (embedding if self.beside else 0)

    def forward(
        self, embedded: Float[Tensor, "t c d"], placed: PlacedGraphs | Float[Tensor, "t c h"]
    ) -> Float[Tensor, "t c _out"]:
        """Return what the generated networks read of the compounds.

        Args:
            embedded: the fixed embedding, scaled.
            placed: the graphs of the compounds, or vectors that `vectors` has given for them.
        """
        if isinstance(placed, PlacedGraphs):
            learned: Tensor = self.norm(self.messages(placed.graphs))[placed.places]
        else:
            learned = placed
        learned = functional.dropout(learned, self.dropout, self.training)
        return torch.cat([embedded, learned], dim=-1) if self.beside else learned

    @torch.no_grad()
    def vectors(
        self, graphs: MolecularGraphs, compounds: Int64[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n h"]:
        """Return the learned vectors of compounds, to score with; each is the same whatever is beside it.

        Args:
            graphs: of compounds; of any device.
            compounds: which of them, in this order; None: all.
        """
        chosen = torch.arange(graphs.number) if compounds is None else compounds
        device = self.norm.weight.device
        found = [self.norm.weight.new_empty(0, self.messages.width)]
        for block in torch.split(chosen, _BLOCK) if len(chosen) else ():
            found.append(self.norm(self.messages(graphs.take(block).to(device))))
        return torch.cat(found)
