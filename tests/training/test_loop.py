"""The loop: rates that really change, the best epoch kept, and steps that are not numbers."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from hyperpcm.config import RunConfig, TrainingConfig
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import ConfigError, DivergedError
from hyperpcm.model import HyperPCM
from hyperpcm.nn.losses import Loss
from hyperpcm.training.encoded import EncodedData, build_model, encode
from hyperpcm.training.loop import Trainer
from hyperpcm.training.run import open_data, open_split
from hyperpcm.training.stopping import StopSignal
from small_runs import NO_RETRIEVAL, fingerprint, tiny, write_table

Made = tuple[RunConfig, HyperPCM, EncodedData, Split]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv"), *NO_RETRIEVAL)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    data = encode(config, interactions, split)
    torch.manual_seed(0)
    return config, build_model(config, interactions, data), data, split


@dataclasses.dataclass
class Ran:
    """What a run of the loop left."""

    trainer: Trainer
    records: list[dict[str, Any]]
    weights: list[dict[str, Tensor]]
    """After each epoch, as the loop had them."""
    saved: list[int]
    """Steps done at each checkpoint."""

    def state(self) -> dict[str, Tensor]:
        return dict(self.trainer.raw_model.state_dict())


def ran(
    made: Made,
    *,
    metrics: Iterator[float] | Callable[[HyperPCM], float] = lambda model: 0.0,
    data: EncodedData | None = None,
    higher_is_better: bool = False,
    loss: str = "mse",
    prepare: Callable[[Trainer], None] = lambda trainer: None,
    saved: list[int] | None = None,
    validated: bool = True,
    rates: list[float] | None = None,
    **training: object,
) -> Ran:
    """Train a copy of the model; the validation metric is what the test says."""
    config, model, encoded, split = made
    model = copy.deepcopy(model)

    def validate() -> dict[str, float]:
        return {"mse": next(metrics) if isinstance(metrics, Iterator) else metrics(model)}

    settings = TrainingConfig.model_validate(config.training.model_dump() | training)
    trainer = Trainer(
        model,
        encoded if data is None else data,
        split.train,
        validate if validated else None,
        metric="mse",
        higher_is_better=higher_is_better,
        config=settings,
        loss=Loss(loss),
        bin_width=None,
        seed=0,
        rates=rates,
    )
    prepare(trainer)
    result = Ran(trainer, [], [], [] if saved is None else saved)

    def on_epoch(record: dict[str, Any]) -> None:
        result.records.append(record)
        result.weights.append({key: value.clone() for key, value in model.state_dict().items()})

    with StopSignal() as stop:
        trainer.run(save=lambda: result.saved.append(trainer.state.step), stop=stop, on_epoch=on_epoch)
    return result


# Schedule. A trap of the published code: a misspelt name, and its schedule never ran.


def test_the_cosine_schedule_sets_the_rate_of_each_epoch(made: Made):
    result = ran(made, epochs=8, schedule="cosine", learning_rate=0.01)
    rates = [record["learning_rate"] for record in result.records[1:]]
    assert rates == pytest.approx([0.01 * 0.5 * (1 + math.cos(math.pi * e / 8)) for e in range(8)])


def test_a_constant_rate_stays(made: Made):
    result = ran(made, epochs=4, schedule="constant", learning_rate=0.01)
    assert {record["learning_rate"] for record in result.records} == {0.01}


def test_a_plateau_halves_the_rate_again_and_again(made: Made):
    metrics = iter([5.0, 4.0, 4.5, 4.5, 4.5, 3.0, 3.5, 3.5, 3.5, 3.5, 3.5])
    result = ran(made, metrics=metrics, epochs=10, schedule="plateau", plateau_epochs=2, learning_rate=0.08)
    # Better at epochs 1 and 5; two epochs without improvement end at 3, 7 and 9.
    assert [record["learning_rate"] for record in result.records[1:]] == pytest.approx(
        [0.08, 0.08, 0.08, 0.04, 0.04, 0.04, 0.04, 0.02, 0.02, 0.01]
    )


def moved(result: Ran, epoch: int) -> float:
    """Mean absolute change of the weights in an epoch."""
    before, after = result.weights[epoch - 1], result.weights[epoch]
    names = [name for name, _ in result.trainer.raw_model.named_parameters()]
    return float(torch.cat([(after[name] - before[name]).flatten() for name in names]).abs().mean())


def test_a_lower_rate_moves_the_weights_less(made: Made):
    falling = ran(made, epochs=6, schedule="cosine", weight_decay=0.0)
    steady = ran(made, epochs=6, schedule="constant", weight_decay=0.0)
    assert moved(falling, 6) < 0.2 * moved(steady, 6)
    assert moved(falling, 1) == moved(steady, 1)


# Which epoch is kept


def test_the_weights_of_the_best_epoch_are_kept(made: Made):
    result = ran(made, metrics=iter([5.0, 4.0, 2.0, 3.0, 2.0, 6.0]), epochs=5)
    assert result.trainer.state.best_epoch == 2  # the first of two equal ones
    assert result.records[-1]["best_epoch"] == 2
    assert fingerprint(result.state()) == fingerprint(result.weights[2])
    assert fingerprint(result.state()) != fingerprint(result.weights[5])
    assert not result.trainer.raw_model.training


def test_higher_can_be_better(made: Made):
    result = ran(made, metrics=iter([0.5, 0.7, 0.6, 0.8, 0.1, 0.2]), epochs=5, higher_is_better=True)
    assert result.trainer.state.best_epoch == 3


def test_the_untrained_model_is_a_candidate(made: Made):
    result = ran(made, metrics=iter([1.0, 1.0, 2.0, 3.0]), epochs=3)
    assert (result.records[0]["epoch"], result.records[0]["train_loss"]) == (0, None)
    assert result.trainer.state.best_epoch == 0
    assert fingerprint(result.state()) == fingerprint(dict(made[1].state_dict()))


def test_training_stops_when_patience_is_spent(made: Made):
    result = ran(made, metrics=iter([5.0, 4.0, 3.0, 3.5, 3.5, 3.5, 1.0]), epochs=50, patience=3)
    assert [record["epoch"] for record in result.records] == [0, 1, 2, 3, 4, 5]
    assert result.trainer.state.best_epoch == 2


def test_without_validation_other_epochs_are_repeated_with_their_rates_and_the_last_weights_kept(made: Made):
    rates = [0.004, 0.001]
    result = ran(made, validated=False, rates=rates, epochs=9, schedule="cosine")
    assert [record["learning_rate"] for record in result.records[1:]] == rates
    assert [record["best_epoch"] for record in result.records] == [0, 1, 2]
    assert not any(key.startswith("valid") for record in result.records for key in record)
    assert fingerprint(result.state()) == fingerprint(result.weights[-1])


def test_a_metric_that_is_no_number_never_wins_and_is_recorded_as_none(made: Made):
    nan = float("nan")
    result = ran(made, metrics=iter([nan, nan, 3.0, nan, 2.0, float("inf")]), epochs=5)
    assert result.trainer.state.best_epoch == 4
    assert [record["valid_mse"] for record in result.records] == [None, None, 3.0, None, 2.0, None]
    assert [record["best_epoch"] for record in result.records] == [0, 0, 2, 2, 4, 4]


def test_a_metric_that_is_never_a_number_leaves_the_untrained_model(made: Made):
    result = ran(made, metrics=lambda model: float("nan"), epochs=2)
    assert result.trainer.state.best_epoch == 0
    assert fingerprint(result.state()) == fingerprint(result.weights[0])


def test_records_tell_epoch_step_loss_and_rate(made: Made):
    result = ran(made, epochs=2)
    steps = len(result.trainer.sampler)
    assert [record["step"] for record in result.records] == [0, steps, 2 * steps]
    assert all(record["train_loss"] > 0 for record in result.records[1:])


def test_the_loss_falls(made: Made):
    result = ran(made, epochs=12, schedule="constant")
    losses = [record["train_loss"] for record in result.records[1:]]
    assert min(losses[-3:]) < 0.6 * losses[0]  # single epochs of so few labels stand out, on some machines


@pytest.mark.parametrize("loss", ["l1", "smooth_l1", "censored"])
def test_every_loss_of_values_can_be_trained(made: Made, loss: str):
    result = ran(made, epochs=1, loss=loss)
    assert math.isfinite(result.records[1]["train_loss"])
    if loss == "censored":
        assert result.trainer.loss.log_deviation.item() != 0.0  # is learned with the rest


# Optimiser


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_both_optimisers_step(made: Made, optimiser: str):
    result = ran(made, epochs=1, optimiser=optimiser)
    assert moved(result, 1) > 0
    assert type(result.trainer.optimiser.optimizer).__name__.lower() == optimiser


def test_gradients_are_clipped_to_the_norm_asked_for(made: Made):
    norms: list[float] = []

    def prepare(trainer: Trainer) -> None:
        step = trainer.optimiser.optimizer.step
        parameters = list(trainer.raw_model.parameters())

        def watched(*arguments: object, **named: object) -> object:
            gradients = [p.grad for p in parameters if p.grad is not None]
            norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
            return step(*arguments, **named)

        trainer.optimiser.optimizer.step = watched

    ran(made, prepare=prepare, epochs=1, clip=0.01)
    assert max(norms) == pytest.approx(0.01, rel=1e-3)
    norms.clear()
    ran(made, prepare=prepare, epochs=1, clip=1e9)
    assert max(norms) > 0.1


# Steps that are not numbers


def spoilt(made: Made, value: float = float("nan")) -> tuple[EncodedData, int]:
    """Data in which one training label is not a number, and the target it is on."""
    _, _, data, split = made
    labels = data.labels.clone()
    labels[int(split.train[0])] = value
    return dataclasses.replace(data, labels=labels), int(data.target_index[split.train[0]])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_step_whose_loss_is_no_number_is_skipped(
    made: Made, value: float, caplog: pytest.LogCaptureFixture
):
    data, _ = spoilt(made, value)
    result = ran(made, data=data, epochs=3, bad_steps=1000)
    assert 0 < result.trainer.state.bad_steps < result.trainer.state.step
    assert all(bool(torch.isfinite(tensor).all()) for tensor in result.weights[-1].values())
    assert all(math.isfinite(record["train_loss"]) for record in result.records[1:])
    assert moved(result, 1) > 0
    skipped = [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
    assert len(skipped) == result.trainer.state.bad_steps


def test_the_loss_of_an_epoch_is_the_mean_over_the_steps_that_were_not_skipped(made: Made):
    data, _ = spoilt(made)
    losses: list[float] = []

    def listen(trainer: Trainer) -> None:
        trainer.loss.register_forward_hook(lambda module, given, loss: losses.append(float(loss.detach())))

    result = ran(made, data=data, prepare=listen, epochs=1, bad_steps=1000)
    finite = [loss for loss in losses if math.isfinite(loss)]
    assert 0 < len(finite) < len(losses)
    assert result.records[1]["train_loss"] == pytest.approx(sum(finite) / len(finite))


def test_too_many_skipped_steps_end_training_with_a_checkpoint(made: Made):
    data, target = spoilt(made)
    trainers: list[Trainer] = []
    saved: list[int] = []
    with pytest.raises(DivergedError) as caught:
        ran(made, data=data, epochs=50, bad_steps=2, prepare=trainers.append, saved=saved)
    text = str(caught.value)
    assert "loss was nan" in text
    assert str(target) in text
    assert "3 such steps" in text
    assert "training.learning_rate" in text
    assert trainers[0].state.bad_steps == 3
    assert trainers[0].best
    assert saved == [trainers[0].state.step]


def test_a_gradient_that_is_no_number_never_reaches_the_weights(made: Made):
    """A finite loss can have an infinite gradient; one such step would spoil every weight."""

    def prepare(trainer: Trainer) -> None:
        trainer.raw_model.members[0].hypernetwork.trunk[0].weight.register_hook(lambda g: g * float("inf"))

    trainers: list[Trainer] = []

    def both(trainer: Trainer) -> None:
        prepare(trainer)
        trainers.append(trainer)

    with pytest.raises(DivergedError, match="gradient norm was"):
        ran(made, prepare=both, epochs=2, bad_steps=3)
    state = dict(trainers[0].raw_model.state_dict())
    assert fingerprint(state) == fingerprint(dict(made[1].state_dict()))


def test_an_exploding_run_is_ended(made: Made):
    with pytest.raises(DivergedError, match=r"training\.learning_rate"):
        ran(made, epochs=20, learning_rate=1e25, bad_steps=5)


def test_a_step_that_needs_too_much_memory_says_which_setting_to_lower(made: Made):
    def greedy(trainer: Trainer) -> None:
        trainer.raw_model.register_forward_pre_hook(lambda *_: torch.empty(2**52) and None)

    with pytest.raises(ConfigError, match=r"needs more memory .*training\.targets_per_batch"):
        ran(made, prepare=greedy, epochs=1)


def test_checkpoints_come_as_often_as_asked(made: Made):
    every = ran(made, epochs=2, checkpoint_seconds=0)
    assert every.saved == list(range(1, every.trainer.state.step + 1))
    assert ran(made, epochs=2, checkpoint_seconds=3600).saved == []


def test_equal_seeds_give_equal_steps_whatever_was_drawn_before(made: Made):
    first = ran(made, epochs=2)
    torch.manual_seed(999)
    torch.randn(7)
    assert fingerprint(ran(made, epochs=2).weights[-1]) == fingerprint(first.weights[-1])


# What a step shows the model


@pytest.mark.parametrize("mask_own", [True, False])
def test_a_target_does_not_see_itself_in_training(made: Made, mask_own: bool):
    """A trap of the published code: training queries retrieved themselves."""
    config, model, data, split = made
    context = config.model.context.model_copy(update={"mask_own": mask_own})
    masked = copy.deepcopy(model)
    masked.config = model.config.model_copy(update={"context": context})
    seen: list[tuple[Tensor, Tensor | None]] = []

    def prepare(trainer: Trainer) -> None:
        def look(module: torch.nn.Module, arguments: tuple, named: dict) -> None:
            seen.append((named["targets"], named["allowed"]))

        trainer.raw_model.register_forward_pre_hook(look, with_kwargs=True)

    ran((config, masked, data, split), prepare=prepare, epochs=1)
    assert seen
    memory = data.targets[torch.from_numpy(data.memory_targets)]
    for targets, allowed in seen:
        if not mask_own:
            assert allowed is None
            continue
        own = (targets[:, None] == memory[None]).all(-1)
        assert bool((own.sum(1) == 1).all())  # each training target is in the memory, once
        assert torch.equal(allowed, ~own)


def test_a_step_holds_the_labels_of_its_own_rows(made: Made):
    """Embeddings, rows and labels stay together: what is learned is the label of the pair that is shown."""
    _, model, data, split = made
    pairs: list[tuple[Tensor, Tensor]] = []
    losses: list[tuple[Tensor, Tensor]] = []

    def prepare(trainer: Trainer) -> None:
        trainer.raw_model.register_forward_pre_hook(
            lambda _, __, named: pairs.append((named["targets"], named["compounds"])), with_kwargs=True
        )
        trainer.loss.register_forward_pre_hook(lambda _, given: losses.append((given[0], given[1])))

    ran(made, prepare=prepare, epochs=1)
    label_of = {
        (data.targets[t].numpy().tobytes(), data.compounds[c].numpy().tobytes()): float(label)
        for t, c, label in zip(
            data.target_index[split.train],
            data.compound_index[split.train],
            model.label_scale.to_scaled(data.labels[torch.from_numpy(split.train.copy())]),
            strict=True,
        )
    }
    assert len(pairs) == len(losses) > 0
    for (targets, compounds), (_, labels) in zip(pairs, losses, strict=True):
        for t in range(len(targets)):
            for c in range(compounds.shape[1]):
                key = (targets[t].numpy().tobytes(), compounds[t, c].numpy().tobytes())
                assert labels[t, c].item() == pytest.approx(label_of[key])
