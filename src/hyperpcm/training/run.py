"""From settings to a trained model in a run folder: where everything is wired together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from hyperpcm import metrics
from hyperpcm.checkpoint import save_model
from hyperpcm.config import DataConfig, RunConfig, TrainingConfig
from hyperpcm.datasets import load, make_splits, read_table
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import HyperPCM
from hyperpcm.nn.losses import Loss, LossName
from hyperpcm.training.correction import supported_logit_share, supported_share
from hyperpcm.training.encoded import (
    EncodedData,
    Progress,
    Retrieved,
    build_model,
    encode,
)
from hyperpcm.training.hiding import Hidden
from hyperpcm.training.loggers import RunLoggers, check_loggers
from hyperpcm.training.loop import Trainer, predict_pairs
from hyperpcm.training.prior_fit import fit_prior
from hyperpcm.training.processes import check_processes, launch, meet, must_launch
from hyperpcm.training.run_folder import RunFolder, outer_processes
from hyperpcm.training.state import load_state, save_state
from hyperpcm.training.stopping import StopSignal

__all__ = ["FittedRun", "fit", "limited_threads", "open_data", "open_split", "train_model"]

logger = logging.getLogger(__name__)

_HIGHER_IS_BETTER = frozenset({"ci", "pearson", "spearman", "auroc"})


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
    """Return the measurements that the settings name."""
    if config.name is not None:
        return load(config.name, merge=config.merge, progress=progress)
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
    return made[split.fold]


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
        with EmbeddingStore() as store, limited_threads(config.threads):
            train_model(config, interactions, split, run=run, resume=resume, store=store, progress=progress)
        if is_first:
            run.clear_state()
        meet()
    return _finished(run)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold torch and the numerical libraries to some threads; 0 leaves them alone.

    Many small products on more threads than free cores wait for one another most of the time.
    """
    if not threads:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        torch.set_num_threads(before)


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
    """Train a model in memory, or with checkpoints and logs in a run folder.

    Returns:
        The model with its best weights, on the CPU, and the record of the epoch they come from.
    """
    _check(config, interactions, split)
    data = encode(config, interactions, split, store, progress)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, split, data)
    hidden = Hidden.as_in_validation(interactions, split)
    data = fit_prior(model, data, split, config, hidden, progress)
    prepared = (config, interactions, split, model, data, run, resume)
    if must_launch(config.training):
        trained: tuple[HyperPCM, dict[str, Any]] = launch(
            _train_prepared, prepared, config.training.processes, progress
        )
        return trained
    with StopSignal() as stop:
        return _train_prepared(*prepared, stop=stop, progress=progress)


def _train_prepared(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    model: HyperPCM,
    data: EncodedData,
    run: RunFolder | None,
    resume: bool,
    *,
    stop: StopSignal,
    progress: Progress | None,
) -> tuple[HyperPCM, dict[str, Any]]:
    """Train on this process, which may be one of several; the first alone writes into the folder."""
    with limited_threads(config.threads):
        trainer = _trainer(config, interactions, split, model, data)
        if run is not None and resume:
            load_state(run, trainer)
        folder = run if trainer.fabric.is_global_zero else None
        if folder is not None:
            folder.write_environment(surroundings(str(trainer.fabric.device)), config.seed)

        def save() -> None:
            if folder is not None:
                save_state(folder, trainer)

        with RunLoggers(config, folder, trainer.state.history) as loggers:
            trainer.run(save=save, stop=stop, on_epoch=loggers.epoch, progress=progress)
            history = trainer.state.history
            best = next(record for record in history if record["epoch"] == trainer.state.best_epoch)
            model.cpu()
            if folder is not None:
                model.card |= _card(config, interactions, split, best)
                save_model(model, folder.model_path, overwrite=True)
                loggers.files(folder.model_path, folder.split_path)
    return model, best


