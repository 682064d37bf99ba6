"""The learned part of a model: context module and hypernetwork."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn

from hyperpcm.config import ModelConfig
from hyperpcm.nn.context import ContextModule
from hyperpcm.nn.hypernetwork import Hypernetwork, QsarShape
from hyperpcm.nn.qsar import QsarNetwork

__all__ = ["Member"]


class Member(nn.Module):
    """Context module and hypernetwork: the learned part, of which a model averages one or several."""

    def __init__(self, config: ModelConfig, target_width: int, qsar_inputs: int) -> None:
        super().__init__()
        context, hypernetwork, qsar = config.context, config.hypernetwork, config.qsar
        self.skip = context.skip
        self.context = (
            ContextModule(
                target_width, context.heads, context.head_width, context.dropout, guided=context.guided
            )
            if context.enabled
            else None
        )
        self.hypernetwork = Hypernetwork(
            target_width,
            QsarShape(qsar_inputs, qsar.hidden, qsar.noise_head, qsar.activation),
            trunk=hypernetwork.trunk,
            activation=hypernetwork.activation,
            dropout=hypernetwork.dropout,
            parts=hypernetwork.parts,
            rank=hypernetwork.rank,
            shared=hypernetwork.shared,
            rule=hypernetwork.initialisation,
            delta_scale=hypernetwork.delta_scale,
            zero_output=qsar.zero_start,
        )

    def forward(
        self,
        targets: Float[Tensor, "t d"],
        memory: Float[Tensor, "m d"],
        allowed: Bool[Tensor, "t m"] | None,
        log_similarity: Float[Tensor, "t m"] | None,
    ) -> QsarNetwork:
        """Return the QSAR network of each target (scaled embeddings in)."""
        network: QsarNetwork = self.hypernetwork(self.represented(targets, memory, allowed, log_similarity))
        return network

    def represented(
        self,
        targets: Float[Tensor, "t d"],
        memory: Float[Tensor, "m d"],
        allowed: Bool[Tensor, "t m"] | None,
        log_similarity: Float[Tensor, "t m"] | None,
    ) -> Float[Tensor, "t d"]:
        """Return what the hypernetwork reads of each target (scaled embeddings in)."""
        if self.context is None:
            return targets
        retrieved, _ = self.context(targets, memory, allowed, log_similarity)
        represented: Tensor = targets + retrieved if self.skip else retrieved
        return represented
