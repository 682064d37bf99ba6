"""A target, compounds on it, what their scores rest on, and what it learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hyperpcm.web.answers.model import QuantityAnswer

__all__ = [
    "AdaptedCompound",
    "AdaptedTarget",
    "Atoms",
    "CompoundEvidence",
    "CompoundScore",
    "CurvePoint",
    "Refused",
    "ScoreAnswer",
    "TargetAnswer",
]


@dataclass(frozen=True)
class TargetAnswer:
    """A compiled target.

    Attributes:
        id: by which it is asked for again.
        name: of it; empty where it has none.
        sequence: that was compiled.
        residues: of the sequence.
        changes: what was changed when the sequence was read.
        known: name of the known target with this sequence, whose labels are used; None: it is none.
        nearest_target: the nearest known target: ``name``, ``similarity``, ``error``.
        quantity: what its scores mean.
        has_intervals: whether its scores have intervals.
        adapted: what it has learned from measurements; None: nothing.
        notes: what has to be said with its scores, in sentences.
        card: of the target, as Markdown.
    """

    id: str
    name: str
    sequence: str
    residues: int
    changes: tuple[str, ...]
    known: str | None
    nearest_target: dict[str, Any] | None
    quantity: QuantityAnswer
    has_intervals: bool
    adapted: dict[str, Any] | None
    notes: tuple[str, ...]
    card: str


@dataclass(frozen=True)
class Refused:
    """A row that cannot be used: why, as a short code and in a sentence."""

    row: int
    text: str
    code: str
    reason: str


@dataclass(frozen=True)
class CompoundScore:
    """A compound with its score; ``rank`` 1 is the strongest.

    Attributes:
        rank: among those that were scored.
        row: in what was given.
        name: that it was given.
        smiles: standardised.
        score: in the unit of the quantity, or the probability of being active.
        lower: of the interval; None where there are no intervals; likewise the three that follow.
        upper: of the interval.
        level: share of the labels that intervals hold.
        domain: ``inside``, ``edge`` or ``outside``.
        nearest_compound: the training compound that is most similar.
        nearest_similarity: to it, 0 to 1.
        measured: label of the compound on this target that the model knows; None: it knows none.
    """

    rank: int
    row: int
    name: str
    smiles: str
    score: float
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    domain: str | None = None
    nearest_compound: str | None = None
    nearest_similarity: float | None = None
    measured: float | None = None


@dataclass(frozen=True)
class ScoreAnswer:
    """Compounds ranked for a target, the strongest first; rows that cannot be used stand apart."""

    target: TargetAnswer
    scores: tuple[CompoundScore, ...]
    rejected: tuple[Refused, ...]


@dataclass(frozen=True)
class Atoms:
    """What atoms add to a score, in the order of the standardised SMILES.

    Attributes:
        adds: of each atom; with ``whole`` and ``baseline`` they sum to ``score``. None where the target reads
            no fingerprint.
        whole: of what is said of no atom.
        baseline: the score of nothing.
        is_exact: whether no chance is in it.
        losses: what the score loses when an atom is masked; None where that was not asked for.
        weights: by which atoms are coloured: what they add, or their losses.
        score: that is explained: a logit where the model gives a probability.
    """

    adds: tuple[float, ...] | None
    whole: float | None
    baseline: float | None
    is_exact: bool | None
    losses: tuple[float, ...] | None
    weights: tuple[float, ...]
    score: float


@dataclass(frozen=True)
class CompoundEvidence:
    """The evidence card of one compound on one target.

    Attributes:
        target: the compiled target.
        compound: with its score.
        atoms: what they add; None where neither adding nor masking can be told.
        own: name of the known target that this target is; None: it is none.
        of_mean: weight of the mean of all labels.
        other_targets: weight of the known targets that are not told.
        entropy: of the attention on known targets, 0 to 1.
        retrieved: known targets that the score rests on, as JSON values: ``name``, ``similarity``,
            ``labels``, ``weight``, ``mean_label``, ``score_without``, ``change``, ``nearest`` and more.
    """

    target: TargetAnswer
    compound: CompoundScore
    atoms: Atoms | None
    own: str | None
    of_mean: float | None
    other_targets: float | None
    entropy: float | None
    retrieved: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class AdaptedCompound:
    """A measured compound: what was measured, and its score before and after.

    Attributes:
        smiles: standardised.
        measured: mean of its values, or the bound.
        relation: ``=``, ``>`` or ``<``.
        measurements: how many there are of it.
        before: score without any measurement.
        after: score with all of them.
        left_out: score told from the other compounds; None where that is not known.
    """

    smiles: str
    measured: float
    relation: str
    measurements: int
    before: float
    after: float
    left_out: float | None


@dataclass(frozen=True)
class CurvePoint:
    """Error on the compounds not learned from, in root mean square, over draws of so many compounds."""

    compounds: int
    rmse: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True)
class AdaptedTarget:
    """A target that has learned from measurements.

    Attributes:
        target: as it is now; its file can be downloaded by its id.
        before: id of the target that learned.
        summary: what the correction rests on and says, as `hyperpcm adapt --json` has it.
        in_words: what is made of the correction, in a sentence.
        compounds: that were measured.
        curve: error against the number of measured compounds; empty where there are too few.
        notes: what was converted or found remarkable.
        rejected: rows that cannot be used.
    """

    target: TargetAnswer
    before: str
    summary: dict[str, Any]
    in_words: str
    compounds: tuple[AdaptedCompound, ...]
    curve: tuple[CurvePoint, ...]
    notes: tuple[str, ...]
    rejected: tuple[Refused, ...]
