"""With what weight each known target enters a score: its labels in what is retrieved, the attention on it.

What the label retrieval says is a weighted mean of the memory's labels and of the mean of all of them. With
levels from wide to narrow, evidence E_l and fallback λ_l, a label of target r on landmark j has the weight

    Σ_l ω_l · sim(t, r)^b_l · tanimoto(c, j)^a_l / (E_l + λ_l),

where ω_L = 1 for the narrowest level and ω_{l−1} = ω_l · λ_l / (E_l + λ_l). What is left, ω_0, is the weight
of the mean of the training labels. Nothing here is estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import collapse_labels
from hyperpcm.nn.kernel_ridge import TwoAxisRidge, similarity_power

__all__ = ["RetrievalWeights", "attention_on_targets", "retrieval_weights"]


@dataclass(frozen=True, eq=False)
class RetrievalWeights:
    """How the labels of each known target enter what is retrieved for some compounds.

    Attributes:
        labels: weight of all labels of a target together, float64 [n, m]; with ``of_mean`` they sum to 1 for
            each compound. None where the model retrieves no labels, and so for what follows.
        sums: of its labels, each times its weight, in scaled label units, float64 [n, m]; they sum to the
            retrieved mean.
        of_mean: weight of the mean of all training labels, which stands for what the memory does not know,
            float64 [n].
        ridge: what each target adds to the ridge score, in scaled label units, float64 [n, m]; they sum to
            that score. None where it was not asked for.
    """

    labels: npt.NDArray[np.float64] | None
    sums: npt.NDArray[np.float64] | None
    of_mean: npt.NDArray[np.float64] | None
    ridge: npt.NDArray[np.float64] | None

    def of(self, place: int) -> RetrievalWeights:
        """Return those for one of the compounds (n = 1)."""
        return self._each(lambda values: values[place : place + 1])

    def mean(self) -> RetrievalWeights:
        """Return their means over the compounds (n = 1)."""
        return self._each(lambda values: np.asarray(values.mean(0, keepdims=True)))

    def _each(self, take: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> RetrievalWeights:
        parts = (self.labels, self.sums, self.of_mean, self.ridge)
        return RetrievalWeights(*(None if part is None else take(part) for part in parts))


@torch.no_grad()
def retrieval_weights(
    model: HyperPCM, similarity: Float[Tensor, "1 m"], near: Float[Tensor, "n j"], *, with_ridge: bool
) -> RetrievalWeights:
    """Return the weights of the known targets for some compounds.

    Args:
        model: whose memory it is.
        similarity: alignment similarity of the target to the memory rows.
        near: Tanimoto similarity of the compounds to all landmark compounds.
        with_ridge: whether to tell what they add to the ridge score, too.
    """
    retrieval = model.retrieval
    if retrieval is None:
        return RetrievalWeights(None, None, None, None)
    memory = model.label_memory()
    kept = torch.from_numpy(collapse_labels(model, memory, similarity)[1]).to(near.device)
    of_targets = retrieval.target_weights(similarity)[0].double()
    fallback = retrieval.log_fallback.double().exp()
    weights = sums = near.new_zeros(len(near), len(model.memory_sequences), dtype=torch.float64)
    share = near.new_ones(len(near), dtype=torch.float64)
    for level in reversed(range(retrieval.levels)):
        kernel = near.new_zeros(near.shape, dtype=torch.float64)
        kernel[:, kept] = retrieval.kernel(level, near[:, kept].double())
        measured, labels = (of_targets[level] * part for part in memory.sums_of_targets(kernel))
        total = measured.sum(1) + fallback[level]
        weights = weights + (share / total)[:, None] * measured
        sums = sums + (share / total)[:, None] * labels
        share = share * fallback[level] / total
    ridge = _ridge(model.ridge, similarity, near[:, model.ridge_columns.long()]) if with_ridge else None
    parts = (weights, sums, share, ridge)
    return RetrievalWeights(*(None if part is None else part.cpu().numpy() for part in parts))


def _ridge(
    ridge: TwoAxisRidge | None, similarity: Float[Tensor, "1 m"], near: Float[Tensor, "n j"]
) -> Float[Tensor, "n m"] | None:
    if ridge is None:
        return None
    found = near.new_zeros(len(near), similarity.shape[1], dtype=torch.float64)
    for part, coefficients in zip(ridge.kernel_parts(), ridge.coefficients, strict=True):
        of_targets = part.weight * similarity_power(similarity[0].double(), part.target_exponent)
        kernel = similarity_power(near.double(), part.compound_exponent)
        found = found + of_targets * (kernel @ coefficients.T.double())
    return found


@torch.no_grad()
def attention_on_targets(
    model: HyperPCM, embedding: Float[Tensor, "1 d_t"], similarity: Float[Tensor, "1 m"], *, is_learned: bool
) -> tuple[Float[Tensor, "m"], float] | None:
    """Return the weight of each known target in the context module, and how evenly it attends to them.

    Args:
        model: whose memory it is.
        embedding: of the target, unscaled.
        similarity: alignment similarity of the target to the memory rows.
        is_learned: whether the target was learned from.

    Returns:
        Weights that sum to 1, the mean over members and heads, and the mean over them of the entropy over
        log m: 1 where a head attends to all alike, 0 where it attends to one. None where the model has no
        context module, or its networks have no share in scores of such a target.
    """
    found = model.attention(embedding, similarity) if model.correction[int(is_learned)] else None
    if found is None:
        return None
    weights = found[:, 0].double()
    rows = weights.shape[-1]
    if rows == 1:
        return weights.mean((0, 1)), 0.0
    entropy = torch.special.entr(weights).sum(-1).mean() / torch.tensor(float(rows)).log()
    return weights.mean((0, 1)), float(entropy)
