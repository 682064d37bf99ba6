"""Where a target lies among the known ones: principal components of its alignment similarities."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["AlignmentComponents"]


class AlignmentComponents(nn.Module):
    """Projects the similarities to the memory rows onto the main axes along which the memory varies.

    Args:
        rows: m, of the memory.
        components: k; 0 for none.
    """

    mean: Tensor
    axes: Tensor
    memory: Tensor

    def __init__(self, rows: int, components: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(rows))
        self.register_buffer("axes", torch.zeros(rows, components))
        self.register_buffer("memory", torch.zeros(rows, components))

    @torch.no_grad()
    def fit(self, similarity: Float[Tensor, "m m"]) -> None:
        """Set the axes from the memory's own similarities; each axis points to its largest entry."""
        components = self.axes.shape[1]
        mean = similarity.double().mean(0)
        axes = torch.linalg.svd(similarity.double() - mean, full_matrices=False).Vh[:components].T
        largest = axes.abs().argmax(0, keepdim=True)
        axes = axes * axes.gather(0, largest).sign()
        self.mean.copy_(mean)
        self.axes.copy_(axes)
        self.memory.copy_((similarity.double() - mean) @ axes)

    def forward(
        self, targets: Float[Tensor, "t d"], similarity: Float[Tensor, "t m"] | None
    ) -> Float[Tensor, "t k"]:
        """Return the coordinates of each target; of width 0 where there are no components.

        Args:
            targets: embeddings, for their number, device and type.
            similarity: alignment similarity to the memory rows.
        """
        if similarity is None or self.axes.shape[1] == 0:
            return targets.new_zeros(len(targets), self.axes.shape[1])
        return (similarity - self.mean) @ self.axes
