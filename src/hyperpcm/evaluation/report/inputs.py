"""What a report is made of: plain data, so that any run, finished or not, can be shown.

Axis letters: ``n`` rows of a table, ``k`` scored rows of the test side, ``t`` targets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.audit import Audit
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import LabelError, Rejection
from hyperpcm.evaluation.results import ResultRow

__all__ = [
    "CompiledTarget",
    "DataSummary",
    "MutantFindings",
    "RankedCompound",
    "ReportInputs",
    "ScoredRows",
    "SplitSummary",
    "TrainingCurve",
]


@dataclasses.dataclass(frozen=True, eq=False)
class DataSummary:
    """What was trained on.

    Attributes:
        quantity: what labels and scores mean, with unit and threshold.
        description: as `Interactions.describe` gives it; entries that are missing are left out.
        rejections: rows of the source that could not be used.
        source: facts about where it comes from, such as ``licence`` and ``citation``, shown in this order.
        labels: label of every row [n] for the histogram; None leaves it out.
        relations: `EXACT`, `ABOVE` or `BELOW` of every row [n]; None where all are exact.
    """

    quantity: Quantity
    description: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rejections: Sequence[Rejection] = ()
    source: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: npt.NDArray[np.float32] | None = None
    relations: npt.NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        if self.labels is not None:
            labels = _column(self, "labels", np.float32, None)
            if self.relations is not None:
                _column(self, "relations", np.int8, labels.size)

    @classmethod
    def of(cls, interactions: Interactions, source: Mapping[str, str] | None = None) -> DataSummary:
        """The summary of a table."""
        return cls(
            quantity=interactions.quantity,
            description=interactions.describe(),
            rejections=interactions.rejections,
            source=source or {},
            labels=interactions.point(),
            relations=interactions.relations,
        )


@dataclasses.dataclass(frozen=True)
class SplitSummary:
    """How the table was divided, and what crosses the division.

    Attributes:
        name: kind of split, such as ``cold_target``.
        fold: number of the fold, from 0.
        folds: how many there are.
        seed: of the division.
        how: one sentence.
        audit: as `Audit.as_dict` gives it; empty where there was none.
    """

    name: str
    fold: int
    folds: int
    seed: int
    how: str
    audit: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, split: Split, audit: Audit | None = None) -> SplitSummary:
        """The summary of one division and its audit."""
        found = {} if audit is None else audit.as_dict()
        return cls(split.name, split.fold, split.folds, split.seed, split.how, found)


@dataclasses.dataclass(frozen=True)
class TrainingCurve:
    """How training went.

    Attributes:
        epochs: one mapping per epoch in order, as the lines of ``metrics.jsonl``: ``epoch``, ``train_loss``
            and the validation metric. A value that is missing, None or not finite is a gap in the curve.
        metric: key of the validation metric that chose the epoch, such as ``valid_mse``.
        best_epoch: the ``epoch`` whose weights were kept; None while training has not finished one.
        loss: what was minimised, for the axis, such as ``mse``.
    """

    epochs: Sequence[Mapping[str, Any]]
    metric: str
    best_epoch: int | None = None
    loss: str = "training loss"


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredRows:
    """Labels and scores of the test side.

    Attributes:
        labels: measured, in units of the quantity, float32 [k]; a censored one is its bound.
        scores: predicted, float32 [k], finite; a probability for a binary quantity.
        target_index: position in ``target_names`` of each row, int64 [k].
        target_names: display name of each target [t]; those without a row are not shown.
        relations: `EXACT`, `ABOVE` or `BELOW` of each row, int8 [k]; None where all are exact.
        compound_index: position in ``compounds`` of each row, int64 [k]; None draws none.
        compounds: standardised SMILES.
        uncalibrated: probabilities before they were calibrated, float32 [k]; None where they were not.

    Raises:
        LabelError: lengths or values that contradict this description.
    """

    labels: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    target_index: npt.NDArray[np.int64]
    target_names: Sequence[str]
    relations: npt.NDArray[np.int8] | None = None
    compound_index: npt.NDArray[np.int64] | None = None
    compounds: Sequence[str] = ()
    uncalibrated: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        labels = _column(self, "labels", np.float32, None)
        scores = _column(self, "scores", np.float32, labels.size)
        index = _column(self, "target_index", np.int64, labels.size)
        if self.relations is not None:
            _column(self, "relations", np.int8, labels.size)
        if self.compound_index is not None:
            compounds = _column(self, "compound_index", np.int64, labels.size)
            _check_places("compound_index", compounds, len(self.compounds), "compounds")
        if self.uncalibrated is not None:
            _column(self, "uncalibrated", np.float32, labels.size)
        if not (np.isfinite(labels).all() and np.isfinite(scores).all()):
            raise LabelError("report: a label or a score of the test side is not a finite number.")
        _check_places("target_index", index, len(self.target_names), "target names")

    @classmethod
    def of(
        cls,
        interactions: Interactions,
        rows: npt.ArrayLike,
        scores: npt.ArrayLike,
        uncalibrated: npt.NDArray[np.float32] | None = None,
    ) -> ScoredRows:
        """Labels of some rows of a table beside their scores [k], and what these were before calibration."""
        chosen = interactions.select(rows)
        return cls(
            labels=chosen.point(),
            scores=np.asarray(scores, dtype=np.float32),
            target_index=chosen.target_index,
            target_names=chosen.target_names,
            relations=chosen.relations,
            compound_index=chosen.compound_index,
            compounds=chosen.compounds,
            uncalibrated=uncalibrated,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class MutantFindings:
    """The test of a model on measured mutants, as plain data.

    Attributes:
        verdict: ``can_tell``, ``cannot_tell`` or ``untested``.
        says: the verdict in a sentence with its numbers.
        new: figures of mutants of which training had no label, by name; None where there are none.
        known: those of the others, which the model recalls.
        measured: label on a mutant minus label on its wild type, float64 [n].
        predicted: the same of scores [n].
        is_new: whether the mutant was new to the model, bool [n].
    """

    verdict: str
    says: str
    new: Mapping[str, Any] | None
    known: Mapping[str, Any] | None
    measured: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]
    is_new: npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class RankedCompound:
    """One compound that a compiled target scored.

    Attributes:
        smiles: standardised SMILES; drawn where it can be.
        score: in units of the label, or a probability.
        name: display name, may be empty.
        label: measured value, if it is known.
        relation: `EXACT`, `ABOVE` or `BELOW`: how the label is to be read.
    """

    smiles: str
    score: float
    name: str = ""
    label: float | None = None
    relation: int = 0


@dataclasses.dataclass(frozen=True)
class CompiledTarget:
    """A target that training never saw, compiled, and the compounds it was asked about.

    Attributes:
        name: display name.
        sequence: one letter per residue.
        compounds: best first; the first 24 are drawn, the rest are counted.
        scored: how many compounds were scored in all; None where that is the number of ``compounds``.
        rejections: compounds that could not be scored.
        note: one sentence that says how the target is new, such as its nearest training target.
    """

    name: str
    sequence: str
    compounds: Sequence[RankedCompound]
    scored: int | None = None
    rejections: Sequence[Rejection] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True)
class ReportInputs:
    """Everything that a report shows; what is None or empty is said to be missing or left out.

    Attributes:
        title: such as ``Davis, cold target, fold 0``.
        data: what was trained on.
        split: how it was divided; None where it was not.
        training: the learning curve; None where nothing was trained.
        results: rows of results files, one fold or several; those of nulls are recognised by their names.
        model: which of them is the model in question.
        test: labels and scores of the test side; None before evaluation.
        trust: how errors depend on what is known and what intervals held, as ``trust.json`` of a run has it;
            None where that was not looked at.
        mutants: whether the model can tell mutants apart; None leaves the section out.
        compiled: an unseen target and its ranking; None leaves the section out.
        facts: short facts about the run in order, such as version, commit, machine and seconds.
        settings: the settings of the run, nested as `RunConfig` has them.
        warnings: sentences for the top of the page, such as that the run was interrupted.
    """

    title: str
    data: DataSummary
    split: SplitSummary | None = None
    training: TrainingCurve | None = None
    results: Sequence[ResultRow] = ()
    model: str = "hyperpcm"
    test: ScoredRows | None = None
    trust: Mapping[str, Any] | None = None
    mutants: MutantFindings | None = None
    compiled: CompiledTarget | None = None
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warnings: Sequence[str] = ()


def _check_places(name: str, places: npt.NDArray[Any], number: int, what: str) -> None:
    if places.size and (places.min() < 0 or places.max() >= number):
        raise LabelError(
            f"report: {name} runs from {places.min()} to {places.max()}; there are {number} {what}, counted "
            "from 0."
        )


def _column(owner: Any, name: str, dtype: type[np.generic], n: int | None) -> npt.NDArray[Any]:
    """The array in a field of ``owner`` as a read-only copy of type ``dtype`` [n], put back there."""
    column = np.array(getattr(owner, name), dtype=dtype)
    if column.ndim != 1 or (n is not None and column.size != n):
        expected = "one axis" if n is None else f"{n} entries"
        raise LabelError(f"report: {name} has the shape {column.shape}; {expected} are expected.")
    column.flags.writeable = False
    object.__setattr__(owner, name, column)
    return column
