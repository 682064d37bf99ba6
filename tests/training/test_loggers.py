"""Where the records go: JSON lines always, TensorBoard on request, nothing over the network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hyperpcm.config import TrainingConfig
from hyperpcm.errors import MissingExtraError
from hyperpcm.training import fit
from hyperpcm.training.loggers import RunLoggers, check_loggers
from hyperpcm.training.run_folder import RunFolder
from small_runs import tiny, write_table


def test_every_epoch_is_a_line_as_soon_as_it_ends(tmp_path: Path):
    run, history = RunFolder(tmp_path), []
    with RunLoggers(tiny(tmp_path / "unused.csv"), run, history) as loggers:
        for epoch in range(3):
            history.append({"epoch": epoch, "step": 5 * epoch, "train_loss": None, "valid_mse": 0.5})
            loggers.epoch(history[-1])
            assert [json.loads(line) for line in run.metrics_path.read_text().splitlines()] == history
    assert run.history() == history


def test_without_a_folder_nothing_is_kept():
    with RunLoggers(tiny(Path("unused.csv"), "training.tensorboard=true"), None, []) as loggers:
        loggers.epoch({"epoch": 0})


def test_tensorboard_holds_the_same_numbers(tmp_path: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = tiny(write_table(tmp_path / "table.csv"), "training.tensorboard=true", "training.epochs=2")
    run = fit(config, tmp_path / "run").folder
    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    for name in ("valid_mse", "learning_rate"):
        logged = {event.step: event.value for event in events.Scalars(name)}
        assert logged == pytest.approx({line["epoch"]: line[name] for line in run.history()}, rel=1e-5)
    assert [event.step for event in events.Scalars("train_loss")] == [1, 2]


def test_what_is_not_installed_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "wandb").mkdir()  # W&B keeps its runs in such a folder, which is no package
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    for name in ("wandb", "tensorboard"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        with pytest.raises(MissingExtraError, match=rf"pip install 'hyperpcm\[{name}\]'"):
            check_loggers(TrainingConfig.model_validate({name: True}))
    check_loggers(TrainingConfig())
