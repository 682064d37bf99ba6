"""Learning once more from training and validation rows: what is kept, what changes, and what may not."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.baselines import prepare_inputs
from hyperpcm.checkpoint import load_model
from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import ConfigError, InputError, TrainingStoppedError
from hyperpcm.evaluation.few_shot import FewShotProtocol
from hyperpcm.model import HyperPCM
from hyperpcm.training import fit
from hyperpcm.training.encoded import build_model, encode
from hyperpcm.training.evaluation import evaluate_run
from hyperpcm.training.few_shot import FewShotRow, few_shot_part
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import prior_alone, refit_prior
from hyperpcm.training.refit import refit_model
from hyperpcm.training.report_run import report_run
from hyperpcm.training.run import open_data, open_split, train_model
from hyperpcm.training.run_folder import RunFolder
from small_runs import NO_RETRIEVAL, fingerprint, tiny, weights_of, write_table

TREES = ("model.trees.enabled=true", "model.trees.most=20", "model.retrieval.steps=3")
NETWORKS = (*NO_RETRIEVAL, "training.targets_per_batch=5")

Opened = tuple[RunConfig, Interactions, Split]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "table.csv")


def opened(table: Path, *settings: str) -> Opened:
    config = tiny(table, "training.refit=true", *settings)
    interactions = open_data(config.data)
    return config, interactions, open_split(config, interactions)


def state(model: HyperPCM) -> str:
    return fingerprint({key: value.cpu() for key, value in model.state()[0].items()})


@pytest.fixture
def supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees have a share, whatever validation says: the table is too small for them to earn one."""
    monkeypatch.setattr("hyperpcm.training.trees_fit.supported_share", lambda *_: 0.4)


@pytest.mark.usefixtures("supported")
def test_the_prior_fitted_again_to_the_same_rows_is_the_same(table: Path):
    config, interactions, split = opened(table, *TREES)
    chosen = prior_alone(config, interactions, split)
    assert chosen.trees.size[0] > 0
    data = encode(config, interactions, split)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, data)
    refit_prior(model, data, chosen, config, Hiding.as_in_validation(interactions, split))
    model.correction.copy_(chosen.correction)
    assert model.card["trees"] == chosen.card["trees"]
    assert state(model) == state(chosen)


@pytest.mark.usefixtures("supported")
def test_the_memory_knows_the_validation_side_and_what_was_chosen_stays(table: Path):
    config, interactions, split = opened(table, *TREES)
    chosen = prior_alone(config, interactions, split)
    model = refit_model(chosen, config, interactions, split)
    rows = split.seen
    known = {interactions.targets[target] for target in interactions.target_index[rows]}
    assert set(model.memory_sequences) == known
    assert len(known) > len(chosen.memory_sequences)
    assert len(model.memory_values) == len(rows)
    assert model.card["interactions"] == len(rows)
    assert model.card["refit"] is True
    assert model.ridge is not None
    assert chosen.ridge is not None
    assert model.ridge.kernel_parts() == chosen.ridge.kernel_parts()
    for share in ("ridge_share", "trees_share", "correction"):
        assert torch.equal(getattr(model, share), getattr(chosen, share))
    assert model.ridge_contrast == chosen.ridge_contrast
    assert model.card["trees"] == chosen.card["trees"]


@pytest.mark.usefixtures("supported")
def test_test_labels_are_never_looked_at_and_validation_labels_are(table: Path):
    config, interactions, split = opened(table, *TREES)
    chosen = prior_alone(config, interactions, split)
    data = encode(config, interactions, split, learned=split.seen)
    asked = interactions.compound_index[split.test], interactions.target_index[split.test]
    found = []
    for side in (None, split.test, split.valid):
        values = interactions.values.copy()
        if side is not None:
            values[side] += 2.0
        changed = dataclasses.replace(interactions, values=values)
        model = refit_model(chosen, config, changed, split)
        encoded = dataclasses.replace(data, labels=torch.from_numpy(changed.point().copy()))
        found.append(predict_pairs(model, encoded, *asked))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).mean() > 0.1


