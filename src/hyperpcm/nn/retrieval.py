"""What the known targets' labels say about a compound: a learned two-axis kernel over the memory.

At one level, a known interaction (target r, compound j, label y) speaks about a query (t, c) with the weight
sim(t, r)^b · tanimoto(c, j)^a. Small exponents average widely, large ones listen to near relatives only.
Levels run from wide to narrow, and each falls back on the one before it where it has little evidence:

    mean_l = (Σ w y + λ_l · mean_{l−1}) / (Σ w + λ_l),        mean_0 = 0, the mean of the training labels.

Means over compounds, over targets and kernel nearest neighbours are special cases. Exponents and λ are
fitted by leaving one target out. The sum over known targets depends on the target alone: `collapse` does it
once and leaves three numbers per level and landmark compound, which is all that a target model keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hyperpcm.nn.label_memory import LabelMemory

__all__ = ["FEATURES_PER_LEVEL", "CollapsedLabels", "LabelRetrieval", "OwnLabels"]

FEATURES_PER_LEVEL = 3  # mean, spread and evidence
_FLOOR = 1e-3  # similarities below this count as this, so that logarithms stay finite
_LITTLE = 1e-4  # evidence so small that it tells nothing


@dataclass(frozen=True)
class CollapsedLabels:
    """Everything the memory's labels say about one target, summed over the known targets.

    Attributes:
        evidence: Σ_r w(t, r) over the known targets r on which landmark compound j is measured.
        first: the same sum of w · y, with labels scaled.
        second: the same sum of w · y².
    """

    evidence: Float[Tensor, "t l j"]
    first: Float[Tensor, "t l j"]
    second: Float[Tensor, "t l j"]

    def at(self, level: int) -> Float[Tensor, "t j 3"]:
        """Return the three sums at one level."""
        return torch.stack([part[:, level] for part in (self.evidence, self.first, self.second)], dim=-1)

    def double(self) -> CollapsedLabels:
        """Return the sums in double precision."""
        return CollapsedLabels(self.evidence.double(), self.first.double(), self.second.double())

    def cpu(self) -> CollapsedLabels:
        """Return the sums in the memory of the CPU."""
        return CollapsedLabels(self.evidence.cpu(), self.first.cpu(), self.second.cpu())


@dataclass(frozen=True)
class OwnLabels:
    """What training queries must not see of the labels of their own compound.

    Attributes:
        columns: the landmark that a query's compound is; −1: none.
        rest: what remains of that landmark's three sums; None: nothing.
        relatives: landmarks whose labels are hidden besides; None: none are.
    """

    columns: Int[Tensor, "t c"]
    rest: Float[Tensor, "t c l 3"] | None
    relatives: Bool[Tensor, "t c j"] | None = None

    def mask(self, kernel: Float[Tensor, "t c j"]) -> Float[Tensor, "t c j"]:
        """Return the kernel with 0 where a landmark is the query's own compound, or a hidden relative."""
        own = self.columns[..., None] == torch.arange(kernel.shape[-1], device=kernel.device)
        if self.relatives is not None:
            own |= self.relatives
        return kernel.masked_fill(own, 0.0)


