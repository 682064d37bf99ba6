"""Which landmark compounds a target keeps where it may not keep all, and what leaving the others out changes.

A landmark counts for what leaving it out changes in the retrieved means and in the ridge regression, to first
order, over known compounds. That puts landmarks in order. What is stated is measured: known compounds are
scored with the landmarks that are kept and with all of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperpcm.nn.kernel_ridge import similarity_power
from hyperpcm.target_model.model import TargetModel
from hyperpcm.target_model.prior import RetrievedPrior

__all__ = ["LandmarkChoice", "influence", "with_landmarks"]

_HALVINGS: Final = 6  # of the range in which the least number of landmarks is looked for


@dataclasses.dataclass(frozen=True)
class LandmarkChoice:
    """What a target keeps of its landmarks, and what that changes.

    Attributes:
        kept: landmarks that it keeps.
        of: landmarks that there are.
        limit: most that it may keep.
        tolerance: what a score of a known compound may change by, in label units or probability.
        largest_difference: most that one changes by, likewise.
        typical_difference: root mean square of the changes, likewise.
        compounds: known compounds that were scored.
    """

    kept: int
    of: int
    limit: int
    tolerance: float
    largest_difference: float
    typical_difference: float
    compounds: int

    @property
    def is_within(self) -> bool:
        """Whether the tolerance is met."""
        return self.largest_difference <= self.tolerance

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dataclasses.asdict(self)


def with_landmarks(
    target: TargetModel,
    order: Int[Tensor, "j"],
    embeddings: Float[Tensor, "n d"],
    similarity: Float[Tensor, "n j"],
    learned: Float[Tensor, "n h"] | None = None,
    *,
    limit: int,
    tolerance: float,
) -> tuple[TargetModel, Int[Tensor, "k"], LandmarkChoice]:
    """Return the target with as few landmarks as the tolerance allows, and no more than the limit.

    Args:
        target: with all landmarks; not mutated.
        order: of the landmarks, those first that count most.
        embeddings: of known compounds; these and the rest as for `TargetModel.score_embedded`.
        similarity: of them to all landmarks.
        learned: where the model reads the graphs of compounds.
        limit: landmarks that may be kept; where the tolerance needs more, it is not met.
        tolerance: as a share of the labels' scale; 0: all that the limit allows are kept.

    Returns:
        The target, the positions of what it keeps, ascending, and what was measured.
    """
    allowed = tolerance * target.label_scale.scale
    if not tolerance and limit >= len(order):
        every = torch.arange(len(order))
        return (
            target,
            every,
            LandmarkChoice(len(order), len(order), limit, allowed, 0.0, 0.0, len(embeddings)),
        )
    exact = target.score_embedded(embeddings, similarity, learned)

    def tried(number: int) -> tuple[TargetModel, Tensor, LandmarkChoice]:
        kept = order[:number].sort().values
        residuals = target.residual_prior
        fewer = dataclasses.replace(
            target,
            prior=None if target.prior is None else target.prior.only(kept),
            residual_prior=None if residuals is None else residuals.only(kept),
        )
        change = fewer.score_embedded(embeddings, similarity[:, kept], learned) - exact
        largest, typical = (float(change.abs().max()), float(change.square().mean().sqrt()))
        return fewer, kept, LandmarkChoice(number, len(order), limit, allowed, largest, typical, len(exact))

    best = tried(min(limit, len(order)))
    too_few, halvings = 0, _HALVINGS if tolerance > 0 and best[2].is_within else 0
    for _ in range(halvings):
        number = (too_few + best[2].kept) // 2
        if number == too_few:
            break
        found = tried(number)
        if found[2].is_within:
            best = found
        else:
            too_few = number
    return best


def influence(prior: RetrievedPrior, similarity: Float[Tensor, "n j"], own: Int[Tensor, "n"]) -> Tensor:
    """Return how much leaving a landmark out changes what is retrieved for known compounds [j].

    It is the mean square, over all landmark compounds, of the change to first order. Some of them stand for
    the others; what a compound's own landmark is to it is estimated where the compound is not among them.

    Args:
        prior: with all landmarks.
        similarity: of some known compounds to them.
        own: which landmark each of the compounds is.
    """
    near, collapsed = similarity.double(), prior.collapsed.double()
    rows = torch.arange(len(own))
    below, others_below = near.new_zeros(len(near)), near.new_zeros(())
    found = near.new_zeros(near.shape[1])
    for level, fallback in enumerate(prior.retrieval.log_fallback.double().exp()):
        evidence, first, _ = (part[0] for part in collapsed.at(level).unbind(-1))
        weights = prior.retrieval.kernel(level, near)
        total, labels = weights @ evidence + fallback, weights @ first + fallback * below
        below = labels / total
        change = weights * (first - below[:, None] * evidence) / total[:, None]
        # of a compound that is none of these: its own landmark beside what such compounds have in common
        around = (total - evidence[own]).mean() - fallback
        labels_around = (weights @ first - first[own]).mean()
        alone = (first + labels_around + fallback * others_below) / (evidence + around + fallback)
        own_change = (first - alone * evidence) / (evidence + around + fallback)
        others_below = (labels_around + fallback * others_below) / (around + fallback)
        found += _mean_square(change, own_change, rows, own)
    if prior.ridge is not None:
        said, said_of_itself = torch.zeros_like(near), near.new_zeros(near.shape[1])
        for exponent, coefficients in zip(prior.ridge.exponents, prior.ridge.coefficients, strict=True):
            said += similarity_power(near, exponent.double()) * coefficients
            said_of_itself += coefficients
        share = prior.ridge.share + prior.ridge.contrast * (1 - prior.ridge.share)
        found += share**2 * _mean_square(said, said_of_itself, rows, own)
    return found


def _mean_square(
    change: Float[Tensor, "n j"], own_change: Float[Tensor, "j"], rows: Tensor, own: Tensor
) -> Float[Tensor, "j"]:
    """The mean square over all compounds: of others that of those at hand, of its own landmark once in j."""
    squares = change.square()
    itself = own_change.square()
    itself[own] = squares[rows, own]
    squares[rows, own] = 0
    number, landmarks = squares.shape
    others = torch.full((landmarks,), float(number), dtype=squares.dtype)
    others[own] -= 1
    return (squares.sum(0) / others.clamp_min(1) * (landmarks - 1) + itself) / landmarks
