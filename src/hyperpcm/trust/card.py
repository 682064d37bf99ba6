"""The evidence card: what a target, or a score, rests on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hyperpcm.target_model import NearestLandmark
from hyperpcm.trust.attribution import AtomContributions

__all__ = ["Evidence", "MeasuredCompound", "RetrievedTarget"]


@dataclass(frozen=True)
class MeasuredCompound:
    """A compound that was measured on a known target.

    Attributes:
        smiles: standardised.
        similarity: Tanimoto similarity to the asked compound, 0 to 1, by the fingerprint of the landmarks.
        label: in the quantity's unit; the mean where it was measured several times.
    """

    smiles: str
    similarity: float
    label: float


@dataclass(frozen=True)
class RetrievedTarget:
    """A known target that a score, or a target, draws on.

    Without a compound, weights and sums are means over up to 500 known compounds.

    Attributes:
        name: of the known target.
        row: of it in the memory.
        is_own: whether it is the asked target itself, so that its own labels are used.
        similarity: alignment similarity to the asked target, 0 to 1.
        distance: root mean square difference of the two embeddings, each number in standard deviations of
            the memory.
        labels: compounds that were measured on it.
        weight: of all its labels in what is retrieved for the compound, 0 to 1, as the levels of the
            retrieval are mixed (`hyperpcm.trust.retrieval`); None where the model retrieves no labels.
        mean_label: mean of its labels with those weights, in the quantity's unit; None without a weight.
        ridge: what its coefficients add to the score of the ridge regression, in the quantity's unit; those
            of all known targets sum to that score less the mean of the training labels. None without one.
        attention: its weight in the context module, the mean over members and heads; None where there is no
            such module or the networks have no share in a score.
        nearest: the compounds measured on it that are most similar to the asked one, the nearest first.
        score_without: score of the compound from the model whose memory never held this target, all else
            equal; None without a compound, and for the only target of a memory.
        change: ``score_without`` less the score.
    """

    name: str
    row: int
    is_own: bool
    similarity: float
    distance: float
    labels: int
    weight: float | None
    mean_label: float | None
    ridge: float | None
    attention: float | None
    nearest: tuple[MeasuredCompound, ...] = ()
    score_without: float | None = None
    change: float | None = None


@dataclass(frozen=True)
class Evidence:
    """The evidence card of a target, or of a target and a compound.

    Attributes:
        target: name of the target.
        own: name of the known target with the same sequence, whose labels are used; None: it is none.
        targets: number of known targets.
        retrieved: those with the largest weight, the largest first; by attention where the model retrieves
            no labels, and none where it has no context module either.
        of_mean: weight of the mean of all training labels in what is retrieved; with the weights of all known
            targets it sums to 1.
        entropy: of the context module's attention over the logarithm of the number of known targets, the
            mean over members and heads: 1 where it attends to all alike, 0 where to one.
        smiles: of the compound, standardised; it and what follows None without a compound.
        score: in the quantity's unit, or the probability of being active.
        interval: in which the label lies with the probability ``level``; None without a calibration.
        level: of the interval.
        domain: where in the model's domain the pair lies: ``inside``, ``edge`` or ``outside``.
        nearest: the training compound that is most similar to this one.
        atoms: what each atom adds to the score, where that was asked for.
    """

    target: str
    own: str | None
    targets: int
    retrieved: tuple[RetrievedTarget, ...]
    of_mean: float | None
    entropy: float | None
    smiles: str | None = None
    score: float | None = None
    interval: tuple[float, float] | None = None
    level: float | None = None
    domain: str | None = None
    nearest: NearestLandmark | None = None
    atoms: AtomContributions | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        found = dataclasses.asdict(dataclasses.replace(self, atoms=None))
        return found | {"atoms": None if self.atoms is None else self.atoms.as_dict()}
