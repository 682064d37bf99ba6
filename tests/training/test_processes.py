"""Several processes do what one does, and end together."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hyperpcm.checkpoint import load_model, read_archive
from hyperpcm.config import RunConfig
from hyperpcm.errors import ConfigError, IncompatibleModelError, ProcessLostError, TrainingStoppedError
from hyperpcm.training import fit
from hyperpcm.training.processes import check_processes
from hyperpcm.training.run_folder import RunFolder
from small_runs import NO_RETRIEVAL, tiny, weights_of, write_table

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and sockets of POSIX")

NOISY = ("model.qsar.noise_head=6", "model.context.guided=false", "training.targets_per_batch=5")
# As published, some first gradients are zero but for rounding, which Adam divides by itself.
NOISY += ("model.hypernetwork.initialisation=hyperfan_in",)


def settings(folder: Path, *more: str) -> RunConfig:
    """Two epochs with dropout and noise; the last step of an epoch has fewer targets than the others."""
    table = folder / "table.csv"
    if not table.exists():
        write_table(table)
    return tiny(table, *NO_RETRIEVAL, *NOISY, "training.epochs=2", *more)


def at_step(step: int, act: Callable[[], None]) -> Callable[[str, int, int], None]:
    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == step:
            act()

    return progress


def close(one: RunFolder, other: RunFolder) -> None:
    """The same but for the order in which numbers were summed."""
    for line, expected in zip(other.history(), one.history(), strict=True):
        assert line.keys() == expected.keys()
        for key, value in expected.items():
            assert line[key] == (value if value is None else pytest.approx(value, rel=1e-4)), key
    tensors = read_archive(other.model_path, "model").tensors
    for name, expected in read_archive(one.model_path, "model").tensors.items():
        # One number added to all logits of a softmax: the gradient is zero but for rounding, and Adam divides
        # it by itself.
        if not name.endswith("stored_norm.bias"):
            torch.testing.assert_close(tensors[name], expected, rtol=1e-4, atol=2e-5, msg=name)


def test_two_processes_train_what_one_does_with_dropout_and_noise(tmp_path: Path):
    one = fit(settings(tmp_path), tmp_path / "one")
    told: list[tuple[str, int, int]] = []
    two = fit(
        settings(tmp_path, "training.processes=2"), tmp_path / "two", progress=lambda *what: told.append(what)
    )
    assert one.best["epoch"] > 0  # or the kept weights would be those of the start
    close(one.folder, two.folder)
    total = 2 * int(two.folder.history()[1]["step"])
    assert [done for stage, done, _ in told if stage == "training"] == list(range(1, total + 1))
    assert {path.name for path in two.folder.path.iterdir()} == {
        path.name for path in one.folder.path.iterdir()
    }


def test_two_processes_learn_again_what_one_does(tmp_path: Path):
    one = fit(settings(tmp_path, "training.refit=true"), tmp_path / "one").folder
    two = fit(settings(tmp_path, "training.refit=true", "training.processes=2"), tmp_path / "two").folder
    close(one, two)
    assert weights_of(one.model_path) != weights_of(one.selected_path)
    assert load_model(two.model_path).card["refit"] is True


@pytest.mark.slow
def test_a_signal_ends_all_processes_after_a_checkpoint_and_resume_is_exact(tmp_path: Path):
    config = settings(tmp_path, "training.processes=2")
    whole, run = fit(config, tmp_path / "whole"), tmp_path / "run"
    for number, code in ((signal.SIGTERM, 75), (signal.SIGINT, 130)):
        with pytest.raises(TrainingStoppedError, match=f"{number.name}.*--resume") as caught:
            fit(
                config,
                run,
                resume=number == signal.SIGINT,
                progress=at_step(1 if code == 75 else 7, lambda number=number: os.kill(os.getpid(), number)),
            )
        assert caught.value.exit_code == code
        assert (run / "state" / "last.safetensors").is_file()
        assert multiprocessing.active_children() == []
    with pytest.raises(IncompatibleModelError, match=r"training\.processes was 2, now 1"):
        fit(settings(tmp_path), run, resume=True)
    done = fit(config, run, resume=True)
    assert weights_of(done.model_path) == weights_of(whole.model_path)
    assert done.folder.history() == whole.folder.history()


def test_a_process_that_dies_ends_the_run_with_a_sentence(tmp_path: Path):
    def kill() -> None:
        next(child for child in multiprocessing.active_children() if child.name == "hyperpcm-1").kill()

    config = settings(tmp_path, "training.processes=2", "training.epochs=500", "training.patience=500")
    with pytest.raises(ProcessLostError, match=r"process 1 of 2 ended by SIGKILL.*--resume"):
        fit(config, tmp_path / "run", progress=at_step(3, kill))
    assert multiprocessing.active_children() == []


@pytest.mark.slow
@pytest.mark.parametrize("refit", ["false", "true"])
def test_torchrun_starts_the_processes_as_well(refit: str, tmp_path: Path):
    one = fit(settings(tmp_path, f"training.refit={refit}"), tmp_path / "one")
    config = settings(tmp_path, "training.processes=2", f"training.refit={refit}")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom pathlib import Path\nfrom hyperpcm.config import RunConfig\n"
        "from hyperpcm.training import fit\n"
        "fit(RunConfig.from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))\n"
    )
    (tmp_path / "config.json").write_text(config.to_json())
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1"]
    command += [
        "--master-port=0",
        "--rdzv-backend=c10d",
        "--rdzv-endpoint=127.0.0.1:0",
        "--local-addr=127.0.0.1",
    ]
    done = subprocess.run(
        [*command, str(program), str(tmp_path / "config.json"), str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    close(one.folder, RunFolder(tmp_path / "two"))


def test_what_the_machine_has_not_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"16-mixed.*bf16-mixed"):
        fit(settings(tmp_path, "training.precision=16-mixed"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match=r"needs a GPU for each of the 2"):
            check_processes(settings(tmp_path, "training.processes=2", "training.accelerator=cuda").training)
    started = {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"4 processes were started.*training\.processes = 1"):
        check_processes(settings(tmp_path).training)
