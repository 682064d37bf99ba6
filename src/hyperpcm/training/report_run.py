"""The report of a run folder: what lies in it, gathered for `hyperpcm.evaluation.report`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.checkpoint import load_model
from hyperpcm.config import RunConfig
from hyperpcm.datasets.audit import audit
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.datasets.table import read_raw_table
from hyperpcm.encoders import ENCODERS
from hyperpcm.encoders.licences import noncommercial_notice
from hyperpcm.evaluation.report import (
    CompiledTarget,
    DataSummary,
    MutantFindings,
    RankedCompound,
    ReportInputs,
    ScoredRows,
    SplitSummary,
    TrainingCurve,
    write_report,
)
from hyperpcm.evaluation.results import AccuracyResults
from hyperpcm.model import HyperPCM
from hyperpcm.protein import alignment_similarity
from hyperpcm.target_model import TargetModel
from hyperpcm.training.card import source_of
from hyperpcm.training.encoded import Progress
from hyperpcm.training.mutant_test import kept_test
from hyperpcm.training.run import open_data
from hyperpcm.training.run_folder import RunFolder

__all__ = ["rank_known_compounds", "report_run"]


def report_run(
    folder: Path,
    *,
    compiled: CompiledTarget | None = None,
    similarity: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a run, finished and evaluated or not, and return where it is.

    The same content as JSON lies beside it. What is missing is said in it. A report that is there is
    replaced.

    Args:
        folder: of the run.
        compiled: an unseen target with a ranking, to be shown.
        similarity: whether the audit of the split looks for near relatives across it.
        progress: called with a stage, what is done and what there is.

    Raises:
        InputError: there is no run in the folder, or its data cannot be read.
        SplitError: the data are not those that the run was divided on.
        OutputError: the folder cannot be written to.
    """
    run = RunFolder(folder)
    config = run.config()
    interactions = open_data(config.data, progress)
    split = run.split(interactions)
    if progress is not None:
        progress("leakage audit and report", 0, 0)
    licences = _licences(config)
    inputs = ReportInputs(
        title=f"{interactions.name}, {split.name.replace('_', ' ')}, fold {split.fold}",
        data=DataSummary.of(interactions, source_of(config.data)),
        split=SplitSummary.of(split, audit(interactions, split, similarity=similarity)),
        training=_curve(run, config, interactions),
        results=AccuracyResults.read(run.results_path).rows if run.results_path.exists() else (),
        test=_test_side(run, interactions, split),
        trust=json.loads(run.trust_path.read_text("utf-8")) if run.trust_path.exists() else None,
        mutants=_mutants(run),
        compiled=compiled,
        facts=_facts(run, licences),
        settings=config.model_dump(mode="json"),
        warnings=_warnings(run, licences),
    )
    write_report(inputs, run.report_path, overwrite=True)
    return run.report_path


def rank_known_compounds(
    model: HyperPCM,
    interactions: Interactions,
    sequence: str,
    *,
    name: str = "",
    progress: Progress | None = None,
) -> tuple[TargetModel, CompiledTarget]:
    """Compile a target and rank all compounds of a table for it, beside what was measured.

    Args:
        model: trained.
        interactions: its compounds are scored; labels of this very sequence are shown, not used.
        sequence: of the target.
        name: of the target.
        progress: called with a stage, what is done and what there is.

    Returns:
        The target model, and the ranking as a report shows it.

    Raises:
        InvalidSequenceError: the sequence cannot be used.
    """
    target_model = model.compile_target(sequence, name=name)
    total = len(interactions.compounds)

    def told(done: int) -> None:
        if progress is not None:
            progress("compounds scored", done, total)

    scores = target_model.score(interactions.compounds, progress=told)
    measured = _measured(interactions, target_model.sequence)
    ranking = []
    for row in scores.order():
        label, relation = measured.get(int(row), (None, 0))
        ranking.append(
            RankedCompound(
                smiles=interactions.compounds[row],
                score=float(scores.values[row]),
                name=interactions.compound_names[row],
                label=label,
                relation=relation,
            )
        )
    note = _nearest_note(model, target_model.sequence)
    return target_model, CompiledTarget(
        name=name, sequence=target_model.sequence, compounds=ranking, rejections=scores.rejections, note=note
    )


def _measured(interactions: Interactions, sequence: str) -> dict[int, tuple[float | None, int]]:
    """Label and relation of each compound that was measured on the sequence, by place on the axis."""
    if sequence not in interactions.targets:
        return {}
    rows = np.flatnonzero(interactions.target_index == interactions.targets.index(sequence))
    labels = interactions.point()
    return {
        int(interactions.compound_index[row]): (float(labels[row]), int(interactions.relations[row]))
        for row in rows
    }


