"""What the service answers: frozen values that the API sends as they are and that pages draw.

Rows of compounds count from 1, as people do. A number that is not known is None.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "AdaptedCompound",
    "AdaptedTarget",
    "Atoms",
    "CompoundEvidence",
    "CompoundOnPanel",
    "CompoundScore",
    "CurvePoint",
    "Health",
    "Job",
    "JobKind",
    "JobState",
    "KnownTarget",
    "KnownTargets",
    "ModelAnswer",
    "PanelAnswer",
    "PanelState",
    "QuantityAnswer",
    "Refused",
    "ResultPage",
    "ScoreAnswer",
    "TargetAnswer",
    "TargetOfPanel",
]

JobKind = Literal["screen", "panel"]
"""``screen``: an uploaded file or the library; ``panel``: all known targets are compiled."""
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
"""The last three are final."""


@dataclass(frozen=True)
class QuantityAnswer:
    """What a score means: ``title`` stands above a column; ``kind`` is regression or binary."""

    name: str
    unit: str
    kind: str
    title: str
    active_at: float | None


@dataclass(frozen=True)
class ModelAnswer:
    """The model that is served.

    Attributes:
        id: of the model with its overlays; another model has another one.
        name: of the data that it learned from.
        quantity: what it predicts.
        known_targets: number of targets in its memory.
        known_compounds: number of compounds with a label in it.
        can_adapt: whether its targets can learn from measurements.
        has_intervals: whether its scores have intervals.
        levels: of the intervals that it has.
        retrieves: whether known targets can be told as evidence.
        library: name of the library that can be screened, and its number of rows; None: there is none.
        library_rows: likewise.
        licences: of its encoders, by name.
        card: the model card, as Markdown.
        has_report: whether the run has a report for people.
    """

    id: str
    name: str
    quantity: QuantityAnswer
    known_targets: int
    known_compounds: int
    can_adapt: bool
    has_intervals: bool
    levels: tuple[float, ...]
    retrieves: bool
    library: str | None
    library_rows: int | None
    licences: dict[str, str]
    card: str
    has_report: bool


@dataclass(frozen=True)
class KnownTarget:
    """A target of the memory: its name, length, and how many labels of which range it has."""

    name: str
    residues: int
    labels: int
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class KnownTargets:
    """Some of the known targets that fit what was searched for, and how many fit in all."""

    targets: tuple[KnownTarget, ...]
    matching: int
    offset: int


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


@dataclass(frozen=True)
class TargetOfPanel:
    """One target of a panel with the score of a compound.

    Attributes:
        target: its name.
        rank: by score, 1 is the strongest.
        score: of the compound.
        above_usual: how far the score is above what the target usually gives, in its standard deviations.
    """

    target: str
    rank: int
    score: float
    above_usual: float | None


@dataclass(frozen=True)
class CompoundOnPanel:
    """One compound on all targets of the panel, the strongest target first.

    Attributes:
        row: in what was given.
        name: that it was given.
        smiles: standardised.
        strongest: name of the strongest target.
        share: of the targets that are hit; None where no threshold is agreed on.
        entropy: how the compound spreads over the targets; None where scores are no constants.
        window: of the wanted target to the strongest other; None where none is wanted.
        targets: all of them.
    """

    row: int
    name: str
    smiles: str
    strongest: str
    share: float | None
    entropy: float | None
    window: float | None
    targets: tuple[TargetOfPanel, ...]


@dataclass(frozen=True)
class PanelAnswer:
    """Compounds on the panel.

    Attributes:
        quantity: what scores mean.
        targets: names of all targets, those that score alike side by side, as a heat map has them.
        compounds: in the order given.
        rejected: compounds that cannot be used.
    """

    quantity: QuantityAnswer
    targets: tuple[str, ...]
    compounds: tuple[CompoundOnPanel, ...]
    rejected: tuple[Refused, ...]


@dataclass(frozen=True)
class Job:
    """Long work.

    Attributes:
        id: unguessable; the address of its results.
        kind: what is done.
        state: where it is.
        title: for people.
        created: seconds since 1970; likewise ``started`` and ``finished``.
        started: None where it waits.
        finished: None where it has not ended.
        done: rows or targets that are done.
        total: of them; None where that is not known.
        error: what went wrong, in a sentence.
        summary: what came out: counts of rows and refused rows, the target.
        version: grows with every change.
    """

    id: str
    kind: JobKind
    state: JobState
    title: str
    created: float
    started: float | None
    finished: float | None
    done: int
    total: int | None
    error: str | None
    summary: dict[str, Any]
    version: int

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None where that is not known."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True)
class ResultPage:
    """Some rows of the result of a job.

    Attributes:
        job: it.
        quantity: what scores mean.
        rows: in the order asked for; columns as in the file of `hyperpcm screen`.
        matching: rows that fit the filter.
        total: rows of the result.
        offset: place of the first of these rows among those that fit.
        sort: column by which they are ordered.
        descending: whether the largest comes first.
        refused: number of refused rows of the input by reason.
    """

    job: Job
    quantity: QuantityAnswer
    rows: tuple[CompoundScore, ...]
    matching: int
    total: int
    offset: int
    sort: str
    descending: bool
    refused: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class PanelState:
    """Whether the panel can be asked: how many of its targets are compiled, and the job that does it."""

    is_ready: bool
    compiled: int
    targets: int
    job: Job | None


@dataclass(frozen=True)
class Health:
    """Whether the server works: ``status`` is ok or degraded; the worker runs the jobs."""

    status: Literal["ok", "degraded"]
    version: str
    model: str
    worker: bool
    jobs_waiting: int
    jobs_running: int