class LabelRetrieval(nn.Module):
    """Kernel regression over the memory's labels with learned exponents on both axes.

    Args:
        target_exponents: start values of b, one per level, wide to narrow; 0: all targets count alike.
        compound_exponents: start values of a, one per level.
        fallback: start value of λ, the weight of the level before.
    """

    def __init__(
        self,
        target_exponents: tuple[float, ...],
        compound_exponents: tuple[float, ...],
        fallback: float = 0.05,
    ) -> None:
        super().__init__()
        if len(target_exponents) != len(compound_exponents):
            raise ValueError(
                f"{len(target_exponents)} target exponents and {len(compound_exponents)} compound "
                f"exponents: each level needs one of both."
            )
        self.levels = len(target_exponents)
        self.target_exponent = nn.Parameter(torch.tensor(target_exponents, dtype=torch.float32))
        self.compound_exponent = nn.Parameter(torch.tensor(compound_exponents, dtype=torch.float32))
        self.log_fallback = nn.Parameter(torch.full((self.levels,), float(fallback)).log())

    @property
    def width(self) -> int:
        """Number of features that `forward` returns per compound."""
        return FEATURES_PER_LEVEL * self.levels

    def target_weights(
        self, similarity: Float[Tensor, "t m"], allowed: Bool[Tensor, "t m"] | None = None
    ) -> Float[Tensor, "t l m"]:
        """Return sim(t, r)^b at each level; 0 where a memory row must not be seen."""
        logarithm = similarity.clamp(_FLOOR, 1.0).log()
        weights = torch.exp(self.target_exponent[:, None] * logarithm[:, None, :])
        return weights if allowed is None else weights * allowed[:, None, :]

    def collapse(self, weights: Float[Tensor, "t l m"], memory: LabelMemory) -> CollapsedLabels:
        """Return the memory's labels summed over its targets.

        Args:
            weights: of the known targets, as from `target_weights`.
            memory: their labels.
        """
        sums = memory.sums(weights.flatten(0, 1))
        return CollapsedLabels(*(total.view(*weights.shape[:2], -1) for total in sums))

    def forward(
        self, collapsed: CollapsedLabels, tanimoto: Float[Tensor, "t c j"], own: OwnLabels | None = None
    ) -> Float[Tensor, "t c f"]:
        """Return what is retrieved for each compound: means of all levels, spreads, evidences.

        The mean of the narrowest level, feature ``levels − 1``, is the retrieved score in scaled label
        units. Spread is the kernel-weighted standard deviation of the labels (1 where nothing is known),
        evidence the logarithm of the total weight.

        Args:
            collapsed: the state of each target.
            tanimoto: similarity of each compound to the landmark compounds, in [0, 1].
            own: what training queries must not see.
        """
        logarithm = tanimoto.clamp(_FLOOR, 1.0).log()
        totals = []
        for level in range(self.levels):
            kernel = torch.exp(self.compound_exponent[level] * logarithm)
            total = torch.bmm(kernel if own is None else own.mask(kernel), collapsed.at(level))
            if own is not None and own.rest is not None:
                total = total + own.rest[:, :, level]  # the kernel of a compound with itself is 1
            totals.append(total)
        return self._features(totals)

    def kernel(self, level: int, tanimoto: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return the weights of landmark compounds of these similarities at one level, tanimoto^a."""
        return torch.exp(self.compound_exponent[level] * tanimoto.clamp(_FLOOR, 1.0).log())

    def for_all(
        self, collapsed: CollapsedLabels, kernels: Iterable[Float[Tensor, "c j"]]
    ) -> Float[Tensor, "t c f"]:
        """Return what `forward` returns where every target is asked about the same compounds.

        All targets are one product.

        Args:
            collapsed: the state of each target.
            kernels: of each compound and the landmark compounds at each level, as from `kernel`; one is
                asked for after the other.
        """
        totals = []
        for level, kernel in enumerate(kernels):
            sums = collapsed.at(level).permute(1, 0, 2)  # j, t, 3
            total = (kernel @ sums.flatten(1)).view(len(kernel), -1, 3)
            totals.append(total.transpose(0, 1))
        return self._features(totals)

    def _features(self, totals: Sequence[Float[Tensor, "t c 3"]]) -> Float[Tensor, "t c f"]:
        """Return the features of the three sums of each level."""
        fallback = self.log_fallback.to(totals[0].dtype).exp()
        mean = totals[0].new_zeros(totals[0].shape[:2])
        means, spreads, evidences = [], [], []
        for level, total in enumerate(totals):
            evidence, first, second = total.unbind(-1)
            mean = (first + fallback[level] * mean) / (evidence + fallback[level])
            centre = first / (evidence + _LITTLE)
            variance = (second + _LITTLE) / (evidence + _LITTLE) - centre * centre
            means.append(mean)
            spreads.append(variance.clamp_min(_LITTLE).sqrt())
            evidences.append((evidence + _LITTLE).log())
        return torch.stack([*means, *spreads, *evidences], dim=-1)

    def scores(self, features: Float[Tensor, "*n f"]) -> Float[Tensor, "*n"]:
        """Return the retrieved score among the features that `forward` gave."""
        return features[..., self.levels - 1]
