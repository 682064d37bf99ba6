"""From settings to a trained model in a run folder: where everything is wired together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hyperpcm.checkpoint import load_model
from hyperpcm.config import DataConfig, RunConfig
from hyperpcm.datasets import load, make_splits, read_table
from hyperpcm.datasets.classes import with_kind
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.encoders.store import usual_store
from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import Progress, build_model, encode
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.loggers import check_loggers
from hyperpcm.training.prepared import PreparedRun, loss_and_metric, train_prepared
from hyperpcm.training.prior_fit import fit_prior
from hyperpcm.training.processes import check_processes, meet
from hyperpcm.training.refit import refit_model
from hyperpcm.training.run_folder import RunFolder, outer_processes
from hyperpcm.training.threads import limited_threads

__all__ = ["FittedRun", "fit", "open_data", "open_split", "train_model"]


@dataclass(frozen=True)
class FittedRun:
    """What training leaves.

    Attributes:
        folder: the run.
        model_path: the trained model.
        best: the record of the epoch whose weights were kept.
        epochs: epochs trained.
    """

    folder: RunFolder
    model_path: Path
    best: Mapping[str, Any]
    epochs: int


def open_data(config: DataConfig, progress: Progress | None = None) -> Interactions:
    """Return the measurements that the settings name.

    Raises:
        LabelError: a threshold that does not divide the labels, or classes that are asked for as values.
    """
    if config.name is not None:
        table = load(config.name, merge=config.merge, progress=progress)
        return with_kind(table, config.kind, config.active_at)
    if config.path is None:
        raise ConfigError("data: neither a name nor a path is given.")

    def told(done: int) -> None:
        if progress is not None:
            progress(f"reading {config.path}", done, 0)

    return read_table(
        config.path,
        columns=config.columns or None,
        targets=config.targets,
        quantity=config.quantity,
        unit=config.unit,
        active_at=config.active_at,
        kind=config.kind,
        merge=config.merge,
        progress=told,
    )


def open_split(config: RunConfig, interactions: Interactions) -> Split:
    """Return the division that the settings name."""
    split = config.split
    made = make_splits(interactions, split.name, folds=split.folds, seed=split.seed, **split.options)
    if split.fold >= len(made):
        raise ConfigError(f"split.fold = {split.fold}, but a {split.name} split has {len(made)} folds here.")
    return made[split.fold] if split.test else made[split.fold].without_test(interactions)


def fit(
    config: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FittedRun:
    """Train a model and leave everything about it in a folder.

    Args:
        config: all settings.
        folder: of the run; made if need be.
        resume: go on with a run that was interrupted.
        overwrite: replace a run that is there.
        progress: called with a stage, what is done and what there is.

    Raises:
        OutputError: the folder holds a run, another process trains in it, or it cannot be made.
        IncompatibleModelError: resumed with other settings or data.
        TrainingStoppedError: a signal came; resume goes on from there.
        DivergedError: the loss was not a number too often.
        ProcessLostError: one of several processes died; resume goes on from the last checkpoint.
    """
    run, outer = RunFolder(folder), outer_processes()
    is_first = outer is None or outer.rank == 0
    if resume:
        run.check_same(config)
    interactions = open_data(config.data, progress)
    if resume:
        split = run.split(interactions)
    else:
        split = open_split(config, interactions)
        _check(config, interactions, split)
    with run.held() if is_first else nullcontext():
        if resume and run.model_path.exists():
            return _finished(run)
        if is_first and not resume:
            run.begin(config, interactions, split, overwrite=overwrite)
        with EmbeddingStore(usual_store()) as store, limited_threads(config.threads):
            if resume and run.selected_path.exists():
                model = load_model(run.selected_path)
            else:
                model, _ = train_model(
                    config, interactions, split, run=run, resume=resume, store=store, progress=progress
                )
            if config.training.refit:
                refit_model(
                    model, config, interactions, split, run=run, resume=resume, store=store, progress=progress
                )
        if is_first:
            run.clear_state()
        meet()
    return _finished(run)


def _finished(run: RunFolder) -> FittedRun:
    history = run.history()
    best = next(record for record in history if record["epoch"] == history[-1]["best_epoch"])
    return FittedRun(run, run.model_path, best, int(history[-1]["epoch"]))


def train_model(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    *,
    run: RunFolder | None = None,
    resume: bool = False,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> tuple[HyperPCM, dict[str, Any]]:
    """Train a model on the training side, in memory, or with checkpoints and logs in a run folder.

    With ``training.refit`` this is the first half: `refit_model` is the second.

    Returns:
        The model with its best weights, on the CPU, and the record of the epoch they come from.
    """
    _check(config, interactions, split)
    data = encode(config, interactions, split, store, progress)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, data)
    hiding = Hiding.as_in_validation(interactions, split, data.series)
    data = fit_prior(model, data, split, config, hiding, progress)
    prepared = PreparedRun(config, interactions, split, model, data, run, resume)
    model = train_prepared(prepared, progress)
    return model, model.card["best"]


def _check(config: RunConfig, interactions: Interactions, split: Split) -> None:
    """Refuse settings that do not fit the labels, and labels that no model can learn from."""
    loss_and_metric(config.training, interactions.quantity)
    check_loggers(config.training)
    check_processes(config.training)
    labels = interactions.point()[split.train]
    targets = len(np.unique(interactions.target_index[split.train]))
    if targets < 2:
        raise LabelError(
            f"the training side of {interactions.name!r} has one target only. A model across targets needs "
            "at least two, and in practice dozens."
        )
    if len(np.unique(labels)) < 2:
        raise LabelError(
            f"all {len(labels)} training labels of {interactions.name!r} are {labels[0]:g}. Nothing can be "
            "learned from a constant; check the value column."
        )