def test_networks_repeat_the_epochs_that_were_chosen_with_their_rates(table: Path):
    config, interactions, split = opened(table, *NETWORKS, "training.epochs=6")
    chosen, best = train_model(config, interactions, split)
    assert best["epoch"] == len(chosen.card["learning_rates"]) > 0
    told: list[tuple[str, int, int]] = []
    model = refit_model(chosen, config, interactions, split, progress=lambda *entry: told.append(entry))
    steps = [(done, total) for stage, done, total in told if stage == "training"]
    total = len(steps)
    assert steps == [(step, total) for step in range(1, total + 1)]
    assert total % best["epoch"] == 0
    assert total / best["epoch"] > best["step"] / best["epoch"]  # an epoch has more targets now
    assert state(model) != state(chosen)
    assert model.card["best"] == best
    assert not model.training


def test_networks_that_validation_does_not_support_are_not_trained(table: Path):
    config, interactions, split = opened(table)
    chosen, _ = train_model(config, interactions, split)
    chosen.correction.fill_(0.0)
    told: list[str] = []
    model = refit_model(chosen, config, interactions, split, progress=lambda stage, *_: told.append(stage))
    assert "training" not in told
    assert not model.correction.any()


def test_the_folder_keeps_the_model_that_was_validated_and_its_curves(table: Path, tmp_path: Path):
    plain = fit(tiny(table, *NETWORKS), tmp_path / "plain").folder
    done = fit(tiny(table, *NETWORKS, "training.refit=true"), tmp_path / "run")
    run = done.folder
    assert weights_of(run.selected_path) == weights_of(plain.model_path)
    assert run.history() == plain.history()
    assert done.best == load_model(run.model_path).card["best"]
    assert load_model(run.model_path).card["refit"] is True
    assert not plain.selected_path.exists()
    assert not run.state_path.exists()
    evaluated = evaluate_run(run.path, nulls=["kernel_knn", "gbm"])
    assert evaluated.results.protocol["refit"] is True
    other = evaluate_run(plain.path, nulls=["kernel_knn", "gbm"])
    assert "refit" not in other.results.protocol
    for row, before in zip(evaluated.rows, other.rows, strict=True):
        assert row.model == before.model
        assert row.metrics["mse"] != before.metrics["mse"]
    fit(tiny(table, *NETWORKS), run.path, overwrite=True)
    assert not run.selected_path.exists()


def test_probabilities_are_learned_again(tmp_path: Path):
    table = write_table(tmp_path / "classes.csv", header="active", targets=30)
    run = fit(tiny(table, "training.refit=true", "training.epochs=2"), tmp_path / "run").folder
    model, chosen = load_model(run.model_path), load_model(run.selected_path)
    assert model.quantity.kind == "binary"
    assert torch.equal(model.correction, chosen.correction)
    interactions = open_data(run.config().data)
    split = run.split(interactions)
    sequence = interactions.targets[interactions.target_index[split.valid[0]]]
    rows = np.flatnonzero(interactions.target_index == interactions.target_index[split.valid[0]])
    asked = [interactions.compounds[compound] for compound in interactions.compound_index[rows]]
    labels = interactions.values[rows]
    loss = [
        np.mean((one.compile_target(sequence).score(asked).values - labels) ** 2) for one in (model, chosen)
    ]
    assert loss[0] < loss[1]  # its own labels are known now


