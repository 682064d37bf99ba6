"""Trains what is prepared: a model with its prior fitted, on this process or as one of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hyperpcm import metrics
from hyperpcm.checkpoint import save_model
from hyperpcm.config import RunConfig, TrainingConfig
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import ConfigError
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import HyperPCM
from hyperpcm.model.card import card_text
from hyperpcm.nn.losses import Loss, LossName
from hyperpcm.target_model.label_scale import logits_of, probabilities_of
from hyperpcm.training.adapted_intervals import fit_inflation
from hyperpcm.training.calibration_fit import fit_calibration, held_out_rows
from hyperpcm.training.card import card_record
from hyperpcm.training.correction import cautious_logit_share, cautious_share
from hyperpcm.training.encoded import EncodedData, Progress
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.loggers import RunLoggers
from hyperpcm.training.loop import Trainer, predict_pairs
from hyperpcm.training.processes import launch, must_launch
from hyperpcm.training.residuals_fit import fit_residual_prior
from hyperpcm.training.run_folder import RunFolder
from hyperpcm.training.state import load_state, save_state
from hyperpcm.training.stopping import StopSignal
from hyperpcm.training.threads import limited_threads

__all__ = ["PreparedRun", "loss_and_metric", "train_prepared"]

_HIGHER_IS_BETTER = frozenset({"ci", "pearson", "spearman", "auroc"})


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A model with its prior fitted, and all that its networks are trained with.

    Attributes:
        config: all settings.
        interactions: the table.
        split: its division.
        model: changed in place.
        data: the encoded table.
        run: the folder that gets checkpoints, logs and the model; None keeps nothing.
        resume: go on from the folder's training state, where there is one.
        rates: learning rate of each epoch where an earlier training is repeated on other rows: nothing is
            validated then. None: a training of its own.
    """

    config: RunConfig
    interactions: Interactions
    split: Split
    model: HyperPCM
    data: EncodedData
    run: RunFolder | None
    resume: bool
    rates: tuple[float, ...] | None = None

    @property
    def state_name(self) -> str:
        """Name of its training state in the folder."""
        return "last" if self.rates is None else "refit"


def train_prepared(prepared: PreparedRun, progress: Progress | None = None) -> HyperPCM:
    """Train the networks on as many processes as the settings say.

    Returns:
        The model with the weights that are kept, on the CPU; its card tells about the training.
    """
    if must_launch(prepared.config.training):
        processes = prepared.config.training.processes
        trained: HyperPCM = launch(_train_here, (prepared,), processes, progress)
        return trained
    with StopSignal() as stop:
        return _train_here(prepared, stop=stop, progress=progress)


def _train_here(prepared: PreparedRun, *, stop: StopSignal, progress: Progress | None) -> HyperPCM:
    """Train on this process, which may be one of several; the first alone writes into the folder."""
    config, run, model = prepared.config, prepared.run, prepared.model
    is_repeated = prepared.rates is not None
    with limited_threads(config.threads):
        trainer = _trainer(prepared)
        if run is not None and prepared.resume:
            load_state(run, trainer, prepared.state_name)
        folder = run if trainer.fabric.is_global_zero else None
        if folder is not None:
            folder.write_environment(surroundings(str(trainer.fabric.device)), config.seed)

        def save() -> None:
            if folder is not None:
                save_state(folder, trainer, prepared.state_name)

        history = trainer.state.history
        if is_repeated and folder is not None:
            history = folder.history()  # the curves are those of the training that was validated
        with RunLoggers(config, folder, history) as loggers:
            on_epoch = _unheard if is_repeated else loggers.epoch
            trainer.run(save=save, stop=stop, on_epoch=on_epoch, progress=progress)
            model.cpu()
            if not is_repeated:
                model.card |= card_record(
                    config, prepared.interactions, prepared.split, prepared.data, history
                )
                if trainer.fabric.is_global_zero:
                    _calibrate(prepared, progress)
            model.card["text"] = card_text(model)
            if folder is not None:
                is_last = is_repeated or not config.training.refit
                path = folder.model_path if is_last else folder.selected_path
                save_model(model, path, overwrite=True)
                if is_last:
                    loggers.files(path, folder.split_path)
    return model


