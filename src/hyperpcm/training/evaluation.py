"""Evaluates a finished run on its own test side, beside the nulls, and keeps what was found in its folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.baselines import NULLS, build_baseline, prepare_inputs
from hyperpcm.checkpoint import load_model
from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.encoders.store import usual_store
from hyperpcm.errors import InputError
from hyperpcm.evaluation.measure import result_row
from hyperpcm.evaluation.nulls import run_nulls
from hyperpcm.evaluation.results import AccuracyResults, ResultRow
from hyperpcm.evaluation.shuffle import run_shuffled
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import HyperPCM
from hyperpcm.model.card import SHRUNK
from hyperpcm.training.calibration_fit import held_out_rows
from hyperpcm.training.encoded import Progress, encode, retrieve_pairs
from hyperpcm.training.evaluation_files import write_scores, write_trust
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.loggers import check_loggers, log_results
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.mutant_test import write_mutant_test
from hyperpcm.training.run import open_data
from hyperpcm.training.run_folder import RunFolder
from hyperpcm.training.threads import limited_threads
from hyperpcm.trust import HeldOut, MutantTest

__all__ = ["EvaluatedRun", "JudgedModel", "evaluate_run", "judge_model", "null_rows", "protocol_of"]

SHUFFLED = "hyperpcm_shuffled"


@dataclass(frozen=True)
class EvaluatedRun:
    """What evaluation found.

    Attributes:
        folder: the run.
        interactions: the table.
        split: its division.
        results: rows of the model, of the model with shuffled targets, and of the nulls.
        test_scores: of the test rows, float32 [n].
        mutants: whether the model can tell mutants apart.
    """

    folder: RunFolder
    interactions: Interactions
    split: Split
    results: AccuracyResults
    test_scores: npt.NDArray[np.float32]
    mutants: MutantTest

    @property
    def rows(self) -> tuple[ResultRow, ...]:
        """The rows of the table, the model first."""
        return self.results.rows


@dataclass(frozen=True, eq=False)
class JudgedModel:
    """A model's scores of what it did not learn from.

    Attributes:
        rows: its row of the table, and that of itself with shuffled targets where there are several.
        valid: scores of the validation rows, in label units, float32 [n].
        test: of the test rows, likewise.
        held_out: errors of the test rows, and how near what is known is to them.
    """

    rows: list[ResultRow]
    valid: npt.NDArray[np.float32]
    test: npt.NDArray[np.float32]
    held_out: HeldOut


def evaluate_run(
    folder: Path,
    *,
    nulls: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> EvaluatedRun:
    """Evaluate a finished run.

    Writes ``results.json``, ``scores.parquet``, ``trust.json`` and ``mutants.json`` into its folder.

    Args:
        folder: the run's.
        nulls: names of the nulls to fit on the same rows; None: all of them, an empty list: none.
        progress: called with a stage, what is done and what there is.

    Raises:
        InputError: there is no finished run in the folder, it holds nothing out for a test, or the memory of
            its model was changed since.
        SplitError: the data are not those that the run was made from.
    """
    run = RunFolder(folder)
    config = run.config()
    if not run.model_path.exists():
        raise InputError(f"{folder}: training has not ended here. Run hyperpcm train with --resume first.")
    if not config.split.test:
        raise InputError(
            f"{folder}: nothing was held out for a test here (split.test = false), and the model has learned "
            "from all rows. Train with the same settings and split.test = true, and evaluate that."
        )
    check_loggers(config.training)
    interactions = open_data(config.data, progress)
    split = run.split(interactions)
    with EmbeddingStore(usual_store()) as store, limited_threads(config.threads):
        model = load_model(run.model_path)
        _check_memory(model, run)
        chosen = load_model(run.selected_path) if config.training.refit else model
        judged = judge_model(
            config, interactions, split, model, chosen=chosen, store=store, progress=progress
        )
        mutants = write_mutant_test(run, model, interactions, split, seed=config.seed, progress=progress)
        rows = judged.rows + null_rows(
            interactions,
            split,
            nulls,
            seed=config.seed,
            refit=config.training.refit,
            store=store,
            progress=progress,
        )
    results = AccuracyResults.of(protocol_of(config, interactions), rows, surroundings())
    results.write(run.results_path)
    test, held_out = judged.test, judged.held_out
    write_scores(run, interactions, split, judged.valid, test, held_out, model.calibration)
    known = interactions.target_index[split.train]
    write_trust(run, held_out, model, known, interactions.point()[split.train])
    found = {
        f"test_{name}": float(value)
        for name, value in rows[0].metrics.items()
        if isinstance(value, int | float) and np.isfinite(value)
    }
    kept = (path for path in (run.results_path, run.report_path) if path.exists())
    log_results(run, config, found, *kept)
    return EvaluatedRun(run, interactions, split, results, test, mutants.test)


def _check_memory(model: HyperPCM, run: RunFolder) -> None:
    """Refuse a model that may know labels of the test side."""
    if SHRUNK in model.card:
        raise InputError(
            f"{run.model_path}: this model was made small, and its memory may no longer be that of the "
            "table, so a test of the run would mean nothing. Put the model back that training wrote."
        )
    changes = len(model.card.get("memory", ()))
    if changes:
        raise InputError(
            f"{run.model_path}: its memory was changed after training ({changes} changes), and may hold "
            "labels of the test side, so a test would tell nothing. Put the model back that training wrote."
        )


def judge_model(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    model: HyperPCM,
    *,
    chosen: HyperPCM | None = None,
    name: str = "hyperpcm",
    seconds: float = 0.0,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> JudgedModel:
    """Score validation and test rows, and test rows with shuffled targets too.

    Args:
        config: the run's settings.
        interactions: the table.
        split: its division.
        model: as it is to be judged on the test side.
        chosen: trained on the training side, for scores of validation rows; None: it is ``model``. It is
            another one where ``model`` has learned from validation rows (``training.refit``).
        name: of the row.
        seconds: time already spent on training, added to that of scoring.
        store: where embeddings are kept.
        progress: called with a stage, what is done and what there is.
    """
    started = time.perf_counter()
    compound, target = interactions.compound_index, interactions.target_index
    data = encode(config, interactions, split, store, progress)
    valid = predict_pairs(chosen or model, data, compound[split.valid], target[split.valid])
    if chosen is not None and chosen is not model:
        data = encode(config, interactions, split, store, progress, learned=split.seen)

    def score(compounds: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return predict_pairs(model, data, compounds, targets)

    retrieved = retrieve_pairs(model, data, compound[split.test], target[split.test], progress)
    test = predict_pairs(model, data, compound[split.test], target[split.test], retrieved)
    spent = seconds + time.perf_counter() - started
    row = result_row(interactions, split, name, valid, test, seed=config.seed, seconds=spent)
    rows = [row]
    if len(np.unique(interactions.target_index[split.test])) > 1:
        rows.append(run_shuffled(interactions, split, score, seed=config.seed, model=f"{name}_shuffled"))
    unseen, calibration = Hiding.as_in_validation(interactions, split).unseen, model.calibration
    difficulty = _unknown if calibration is None else calibration.difficulty
    held_out = held_out_rows(data, split.test, test, retrieved, unseen, difficulty)
    return JudgedModel(rows, valid, test, held_out)


def _unknown(columns: torch.Tensor) -> torch.Tensor:
    """The difficulty of rows where no calibration tells it."""
    return columns.new_full((len(columns),), torch.nan)


def null_rows(
    interactions: Interactions,
    split: Split,
    nulls: Sequence[str] | None = None,
    *,
    seed: int = 0,
    refit: bool = False,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> list[ResultRow]:
    """Return the rows of the nulls, fitted on the training side and tuned on the validation side.

    With ``refit`` they learn once more from both, as the model did.
    """
    names = list(NULLS) if nulls is None else list(nulls)
    if not names:
        return []
    inputs = prepare_inputs(interactions, store, threads=max(1, torch.get_num_threads()), progress=progress)

    def tell(name: str) -> None:
        if progress is not None:
            progress(f"null: {name}", names.index(name), len(names))

    return run_nulls(
        inputs, split, [build_baseline(name) for name in names], seed=seed, refit=refit, progress=tell
    )


def protocol_of(config: RunConfig, interactions: Interactions) -> dict[str, object]:
    """Return what results must share to stand in one table: data, division and how they were made."""
    protocol: dict[str, object] = {
        "data": interactions.name,
        "fingerprint": interactions.fingerprint(),
        "merged": config.data.merge,
        "split": config.split.name,
        "folds": config.split.folds,
        "split_seed": config.split.seed,
        "options": dict(config.split.options),
    }
    return protocol | {"refit": True} if config.training.refit else protocol