def test_the_curves_go_on_once_and_the_files_are_those_of_the_last_model(table: Path, tmp_path: Path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = tiny(table, *NETWORKS, "training.refit=true", "training.tensorboard=true")
    run = fit(config, tmp_path / "run").folder
    evaluate_run(run.path, nulls=[])
    events = accumulator.EventAccumulator(str(run.tensorboard_path))
    events.Reload()
    assert [event.step for event in events.Scalars("valid_mse")] == [0, 1, 2, 3]
    files = events.Tensors("files/text_summary")
    assert len(files) == 1
    assert b"model.safetensors" in files[0].tensor_proto.string_val[0]
    report = report_run(run.path).read_text(encoding="utf-8")
    assert "training and validation rows" in report


def at_second_training(step: int, do: Callable[[], None]) -> Callable[[str, int, int], None]:
    seen = {"trainings": 0}

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == 1:
            seen["trainings"] += 1
        if stage == "training" and seen["trainings"] == 2 and done == step:
            do()

    return progress


class KilledError(Exception):
    """Stands for whatever ends a process between two steps."""


def kill() -> None:
    raise KilledError


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("do", "error"), [(kill, KilledError), (terminate, TrainingStoppedError)])
def test_interrupted_in_the_second_training_it_goes_on_to_the_same_weights(
    do: Callable[[], None], error: type[Exception], table: Path, tmp_path: Path
):
    config = tiny(table, *NETWORKS, "training.refit=true", "training.checkpoint_seconds=0")
    whole = fit(config, tmp_path / "whole").folder
    with pytest.raises(error):
        fit(config, tmp_path / "run", progress=at_second_training(2, do))
    run = RunFolder(tmp_path / "run")
    assert run.selected_path.exists()
    assert not run.model_path.exists()
    told: list[tuple[str, int, int]] = []
    fit(config, run.path, resume=True, progress=lambda *entry: told.append(entry))
    assert next(done for stage, done, _ in told if stage == "training") > 1
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    assert run.history() == whole.history()


def test_interrupted_in_the_first_training_it_goes_on_to_the_same_weights(table: Path, tmp_path: Path):
    config = tiny(table, *NETWORKS, "training.refit=true", "training.checkpoint_seconds=0")
    whole = fit(config, tmp_path / "whole").folder

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == 4:
            raise KilledError

    with pytest.raises(KilledError):
        fit(config, tmp_path / "run", progress=progress)
    fit(config, tmp_path / "run", resume=True)
    assert RunFolder(tmp_path / "run").model_path.read_bytes() == whole.model_path.read_bytes()


def test_without_a_test_side_validation_chooses_and_every_label_is_learned(table: Path, tmp_path: Path):
    settings = (*NETWORKS, "training.refit=true", "training.checkpoint_seconds=0", "split.test=false")
    config = tiny(table, *settings)
    with pytest.raises(KilledError):
        fit(config, tmp_path / "run", progress=at_second_training(2, kill))
    run = fit(config, tmp_path / "run", resume=True).folder
    interactions = open_data(config.data)
    tested = open_split(tiny(table, *NETWORKS), interactions)
    split = run.split(interactions)
    assert split.valid.tolist() == tested.valid.tolist()
    assert split.train.tolist() == sorted({*tested.train.tolist(), *tested.test.tolist()})
    model, chosen = load_model(run.model_path), load_model(run.selected_path)
    assert len(model.memory_values) == len(interactions)
    assert set(model.memory_sequences) == set(interactions.targets)
    assert len(chosen.memory_values) == len(split.train)
    assert model.calibration is not None or "no_intervals" in model.card
    assert "Nothing was held out for a test" in model.card["text"]
    assert "Nothing was held out for a test" not in load_model(fit_tested(table, tmp_path)).card["text"]
    with pytest.raises(InputError, match=r"split\.test = false"):
        evaluate_run(run.path)
    report = report_run(run.path).read_text(encoding="utf-8")
    assert "Nothing was held out for a test" in report
    assert "hyperpcm evaluate" not in report


def fit_tested(table: Path, folder: Path) -> Path:
    """A model of the same table that a test side was kept from."""
    return fit(tiny(table, *NETWORKS, "training.epochs=1"), folder / "tested").model_path


def test_few_shot_methods_are_not_tuned_on_what_was_learned(table: Path):
    config, interactions, split = opened(table)
    with pytest.raises(ConfigError, match=r"training\.refit"):
        few_shot_part(
            config,
            interactions,
            split,
            FewShotRow("hyperpcm"),
            FewShotProtocol(sizes=(0, 1), draws=1, min_query=4),
            prepare_inputs(interactions),
        )
