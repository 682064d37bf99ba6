"""Interrupted and resumed: the weights are those of a run that no one disturbed, bit for bit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hyperpcm.checkpoint import read_archive, write_archive
from hyperpcm.config import RunConfig
from hyperpcm.errors import CorruptModelError, DiskFullError, DivergedError, TrainingStoppedError
from hyperpcm.training import fit
from hyperpcm.training.run_folder import RunFolder
from small_runs import tiny, weights_of, write_table

FEW_STEPS = ("training.targets_per_batch=5",)
KINDS = {
    "default": (),
    "plateau, adam, censored": (
        "training.schedule=plateau",
        "training.plateau_epochs=1",
        "training.optimiser=adam",
        "training.loss=censored",
    ),
    "published parts": (
        "model.qsar.noise_head=6",
        "model.hypernetwork.parts=full",
        "model.hypernetwork.shared=false",
        "model.hypernetwork.initialisation=published",
        "model.retrieval.enabled=false",
        "model.context.guided=false",
        "model.alignment_components=0",
        "model.members=2",
    ),
    "compounds learned along": (
        "model.compound.learned=dmpnn",
        "model.compound.width=8",
        "model.compound.dropout=0.2",
        "model.retrieval.enabled=false",
        "model.qsar.zero_start=false",
    ),
}


class KilledError(Exception):
    """Stands for whatever ends a process between two steps."""


def kill_at(step: int) -> Callable[[str, int, int], None]:
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == step:
            raise KilledError

    return progress


def signal_at(step: int, number: signal.Signals, times: int = 1) -> Callable[[str, int, int], None]:
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == step:
            for _ in range(times):
                os.kill(os.getpid(), number)

    return progress


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "table.csv")


def settings(table: Path, kind: str = "default", *more: str) -> RunConfig:
    """Settings with a checkpoint after every step."""
    return tiny(table, *FEW_STEPS, *KINDS[kind], "training.checkpoint_seconds=0", *more)


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunFolder]:
    """The undisturbed run of each kind, made once; too short for a checkpoint."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def run(kind: str) -> RunFolder:
        if kind not in made:
            made[kind] = fit(tiny(table, *FEW_STEPS, *KINDS[kind]), folder / str(len(made))).folder
        return made[kind]

    return run


def steps_per_epoch(run: RunFolder) -> int:
    return int(run.history()[1]["step"])


def same(one: RunFolder, other: RunFolder) -> bool:
    """Weights, records and the file itself."""
    return (
        weights_of(one.model_path) == weights_of(other.model_path)
        and one.history() == other.history()
        and one.model_path.read_bytes() == other.model_path.read_bytes()
    )


# Killed