def _calibrate(prepared: PreparedRun, progress: Progress | None) -> None:
    """Give the trained model what the validation side tells: intervals, probabilities, how residuals go."""
    interactions, split, model, data = prepared.interactions, prepared.split, prepared.model, prepared.data
    retrieved = data.retrieved_for(torch.from_numpy(split.valid.copy()))
    compounds, targets = interactions.compound_index[split.valid], interactions.target_index[split.valid]
    scores = predict_pairs(model, data, compounds, targets, retrieved)
    hiding = Hiding.as_in_validation(interactions, split, data.series)
    fit_calibration(model, data, split.valid, scores, retrieved, prepared.config, hiding, progress)
    fit_residual_prior(model, data, split.valid, scores, prepared.config.seed, progress)
    if model.calibration is not None:
        held_out = held_out_rows(
            data, split.valid, scores, retrieved, hiding.unseen, model.calibration.difficulty
        )
        fit_inflation(model, data, interactions, split.valid, scores, held_out, prepared.config.seed)


def _unheard(record: dict[str, Any]) -> None:
    """Epochs that nothing validates have no curve."""


def _trainer(prepared: PreparedRun) -> Trainer:
    config, interactions, split = prepared.config, prepared.interactions, prepared.split
    model, quantity = prepared.model, interactions.quantity
    loss, metric = loss_and_metric(config.training, quantity)
    width = quantity.bin_width
    return Trainer(
        model,
        prepared.data,
        prepared.data.learned,
        _validation(prepared, metric) if prepared.rates is None else None,
        metric=metric,
        higher_is_better=metric in _HIGHER_IS_BETTER,
        config=config.training,
        loss=Loss(loss),
        bin_width=None if width is None else width / model.label_scale.scale,
        seed=config.seed,
        hide_own_target=Hiding.as_in_validation(interactions, split).targets,
        rates=prepared.rates,
    )


def _validation(prepared: PreparedRun, metric: str) -> Callable[[], dict[str, float]]:
    """What validates the model after each epoch, and sets the shares of its networks.

    New targets and known ones have a share each, as validation rows of their kind support it; of a kind
    without rows that of the other one counts.
    """
    interactions, split = prepared.interactions, prepared.split
    model, data = prepared.model, prepared.data
    binary = interactions.quantity.kind == "binary"
    labels = interactions.point()[split.valid]
    compounds, targets = interactions.compound_index[split.valid], interactions.target_index[split.valid]
    at = torch.from_numpy(split.valid.copy())
    retrieved = data.retrieved_for(at)
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

    prior, on_known = None, data.memory_row[targets] >= 0
    kinds = {name: own for name, own in (("new", ~on_known), ("known", on_known)) if own.any()}
    if retrieved is not None:
        prior = model.label_scale.to_labels(model.label_scale.prior(retrieved.prior)).numpy()

    def validate() -> dict[str, float]:
        model.correction.fill_(1.0)
        scores = predict_pairs(model, data, compounds, targets, retrieved)
        shares: dict[str, float] = {}
        if prior is not None:
            base, full = (logits_of(one).astype(np.float32) if binary else one for one in (prior, scores))
            added = full - base
            for name, own in kinds.items():
                units = (targets[own], compounds[own])
                shares[name] = (
                    cautious_logit_share(labels[own] > 0.5, base[own], added[own], *units)
                    if binary
                    else cautious_share(labels[own] - base[own], added[own], *units)
                )
                added[own] *= np.float32(shares[name])
            scores = probabilities_of(base + added) if binary else base + added
            (some, *_) = shares.values()
            model.correction.copy_(torch.tensor([shares.get(name, some) for name in ("new", "known")]))
        found = {name: float(functions[name](labels, scores)) for name in sorted(shown) if name in functions}
        if metric == "auroc":
            found["auroc"] = float(metrics.auroc(active[known], scores[known]))
        return found | {f"correction_{name}": share for name, share in shares.items()}

    return validate


def loss_and_metric(training: TrainingConfig, quantity: Quantity) -> tuple[LossName, str]:
    """Return what is minimised and what selects the epoch, as the settings and the kind of labels have it.

    Raises:
        ConfigError: a loss or metric that does not fit the labels.
    """
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
