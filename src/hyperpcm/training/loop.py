"""The training loop, explicit, on Lightning Fabric: steps, epochs, early stopping, exact resume.

Every step draws its randomness from (seed, step) and every epoch's order from (seed, epoch), so a run that
was killed and resumed ends with the weights of an uninterrupted one, bit for bit.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.config import TrainingConfig
from hyperpcm.errors import ConfigError, DivergedError
from hyperpcm.model import HyperPCM
from hyperpcm.nn.losses import Loss
from hyperpcm.training.batches import StepRows, TargetSampler
from hyperpcm.training.encoded import EncodedData, Retrieved, retrieve_pairs
from hyperpcm.training.processes import make_fabric
from hyperpcm.training.sharding import StepPart, add_gradients, agreed, same_start, total
from hyperpcm.training.stopping import StopSignal

__all__ = ["LoopState", "Trainer", "predict_pairs"]

logger = logging.getLogger(__name__)

_SEED_STRIDE = 1_000_003  # keeps the seeds of steps of neighbouring run seeds apart


@dataclass
class LoopState:
    """Where training stands; everything of it that is not a tensor.

    Attributes:
        epoch: the epoch in progress, from 1; 0 is the untrained model.
        step_in_epoch: steps of it that are done.
        step: steps done in all.
        bad_steps: steps that were skipped because their loss was not a number.
        best_epoch: the epoch whose weights are kept.
        best_value: its validation metric.
        rate_factor: what plateaus have left of the learning rate.
        epochs_since_cut: epochs without improvement since the rate was last halved.
        loss_sum: sum of the losses of the epoch in progress.
        loss_steps: steps that it is the sum of; those that were skipped are not among them.
        history: one record per finished epoch.
    """

    epoch: int = 1
    step_in_epoch: int = 0
    step: int = 0
    bad_steps: int = 0
    best_epoch: int = -1
    best_value: float | None = None
    rate_factor: float = 1.0
    epochs_since_cut: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """Trains one model on one split.

    Args:
        model: with memory, scalers and label retrieval set.
        data: the encoded table.
        train: training rows.
        validate: returns the validation metrics of the model as it is; may set its ``correction``. None: the
            last weights are kept.
        metric: name of the metric that selects the epoch.
        higher_is_better: of that metric.
        config: the loop's settings.
        loss: what is minimised.
        bin_width: of the labels that are bins, in scaled units; None where values are points.
        seed: of the run.
        hide_own_target: whether the context module must not see a query's own target, as validation does not.
        rates: learning rate of each epoch of another training, to be repeated; None: as the settings say.
    """

    def __init__(
        self,
        model: HyperPCM,
        data: EncodedData,
        train: npt.NDArray[np.int64],
        validate: Callable[[], dict[str, float]] | None,
        *,
        metric: str,
        higher_is_better: bool,
        config: TrainingConfig,
        loss: Loss,
        bin_width: float | None,
        seed: int,
        hide_own_target: bool = True,
        rates: Sequence[float] | None = None,
    ) -> None:
        self.hide_own_target, self.rates = hide_own_target, rates
        self.config, self.seed, self.data = config, seed, data
        self.metric, self.higher_is_better = metric, higher_is_better
        self._validate, self._bin_width = validate, bin_width
        self.state = LoopState()
        self.sampler = TargetSampler(
            train,
            data.target_index,
            targets=config.targets_per_batch,
            compounds=config.compounds_per_target,
            seed=seed,
        )
        self.fabric = make_fabric(config)
        self.fabric.launch()
        self.raw_model, self.loss = model, loss.to(self.fabric.device)
        parameters = [p for p in [*model.parameters(), *loss.parameters()] if p.requires_grad]
        self.model, self.optimiser = self.fabric.setup(model, _optimiser(parameters, config))
        same_start(self.fabric, [*model.parameters(), *loss.parameters()])
        self.best: dict[str, Tensor] = {}

    def run(
        self,
        *,
        save: Callable[[], None],
        stop: StopSignal,
        on_epoch: Callable[[dict[str, Any]], None],
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """Train to the end, or until a signal asks to stop.

        Args:
            save: writes a checkpoint of `state`, `best` and the module's and optimiser's tensors.
            stop: tells whether a signal has come; then a checkpoint is written and an error raised.
            on_epoch: receives the record of each finished epoch.
            progress: called with the steps done.

        Raises:
            TrainingStoppedError: a signal came; the checkpoint is written.
            DivergedError: the loss was not a number more often than allowed; the checkpoint is written.
        """
        state, steps = self.state, len(self.sampler)
        if state.best_epoch < 0:
            self._judge(0, None, on_epoch)
        saved_at = time.monotonic()
        epochs = self.config.epochs if self.rates is None else len(self.rates)
        while state.epoch <= epochs and not self._is_patience_spent():
            self._set_rate()
            plan = self.sampler.epoch(state.epoch)
            while state.step_in_epoch < steps:
                try:
                    self._step(plan[state.step_in_epoch])
                except DivergedError:
                    if self.fabric.is_global_zero:
                        save()
                    raise
                state.step += 1
                state.step_in_epoch += 1
                if progress is not None:
                    done = (state.epoch - 1) * steps + state.step_in_epoch
                    progress("training", done, epochs * steps)
                stop.adopt(agreed(self.fabric, stop.number))
                if stop.requested or time.monotonic() - saved_at >= self.config.checkpoint_seconds:
                    if self.fabric.is_global_zero:
                        save()
                    saved_at = time.monotonic()
                    stop.raise_if_requested()
            loss = state.loss_sum / state.loss_steps if state.loss_steps else None
            self._judge(state.epoch, loss, on_epoch)
            state.epoch, state.step_in_epoch = state.epoch + 1, 0
            state.loss_sum, state.loss_steps = 0.0, 0
        self.raw_model.load_state_dict(self.best)
        self.raw_model.eval()

    def _step(self, rows: StepRows) -> None:
        try:
            self._learn(rows)
        except (RuntimeError, MemoryError) as error:
            # torch says it with an error of its own on a GPU, and with a plain RuntimeError on a CPU.
            known = isinstance(error, torch.OutOfMemoryError | MemoryError)
            if not known and "can't allocate memory" not in str(error):
                raise
            lines, compounds = rows.rows.shape
            raise ConfigError(
                f"Step {self.state.step} ({lines} targets × {compounds} compounds) needs more memory than "
                "there is. Lower training.targets_per_batch, training.compounds_per_target or model.members."
            ) from error

    def _learn(self, step: StepRows) -> None:
        torch.manual_seed(self.seed * _SEED_STRIDE + self.state.step)
        self.model.train()
        device, data = self.fabric.device, self.data
        part = StepPart.of(len(step.targets), self.fabric.global_rank, self.fabric.world_size)
        rows = part.rows(step)
        at = torch.from_numpy(rows.rows)
        with part.noise():
            scores = self.model(**self._inputs(rows))
        labels = self._scaled(data.labels[at].to(device)).expand_as(scores)
        censored = data.censored[at].to(device).expand_as(scores)
        width = self._width_of(at, scores)
        loss = self.loss(scores.flatten(0, 1), labels.flatten(0, 1), censored.flatten(0, 1), width)
        value = total(self.fabric, part.weight * float(loss.detach()))
        if not math.isfinite(value):
            self._skip("loss", value, step)
            return
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(part.weight * loss)
        add_gradients(self.fabric, [*self.raw_model.parameters(), *self.loss.parameters()])
        norm = self.fabric.clip_gradients(
            self.model, self.optimiser, max_norm=self.config.clip, error_if_nonfinite=False
        )
        # With 16-mixed an overflow is expected now and then; the gradient scaler leaves out the step itself.
        if norm is not None and self.config.precision != "16-mixed" and not math.isfinite(float(norm)):
            self._skip("gradient norm", float(norm), step)
            return
        self.optimiser.step()
        self.state.loss_sum += value
        self.state.loss_steps += 1

    def _inputs(self, rows: StepRows) -> dict[str, Any]:
        """Return the arguments of the model's forward."""
        data, device, at = self.data, self.fabric.device, torch.from_numpy(rows.targets)
        compounds = data.compounds[torch.from_numpy(data.compound_index[rows.rows])]
        retrieved = None if data.retrieved is None else data.retrieved[torch.from_numpy(rows.rows)]
        hide_own = self.raw_model.config.context.mask_own and self.hide_own_target
        inputs = {
            "targets": data.targets[at],
            "compounds": compounds,
            "retrieved": retrieved,
            "similarity": None if data.similarity is None else data.similarity[at],
            "allowed": data.allowed[at] if hide_own else None,
            "learned": data.graphs_of(rows.rows),
        }
        return {name: None if value is None else value.to(device) for name, value in inputs.items()}

    def _width_of(self, at: Tensor, scores: Tensor) -> float | Tensor | None:
        """Return the width of the bins, of each label where some are points."""
        binned = self.data.binned
        if self._bin_width is None or binned is None:
            return self._bin_width
        return (binned[at].to(scores.device) * self._bin_width).expand_as(scores).flatten(0, 1)

    def _scaled(self, labels: Tensor) -> Tensor:
        scale = self.raw_model.label_scale
        return labels if scale.binary else scale.to_scaled(labels)

    def _skip(self, what: str, value: float, rows: StepRows) -> None:
        state = self.state
        state.bad_steps += 1
        logger.warning("step %d skipped: its %s is %s", state.step, what, value)
        if state.bad_steps > self.config.bad_steps:
            targets = ", ".join(map(str, rows.targets[:5]))
            raise DivergedError(
                f"The {what} was {value} at step {state.step} (epoch {state.epoch}, targets {targets} of the "
                f"table); that is {state.bad_steps} such steps. Lower training.learning_rate or "
                "training.clip, or look for extreme labels; the best weights so far are in the checkpoint."
            )

    def _judge(
        self, epoch: int, train_loss: float | None, on_epoch: Callable[[dict[str, Any]], None]
    ) -> None:
        """Validate, keep the weights if they are the best so far, and record the epoch."""
        state = self.state
        found = {} if self._validate is None else self._validated(self._validate)
        value = found.get(self.metric, math.nan)
        if self._validate is None or self._is_best(value):
            state.best_epoch, state.epochs_since_cut = epoch, 0
            state.best_value = value if math.isfinite(value) else None
            self.best = {
                key: tensor.detach().cpu().clone() for key, tensor in self.raw_model.state_dict().items()
            }
        else:
            state.epochs_since_cut += 1
            if self.config.schedule == "plateau" and state.epochs_since_cut >= self.config.plateau_epochs:
                state.rate_factor, state.epochs_since_cut = state.rate_factor / 2, 0
        record = {
            "epoch": epoch,
            "step": state.step,
            "train_loss": train_loss,
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            **{f"valid_{name}": x if math.isfinite(x) else None for name, x in found.items()},
            "best_epoch": state.best_epoch,
        }
        state.history.append(record)
        on_epoch(record)

    def _validated(self, validate: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Return the metrics, from the first process alone, so that all decide alike."""
        if self.fabric.world_size == 1:
            return validate()
        found = validate() if self.fabric.is_global_zero else {}
        found, shares = self.fabric.broadcast((found, self.raw_model.correction.tolist()))
        self.raw_model.correction.copy_(torch.tensor(shares))
        return found

    def _is_best(self, value: float) -> bool:
        """Whether a validation metric beats the best so far; the first epoch is kept whatever it says."""
        best = self.state.best_value
        if self.state.best_epoch < 0:
            return True
        if best is None or not math.isfinite(value):
            return math.isfinite(value)
        return value > best if self.higher_is_better else value < best

    def _is_patience_spent(self) -> bool:
        return self.state.epoch - 1 - max(self.state.best_epoch, 0) >= self.config.patience

    def _set_rate(self) -> None:
        config, state = self.config, self.state
        rate = config.learning_rate * state.rate_factor
        if self.rates is not None:
            rate = self.rates[state.epoch - 1]
        elif config.schedule == "cosine":
            rate = config.learning_rate * 0.5 * (1 + math.cos(math.pi * (state.epoch - 1) / config.epochs))
        for group in self.optimiser.param_groups:
            group["lr"] = rate


@torch.no_grad()
def predict_pairs(
    model: HyperPCM,
    data: EncodedData,
    compounds: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    retrieved: Retrieved | None = None,
) -> npt.NDArray[np.float32]:
    """Return scores, in label units, of any compounds for any targets of the table.

    Args:
        model: is put into evaluation mode.
        data: the encoded table.
        compounds: of each pair, int64 [n].
        targets: of each pair, int64 [n].
        retrieved: what the labels say about each pair, where that is at hand; computed if need be.
    """
    model.eval()
    device = model.memory_embeddings.device
    if retrieved is None:
        retrieved = retrieve_pairs(model, data, compounds, targets)
    scores = np.empty(len(compounds), dtype=np.float32)
    learned_of = _learned_vectors(model, data, compounds)
    for target in np.unique(targets):
        own = torch.from_numpy(np.flatnonzero(targets == target))
        at = torch.tensor([int(target)])
        features = None if retrieved is None else retrieved.features[own][None].to(device)
        prior = None if retrieved is None else retrieved.prior[own][None].to(device)
        inputs = data.compounds[torch.from_numpy(compounds)[own]][None].to(device)
        similarity = None if data.similarity is None else data.similarity[at].to(device)
        learned = None if learned_of is None else learned_of(compounds[own.numpy()])[None]
        known = torch.from_numpy(data.memory_row[[target]] >= 0).to(device)
        raw = model(
            data.targets[at].to(device),
            inputs,
            features,
            similarity,
            prior=prior,
            learned=learned,
            known=known,
        ).mean(0)[0]
        scores[own.numpy()] = model.label_scale.to_labels(raw).float().cpu().numpy()
    return scores


def _learned_vectors(
    model: HyperPCM, data: EncodedData, compounds: npt.NDArray[np.int64]
) -> Callable[[npt.NDArray[np.int64]], Tensor] | None:
    """What gives the learned vectors of some of these compounds; None where the networks read none."""
    if model.learned_compounds is None or data.graphs is None:
        return None
    different = np.unique(compounds)
    vectors = model.learned_compounds.vectors(data.graphs, torch.from_numpy(different))
    return lambda some: vectors[torch.from_numpy(np.searchsorted(different, some)).to(vectors.device)]


def _optimiser(parameters: list[torch.nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    # Fused, one pass over all parameters: plain Adam takes longer than the published step itself. But a fused
    # step unscales gradients by itself, and those of 16-mixed have to be unscaled before they are clipped.
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    fused = config.precision != "16-mixed"
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=fused)