@pytest.mark.parametrize(
    "place", ["first step", "second step", "mid-epoch", "last of an epoch", "after an epoch"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_any_step_goes_on_to_the_same_weights(
    kind: str, place: str, table: Path, whole: Callable[[str], RunFolder], tmp_path: Path
):
    steps = steps_per_epoch(whole(kind))
    step = {
        "first step": 1,
        "second step": 2,
        "mid-epoch": steps + steps // 2,
        "last of an epoch": 2 * steps,
        "after an epoch": 2 * steps + 1,
    }[place]
    with pytest.raises(KilledError):
        fit(settings(table, kind), tmp_path / "run", progress=kill_at(step))
    run = RunFolder(tmp_path / "run")
    assert not run.model_path.exists()
    assert run.state_path.exists() == (step > 1)
    done = fit(settings(table, kind), tmp_path / "run", resume=True)
    assert same(done.folder, whole(kind))
    assert not run.state_path.exists()


def test_a_run_can_be_killed_again_and_again(table: Path, whole: Callable[[str], RunFolder], tmp_path: Path):
    total = 3 * steps_per_epoch(whole("default"))
    for number, step in enumerate(range(3, total, 5)):
        with pytest.raises(KilledError):
            fit(settings(table), tmp_path / "run", resume=number > 0, progress=kill_at(step))
    assert same(fit(settings(table), tmp_path / "run", resume=True).folder, whole("default"))


PROGRAM = """
import sys
from pathlib import Path
from hyperpcm.config import RunConfig
from hyperpcm.training import fit
fit(RunConfig.from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_kill_nine_in_mid_epoch_loses_nothing(table: Path, tmp_path: Path):
    config = settings(table, "default", "training.epochs=12")
    (tmp_path / "config.json").write_text(config.to_json())
    run = RunFolder(tmp_path / "killed")
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "config.json"), str(run.path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while len(run.history()) < 3:
        assert child.poll() is None, "training ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait(timeout=60) == -signal.SIGKILL
    assert not run.model_path.exists()
    archive = read_archive(run.state_path / "last.safetensors", "training_state")  # whole, whenever it came
    assert archive.header["state"]["step"] > 0
    resumed = fit(config, run.path, resume=True)
    undisturbed = tiny(table, *FEW_STEPS, "training.epochs=12")
    assert same(resumed.folder, fit(undisturbed, tmp_path / "whole").folder)


# Signals


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_a_signal_leaves_a_checkpoint_and_its_exit_code(
    number: signal.Signals, code: int, table: Path, whole: Callable[[str], RunFolder], tmp_path: Path
):
    handler = signal.getsignal(number)
    config = tiny(table, *FEW_STEPS)  # no checkpoint would be due for a minute
    with pytest.raises(TrainingStoppedError, match="--resume") as caught:
        fit(config, tmp_path / "run", progress=signal_at(7, number))
    assert caught.value.exit_code == code
    assert signal.getsignal(number) == handler
    run = RunFolder(tmp_path / "run")
    assert read_archive(run.state_path / "last.safetensors").header["state"]["step"] == 7
    left = {path.name for path in run.path.iterdir() if not path.name.endswith(".lock")}
    assert left == {"config.json", "split.json", "environment.json", "metrics.jsonl", "state"}
    assert [path.name for path in run.state_path.iterdir()] == ["last.safetensors"]
    done = fit(config, run.path, resume=True)
    assert weights_of(done.model_path) == weights_of(whole("default").model_path)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_second_ctrl_c_does_not_wait_for_a_checkpoint(table: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(table), tmp_path / "run", progress=signal_at(7, signal.SIGINT, times=2))
    assert not RunFolder(tmp_path / "run").state_path.exists()


# A disk that fills up


def test_a_full_disk_is_told_and_the_checkpoint_before_is_whole(
    table: Path, small_disk: Path, tmp_path: Path
):
    wide = ("model.qsar.hidden=[60]", "model.hypernetwork.trunk=[24]", "model.hypernetwork.rank=1")
    config = settings(table, "default", *wide, "training.epochs=2")
    expected = fit(config, tmp_path / "whole").folder
    with pytest.raises(DiskFullError) as caught:
        fit(config, small_disk / "run")
    assert caught.value.exit_code == 5
    run = RunFolder(small_disk / "run")
    assert [path.name for path in run.state_path.iterdir()] == ["last.safetensors"]
    step = read_archive(run.state_path / "last.safetensors", "training_state").header["state"]["step"]
    assert step >= 1
    shutil.copytree(run.path, tmp_path / "moved")  # to a disk with room
    assert same(fit(config, tmp_path / "moved", resume=True).folder, expected)


# States that cannot be used


@pytest.fixture
def stopped(table: Path, tmp_path: Path) -> Path:
    with pytest.raises(KilledError):
        fit(settings(table), tmp_path / "run", progress=kill_at(4))
    return tmp_path / "run"


def edit(folder: Path, change: Callable[[dict, dict], None]) -> None:
    path = folder / "state" / "last.safetensors"
    archive = read_archive(path)
    tensors, header = dict(archive.tensors), dict(archive.header)
    change(tensors, header)
    write_archive(path, archive.kind, tensors, header, overwrite=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, header: tensors.update({"elsewhere.weight": torch.ones(2)}),
        lambda tensors, header: tensors.update({"weight": torch.ones(2)}),
        lambda tensors, header: tensors.pop("model.correction"),
        lambda tensors, header: tensors.update({"model.correction": torch.ones(3)}),
        lambda tensors, header: tensors.update({"optimiser.first.exp_avg": torch.ones(3)}),
        lambda tensors, header: header.pop("state"),
        lambda tensors, header: header["state"].update(later=1),
        lambda tensors, header: header.pop("precision"),
    ],
    ids=[
        "unknown part",
        "no part",
        "missing tensor",
        "other shape",
        "optimiser of no number",
        "no state",
        "later version",
        "no precision",
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    change: Callable[[dict, dict], None], stopped: Path, table: Path
):
    edit(stopped, change)
    with pytest.raises(CorruptModelError, match="does not fit") as caught:
        fit(settings(table), stopped, resume=True)
    assert caught.value.exit_code == 3
    assert not (stopped / "model.safetensors").exists()


def test_a_damaged_state_is_refused(stopped: Path, table: Path):
    path = stopped / "state" / "last.safetensors"
    content = bytearray(path.read_bytes())
    content[-20] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(CorruptModelError):
        fit(settings(table), stopped, resume=True)


def test_a_run_that_diverges_keeps_its_best_weights(table: Path, tmp_path: Path):
    config = tiny(table, "training.learning_rate=1e25", "training.epochs=20", "training.bad_steps=2")
    with pytest.raises(DivergedError, match=r"training\.learning_rate") as caught:
        fit(config, tmp_path / "run")
    assert caught.value.exit_code == 1
    run = RunFolder(tmp_path / "run")
    assert not run.model_path.exists()
    archive = read_archive(run.state_path / "last.safetensors", "training_state")
    assert archive.header["state"]["bad_steps"] == 3
    assert any(name.startswith("best.members") for name in archive.tensors)
