"""Where the records go: JSON lines always, TensorBoard on request, nothing over the network."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hyperpcm.config import TrainingConfig
from hyperpcm.errors import MissingExtraError
from hyperpcm.training import evaluate_run, fit
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


class KilledError(Exception):
    """Stands for whatever ends a process between two steps."""


def kill(stage: str, done: int, total: int) -> None:
    if stage == "training" and done == 9:
        raise KilledError


def records(path: Path) -> Iterator[Any]:
    """The records of an offline W&B run: protocol buffers in LevelDB's log format after 7 bytes of header."""
    from wandb.proto import wandb_internal_pb2

    content, at, payload = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        payload += content[at + 7 : at + 7 + length]
        at += 7 + length
        if at > len(content):
            return  # still being written
        if kind in (1, 4):  # whole, or the last piece
            record = wandb_internal_pb2.Record()
            record.ParseFromString(payload)
            payload = b""
            yield record


def whole(path: Path) -> list[Any]:
    """All records; W&B's own process may write the last of them a moment after the run has finished."""
    deadline = time.monotonic() + 60
    while not any(record.HasField("exit") for record in records(path)):
        assert time.monotonic() < deadline, f"{path} was never finished"
        time.sleep(0.05)
    return list(records(path))


def keyed(items: Any) -> dict[str, Any]:
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}


def test_tensorboard_goes_on_after_a_resume_without_a_step_twice(tmp_path: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = tiny(write_table(tmp_path / "table.csv"), "training.tensorboard=true")
    run = RunFolder(tmp_path / "run")
    with pytest.raises(KilledError):
        fit(config, run.path, progress=kill)  # no checkpoint was due: its first epochs come again
    fit(config, run.path, resume=True)
    evaluate_run(run.path, nulls=[])
    events = EventAccumulator(str(run.tensorboard_path))
    events.Reload()
    assert [event.step for event in events.Scalars("valid_mse")] == [0, 1, 2, 3]
    assert len(events.Scalars("test_mse")) == 1
    texts = {name: events.Tensors(f"{name}/text_summary")[0].tensor_proto for name in ("settings", "files")}
    assert b'"targets_per_batch": 3' in texts["settings"].string_val[0]
    assert b"model.safetensors" in texts["files"].string_val[0]


def visitors(server: socket.socket) -> list[bytes]:
    """What each of those who came by said first."""
    found = []
    while True:
        try:
            connection = server.accept()[0]
        except BlockingIOError:
            return found
        with connection:
            connection.settimeout(1.0)
            try:
                found.append(connection.recv(500))
            except TimeoutError:
                found.append(b"nothing")


def test_wandb_offline_holds_curves_settings_and_files_under_one_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("wandb")
    with socket.create_server(("127.0.0.1", 0)) as proxy:  # whoever wants to leave the machine comes by here
        proxy.setblocking(False)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, address)
        for name, value in (("MODE", "offline"), ("SILENT", "true"), ("ERROR_REPORTING", "false")):
            monkeypatch.setenv(f"WANDB_{name}", value)
        config = tiny(write_table(tmp_path / "table.csv"), "training.wandb=true")
        run = RunFolder(tmp_path / "run")
        with pytest.raises(KilledError):
            fit(config, run.path, progress=kill)
        first = run.wandb_path.read_text()
        fit(config, run.path, resume=True)
        results = evaluate_run(run.path, nulls=[]).results
        assert [said for said in visitors(proxy) if b"HTTP/" in said] == []
    assert run.wandb_path.read_text() == first
    stored = [whole(path) for path in (run.path / "wandb").glob("offline-run-*/*.wandb")]
    runs = [record.run for part in stored for record in part if record.HasField("run")]
    assert {one.run_id for one in runs} == {json.loads(first)["id"]}
    settings = keyed(runs[0].config.update)
    assert {key: settings[key] for key in config.model_dump(mode="json")} == config.model_dump(mode="json")
    artifacts = {
        record.artifact.type: {entry.path for entry in record.artifact.manifest.contents}
        for part in stored
        for record in part
        if record.HasField("artifact")
    }
    assert artifacts == {"model": {"model.safetensors", "split.json"}, "results": {"results.json"}}
    curves = {}
    for part in stored:
        for record in part:
            if record.HasField("history"):
                line = keyed(record.history.item)
                if "epoch" in line:
                    curves[line["epoch"]] = line
    for line in run.history():
        expected = {key: value for key, value in line.items() if value is not None}
        assert {key: curves[line["epoch"]][key] for key in expected} == pytest.approx(expected)
    summary = {}
    for part in stored:
        for record in part:
            summary |= keyed(record.summary.update)
    assert summary["test_mse"] == pytest.approx(results.rows[0].metrics["mse"])


def test_what_is_not_installed_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "wandb").mkdir()  # W&B keeps its runs in such a folder, which is no package
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    for name in ("wandb", "tensorboard"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        with pytest.raises(MissingExtraError, match=rf"pip install 'hyperpcm\[{name}\]'"):
            check_loggers(TrainingConfig.model_validate({name: True}))
    check_loggers(TrainingConfig())
