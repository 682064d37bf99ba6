"""The context module: a query target retrieves from the known targets with a modern Hopfield update.

Source: Ramsauer et al., "Hopfield Networks is All You Need", ICLR 2021, eq. 10; Schimunek et al.,
"Context-enriched molecule representations", ICLR 2023.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ContextModule", "masked_softmax"]


def masked_softmax(
    logits: Float[Tensor, "*n m"], allowed: Bool[Tensor, "*#n m"] | None
) -> Float[Tensor, "*n m"]:
    """Return the softmax over the allowed entries; a row that allows none is all zero, not NaN."""
    if allowed is None:
        return logits.softmax(-1)
    weights = logits.masked_fill(~allowed, float("-inf")).softmax(-1)
    return torch.where(allowed, weights, torch.zeros_like(weights)).nan_to_num(0.0)


class ContextModule(nn.Module):
    """Retrieves a context vector for each query target from the memory of known targets.

    Keys and values are linear maps of the memory rows. With t queries and m ≫ t rows it is cheaper to
    bring the maps to the query's side: qᵀ(K r) = (Kᵀ q)ᵀ r, and Σ a (V r) = V (Σ a r). The results are
    the same to rounding; the memory is never projected.

    Args:
        width: d, of target embeddings.
        heads: h.
        head_width: width of queries, keys and values of one head; β = 1/√head_width follows from it.
        dropout: share of the attention weights dropped in training.
        guided: add a learned multiple of the alignment logarithm to the attention logits.
    """

    def __init__(
        self, width: int, heads: int = 8, head_width: int = 512, dropout: float = 0.5, guided: bool = False
    ) -> None:
        super().__init__()
        self.heads, self.head_width, self.dropout = heads, head_width, dropout
        inner = heads * head_width
        self.query_norm = nn.LayerNorm(width)
        self.stored_norm = nn.LayerNorm(width)
        self.projected_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, inner)
        # A bias on the keys adds the same number to every logit of a row and cancels in the softmax.
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(width, inner)
        self.output = nn.Linear(inner, width)
        self.guidance = nn.Parameter(torch.linspace(1.0, 8.0, heads)) if guided else None
        for layer in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(layer.weight)

    @property
    def beta(self) -> float:
        """Inverse temperature of the Hopfield update, derived from the head width."""
        return 1 / math.sqrt(self.head_width)

    def forward(
        self,
        query: Float[Tensor, "t d"],
        memory: Float[Tensor, "m d"],
        allowed: Bool[Tensor, "t m"] | None = None,
        log_similarity: Float[Tensor, "t m"] | None = None,
    ) -> tuple[Float[Tensor, "t d"], Float[Tensor, "t h m"]]:
        """Return the retrieved context and the attention that retrieved it.

        Args:
            query: scaled target embeddings.
            memory: scaled embeddings of the known targets, one row per distinct sequence.
            allowed: False where a query must not see a memory row (its own, in training).
            log_similarity: logarithm of the alignment similarity; used when the module is guided.
        """
        attention = self.attention(query, memory, allowed, log_similarity)
        weights = functional.dropout(attention, self.dropout, self.training)
        values = self.value.weight.view(self.heads, self.head_width, -1)
        bias = self.value.bias.view(self.heads, self.head_width)
        mixed = weights @ self.projected_norm(memory)  # [t, h, d]
        retrieved = torch.einsum("thd,hkd->thk", mixed, values) + weights.sum(-1, keepdim=True) * bias
        return self.output(retrieved.flatten(1)), attention

    def attention(
        self,
        query: Float[Tensor, "t d"],
        memory: Float[Tensor, "m d"],
        allowed: Bool[Tensor, "t m"] | None = None,
        log_similarity: Float[Tensor, "t m"] | None = None,
    ) -> Float[Tensor, "t h m"]:
        """Return each head's weights over the memory rows; they sum to 1 where any row is allowed."""
        queries = self.query(self.query_norm(query)).view(-1, self.heads, self.head_width)
        keys = self.key.weight.view(self.heads, self.head_width, -1)
        logits = self.beta * torch.einsum("thk,hkd->thd", queries, keys) @ self.stored_norm(memory).T
        if self.guidance is not None and log_similarity is not None:
            logits = logits + self.guidance[:, None] * log_similarity[:, None, :]
        return masked_softmax(logits, None if allowed is None else allowed[:, None, :])