def _nearest_note(model: HyperPCM, sequence: str) -> str:
    """How new the target is to the model."""
    similarity = alignment_similarity([sequence], model.memory_sequences)[0]
    nearest = int(np.argmax(similarity))
    name = model.memory_names[nearest]
    if model.memory_sequences[nearest] == sequence:
        return f"The model was trained on this very sequence ({name})."
    return (
        f"No measurement of this protein was used in training; the most similar training target is {name} "
        f"(alignment similarity {similarity[nearest]:.2f} of 1)."
    )


def _curve(run: RunFolder, config: RunConfig, interactions: Interactions) -> TrainingCurve | None:
    history = run.history()
    if not history:
        return None
    binary = interactions.quantity.kind == "binary"
    metric, loss = config.training.metric, config.training.loss
    return TrainingCurve(
        epochs=history,
        metric=f"valid_{('auroc' if binary else 'mse') if metric == 'auto' else metric}",
        best_epoch=history[-1]["best_epoch"],
        loss=("bce" if binary else "mse") if loss == "auto" else loss,
    )


def _test_side(run: RunFolder, interactions: Interactions, split: Split) -> ScoredRows | None:
    """Labels and scores of the test side, if the run was evaluated."""
    if not run.scores_path.exists():
        return None
    columns = read_raw_table(run.scores_path).columns
    found = {
        int(row or 0): float(score)
        for row, side, score in zip(columns["row"], columns["side"], columns["score"], strict=True)
        if side == "test" and score is not None
    }
    rows = np.array([row for row in split.test if int(row) in found], dtype=np.int64)
    scores: npt.NDArray[np.float32] = np.array([found[int(row)] for row in rows], dtype=np.float32)
    if not len(rows):
        return None
    return ScoredRows.of(interactions, rows, scores, _uncalibrated(run, interactions, scores))


def _uncalibrated(
    run: RunFolder, interactions: Interactions, scores: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32] | None:
    """What the model's probabilities were before they were calibrated; None where they were not."""
    if interactions.quantity.kind != "binary" or not run.model_path.exists():
        return None
    model = load_model(run.model_path)
    return None if model.logit_map == (1.0, 0.0) else model.label_scale.uncalibrated(scores)


def _mutants(run: RunFolder) -> MutantFindings | None:
    """The test on measured mutants, if the run was evaluated."""
    kept = kept_test(run.model_path)
    if kept is None:
        return None
    test, found = kept.test, kept.differences
    return MutantFindings(
        verdict=test.verdict,
        says=test.sentence(),
        new=None if test.new is None else dataclasses.asdict(test.new),
        known=None if test.known is None else dataclasses.asdict(test.known),
        measured=found.measured,
        predicted=found.predicted,
        is_new=found.is_new[found.mutant],
    )


def _licences(config: RunConfig) -> dict[str, str]:
    """Licence of each encoder of a run, by name."""
    names = (*config.encoders.compound, *config.encoders.target)
    return {name: ENCODERS[name].licence for name in names}


def _facts(run: RunFolder, licences: Mapping[str, str]) -> dict[str, str]:
    """Licences, versions, commit and machine, as far as they were written down."""
    facts = {"folder": run.path.resolve().name}
    if run.config().training.refit:
        facts["learned from"] = "training and validation rows, what validation had chosen"
    facts["encoders"] = ", ".join(f"{name} ({licence})" for name, licence in licences.items())
    if run.environment_path.exists():
        record: dict[str, Any] = json.loads(run.environment_path.read_text(encoding="utf-8"))
        facts |= {name: str(version) for name, version in record["versions"].items()}
        facts |= {key: str(value) for key, value in record["machine"].items() if value is not None}
        facts |= {key: str(record[key]) for key in ("commit", "seed") if record.get(key) is not None}
    return facts


def _warnings(run: RunFolder, licences: Mapping[str, str]) -> list[str]:
    notice = noncommercial_notice(licences)
    return [*_unfinished(run), *([] if notice is None else [notice])]


def _unfinished(run: RunFolder) -> list[str]:
    if not run.model_path.exists():
        return ["Training has not ended; what is shown is what there was when this report was written."]
    if not run.config().split.test:
        return [
            "Nothing was held out for a test: the model has learned from all rows, and none can judge it."
        ]
    if not run.results_path.exists():
        return [
            "The model has not been evaluated; run `hyperpcm evaluate` for the comparison with the nulls."
        ]
    return []
