"""`hyperpcm train`: what it reads, what it refuses before it starts, what it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app

FAST = [
    "--set=training.epochs=1",
    "--set=model.members=1",
    "--set=model.retrieval.steps=0",
    "--set=model.qsar.hidden=[8]",
    "--set=model.hypernetwork.trunk=[8]",
    "--set=encoders.width=128",
]


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_training_leaves_a_model_and_everything_it_depended_on(trained: SimpleNamespace):
    assert trained.train.exit_code == 0
    assert str(trained.run / "model.safetensors") in trained.train.stdout
    assert "trained for 1 epochs" in trained.train.stdout
    assert "validation: " in trained.train.stdout
    for name in ("config.json", "split.json", "environment.json", "metrics.jsonl", "model.safetensors"):
        assert (trained.run / name).is_file()
    settings = json.loads((trained.run / "config.json").read_text())
    assert settings["data"]["path"] == str(trained.table)
    assert settings["training"]["epochs"] == 1


def test_a_settings_file_and_what_changes_it(trained: SimpleNamespace, tmp_path: Path):
    config = tmp_path / "run.toml"
    config.write_text(
        "seed = 3\n[data]\nname = 'davis'\n[model]\nmembers = 2\n[training]\nlearning_rate = 0.002\n", "utf-8"
    )
    done = call("train", config, "--data", trained.table, *FAST, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (settings["data"]["name"], settings["data"]["path"]) == (None, str(trained.table))
    assert (settings["seed"], settings["training"]["learning_rate"]) == (3, 0.002)
    assert settings["model"]["members"] == 1  # --set goes before the file


def test_a_run_that_holds_nothing_out_says_so_and_cannot_be_evaluated(
    trained: SimpleNamespace, tmp_path: Path
):
    run = tmp_path / "run"
    done = call("train", "--data", trained.table, *FAST, "--set", "split.test=false", "--out", run)
    assert done.exit_code == 0, done.output
    assert "Nothing was held out for a test" in done.stderr
    assert "See how good it is" not in done.stderr
    refused = call("evaluate", run)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "split.test = false" in refused.stderr
    assert not (run / "results.json").exists()


def test_a_run_is_not_lost_unasked(trained: SimpleNamespace):
    before = sha256(trained.run / "model.safetensors")
    done = call("train", "--data", trained.table, *FAST, "--out", trained.run)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--overwrite" in done.stderr
    assert "--resume" in done.stderr
    assert sha256(trained.run / "model.safetensors") == before


def test_a_folder_with_other_things_in_it_is_left_alone(trained: SimpleNamespace, tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = call("train", "--data", trained.table, *FAST, "--out", tmp_path)
    assert done.exit_code == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_resume_takes_the_settings_of_the_run(trained: SimpleNamespace, tmp_path: Path):
    run = shutil.copytree(trained.run, tmp_path / "run")
    before = sha256(run / "model.safetensors")
    done = call("train", "--resume", "--out", run)
    assert done.exit_code == 0, done.output
    assert sha256(run / "model.safetensors") == before


def test_resume_with_other_settings_is_refused(trained: SimpleNamespace):
    done = call("train", "--resume", "--data", trained.table, *FAST, "--set", "seed=9", "--out", trained.run)
    assert done.exit_code == 3
    assert "seed was 0, now 9" in done.stderr


def test_resume_needs_a_run(tmp_path: Path):
    done = call("train", "--resume", "--out", tmp_path / "nothing")
    assert done.exit_code == 2
    assert "no run" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "training.epoch=3"], "Did you mean training.epochs?"),
        (["--set", "training.epochs=-1"], "training.epochs"),
        (["--set", "training.epochs"], "section.key=value"),
        (["--set", "split.fold=7"], "folds are numbered 0 to 4"),
        (["--targets", "missing.fasta"], "no such file"),
        (["--resume", "--overwrite"], "one of them"),
    ],
)
def test_settings_that_do_not_fit_are_told(
    arguments: list[str], message: str, trained: SimpleNamespace, tmp_path: Path
):
    done = call("train", "--data", trained.table, *arguments, "--out", tmp_path / "run")
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["CCO,MKTAYIAKQRQISFVKSHFSRQ,6.5"], ""),
        ([f"{'C' * n}O,MKTAYIAKQRQISFVKSHFSRQ,6.{n}" for n in range(1, 9)], ""),
        ([f"{'C' * n}O,{'MKTAYIAKQRQISFVK' + 'A' * m},6" for n in range(1, 9) for m in range(9)], "constant"),
        (["C1CC,MKTAYIAKQRQISFVKSHFSRQ,6.5"], "none of the 1 rows can be used"),
    ],
    ids=["one pair", "one target", "constant", "no usable row"],
)
def test_data_that_nothing_can_be_learned_from_are_refused(rows: list[str], message: str, tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["smiles,sequence,pKd", *rows]) + "\n")
    done = call("train", "--data", table, *FAST, "--out", tmp_path / "run")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert not (tmp_path / "run" / "model.safetensors").exists()


def start(table: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Train for a while, in a process of its own."""
    settings = [*FAST, "--set=training.epochs=40", "--set=training.patience=40"]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hyperpcm",
            "train",
            "--data",
            str(table),
            *settings,
            "--out",
            str(out),
            *more,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def stop(child: subprocess.Popen[str], run: Path, number: signal.Signals, code: int) -> None:
    """Stop training after some epochs, and look at how it ends."""
    metrics, deadline = run / "metrics.jsonl", time.monotonic() + 120
    while not metrics.exists() or len(metrics.read_text().splitlines()) < 3:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(number)
    out, err = child.communicate(timeout=120)
    assert (child.returncode, out) == (code, ""), err
    assert "--resume" in err
    assert "Traceback" not in err
    assert not (run / "model.safetensors").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_training_with_130_and_an_unfinished_run_says_so(
    trained: SimpleNamespace, tmp_path: Path
):
    run = tmp_path / "run"
    stop(start(trained.table, run), run, signal.SIGINT, 130)
    unfinished = call("score", run, "CCO", "--target", "MKTAYIAKQRQISFVK")
    assert unfinished.exit_code == 2
    assert f"hyperpcm train --resume --out {run}" in unfinished.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_stopped_training_goes_on_to_the_same_model(trained: SimpleNamespace, tmp_path: Path):
    whole = start(trained.table, tmp_path / "whole")
    stop(start(trained.table, tmp_path / "stopped"), tmp_path / "stopped", signal.SIGTERM, 75)
    resumed = start(trained.table, tmp_path / "stopped", "--resume")
    for child in (resumed, whole):
        out, err = child.communicate(timeout=240)
        assert child.returncode == 0, err
        assert "trained for 40 epochs" in out
    assert sha256(tmp_path / "stopped" / "model.safetensors") == sha256(
        tmp_path / "whole" / "model.safetensors"
    )