def _trainer(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    model: HyperPCM,
    data: EncodedData,
) -> Trainer:
    quantity, training = interactions.quantity, config.training
    binary = quantity.kind == "binary"
    loss, metric = _loss_and_metric(training, quantity)
    labels = interactions.point()[split.valid]
    compounds, targets = interactions.compound_index[split.valid], interactions.target_index[split.valid]
    at = torch.from_numpy(split.valid.copy())
    retrieved = None
    if data.retrieved is not None and data.prior is not None:
        ridge = None if data.ridge is None else data.ridge[at]
        retrieved = Retrieved(data.retrieved[at], ridge, data.prior[at])
    functions = {
        "mse": metrics.mse,
        "mae": metrics.mae,
        "ci": metrics.concordance_index,
        "pearson": metrics.pearson,
        "spearman": metrics.spearman,
    }
    if metric == "auroc":  # rows whose class a bound leaves open do not count, as in the evaluation
        active, known = interactions.is_active()[split.valid], interactions.activity_is_known()[split.valid]
    shown = {"auroc"} if binary else {"mse", "ci", metric} - {"auroc"}

    prior = None
    if retrieved is not None:
        prior = model.label_scale.to_labels(model.label_scale.prior(retrieved.prior)).numpy()

    def validate() -> dict[str, float]:
        model.correction.fill_(1.0)
        scores = predict_pairs(model, data, compounds, targets, retrieved)
        share = 1.0
        if prior is not None:
            if binary:
                base, full = _logits(prior), _logits(scores)
                share = supported_logit_share(labels > 0.5, base, full - base, targets, compounds)
                scores = _probabilities(base + np.float32(share) * (full - base))
            else:
                share = supported_share(labels - prior, scores - prior, targets, compounds)
                scores = prior + np.float32(share) * (scores - prior)
            model.correction.fill_(share)
        found = {name: float(functions[name](labels, scores)) for name in sorted(shown) if name in functions}
        if metric == "auroc":
            found["auroc"] = float(metrics.auroc(active[known], scores[known]))
        return found if prior is None else found | {"correction": share}

    width = quantity.bin_width
    return Trainer(
        model,
        data,
        split.train,
        validate,
        metric=metric,
        higher_is_better=metric in _HIGHER_IS_BETTER,
        config=training,
        loss=Loss(loss),
        bin_width=None if width is None else width / model.label_scale.scale,
        seed=config.seed,
        hide_own_target=Hidden.as_in_validation(interactions, split).targets,
    )


def _logits(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    inside = np.clip(probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside)).astype(np.float32)


def _probabilities(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), dtype=np.float32)


def _loss_and_metric(training: TrainingConfig, quantity: Quantity) -> tuple[LossName, str]:
    """Return what is minimised and what selects the epoch, as the settings and the kind of labels have it."""
    binary = quantity.kind == "binary"
    metric = training.metric
    if metric == "auto":
        metric = "auroc" if binary else "mse"
    loss = training.loss
    if loss == "auto":
        loss = "bce" if binary else "mse"
    if binary != (loss == "bce"):
        raise ConfigError(f"training.loss = {loss!r} does not fit {quantity.kind} labels ({quantity.name}).")
    if binary and metric != "auroc":
        raise ConfigError(f"training.metric = {metric!r} does not fit two classes; use auroc.")
    if metric == "auroc" and quantity.active_at is None:
        raise ConfigError("training.metric = 'auroc' needs a threshold of activity; set data.active_at.")
    return loss, metric


def _check(config: RunConfig, interactions: Interactions, split: Split) -> None:
    """Refuse settings that do not fit the labels, and labels that no model can learn from."""
    _loss_and_metric(config.training, interactions.quantity)
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


def _card(
    config: RunConfig, interactions: Interactions, split: Split, best: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a reader of the model file should know about it."""
    return {
        "data": interactions.name,
        "data_fingerprint": interactions.fingerprint(),
        "interactions": len(split.train),
        "targets": len(np.unique(interactions.target_index[split.train])),
        "compounds": len(np.unique(interactions.compound_index[split.train])),
        "split": split.label(),
        "seed": config.seed,
        "best": dict(best),
    }
