"""The Ray engine: the bytes of the local one, and what is killed is done again. Needs the extra `ray`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyperpcm.errors import ConfigError, DiskFullError, HyperpcmError, InvalidSmilesError, MissingExtraError
from hyperpcm.scaleout import LocalEngine, Plan, run_shards
from hyperpcm.scaleout.ray_engine import _error
from small_shards import Story, library_lines, merged, planned, screened_whole

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'hyperpcm[ray]'"
)
COMMAND = [sys.executable, "-m", "hyperpcm", "screen", "run", "--engine", "ray", "--processes", "2", "--json"]
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1, as IPv4 and within IPv6
MARK = "HYPERPCM_TEST_OF_RAY"


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "shards").glob("*.json.gz"))}


def actors(mark: str) -> list[int]:
    """The processes of Ray that screen shards and were started with a mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (path / "cmdline").read_bytes().startswith(b"ray::Map") and f"{MARK}={mark}".encode() in (
                path / "environ"
            ).read_bytes().split(b"\0"):
                found.append(int(path.name))
    return found


def listening(process: int) -> set[str]:
    """The addresses that a process listens on, as the kernel writes them."""
    names = [str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()]
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in names:
                found.add(fields[1].partition(":")[0])
    return found


@needs_ray
@pytest.mark.slow
def test_ray_writes_the_bytes_of_one_process(
    library: Path, targets: list[Path], whole: Story, tmp_path: Path
):
    here = planned(tmp_path / "here", library, targets, rows=48)
    there = planned(tmp_path / "there", library, targets, rows=48)
    run_shards(here, LocalEngine(1))
    (there / "rows" / "000003.parquet").rename(tmp_path / "kept.parquet")
    done = subprocess.run([*COMMAND, there], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 4, done.stderr
    told = json.loads(done.stdout)
    assert (told["done"], list(told["failed"])) == (4, ["4"])
    assert "these rows of the library are missing" in told["failed"]["4"]
    (tmp_path / "kept.parquet").rename(there / "rows" / "000003.parquet")
    again = subprocess.run([*COMMAND, there], capture_output=True, text=True, check=False, timeout=240)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["found"] == 4
    assert results(here) == results(there)
    assert merged(there) == whole


@needs_ray
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="actors are looked up in /proc")
def test_an_actor_that_is_killed_costs_time_and_no_row(targets: list[Path], tmp_path: Path):
    library = tmp_path / "long.smi"
    library.write_text("\n".join(library_lines(60)) + "\n")
    folder = planned(tmp_path / "plan", library, targets, rows=96)
    total, killed = len(Plan.read(folder).shards), list[int]()
    running = subprocess.Popen(
        [*COMMAND, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, MARK: str(tmp_path)},
    )
    for share in (0.1, 0.4):
        while len(list(folder.glob("shards/*.receipt.json"))) < share * total and running.poll() is None:
            time.sleep(0.01)
        for victim in actors(str(tmp_path))[:1]:
            assert listening(victim) <= LOOPBACK
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
    said, errors = running.communicate(timeout=240)
    assert running.returncode == 0, errors
    assert len(killed) == 2
    told = json.loads(said)
    assert (told["done"] + told["found"], told["failed"]) == (total, {})
    assert told["rows"] == len(library_lines(60))
    assert merged(folder) == screened_whole(library, targets, tmp_path / "work")


@needs_ray
def test_a_cluster_that_cannot_be_reached_is_told_at_once(library: Path, targets: list[Path], tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        done = subprocess.run(
            [*COMMAND, "--ray-address", address, folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert f"error: {address}: no Ray cluster can be reached there" in done.stderr


@needs_ray
def test_a_ray_without_a_gpu_is_told_at_once(library: Path, targets: list[Path], tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets)
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*COMMAND, folder, "--device", "cuda"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=hidden,
    )
    assert done.returncode == 2
    assert "error: device is 'cuda', and Ray has no GPU here; give cpu." in done.stderr
    there = planned(tmp_path / "auto", library, targets)
    done = subprocess.run([*COMMAND, there, "--device", "auto"], check=False, timeout=120, env=hidden)
    assert done.returncode == 0


@needs_ray
def test_ray_alone_says_which_gpu_an_actor_gets():
    from hyperpcm.scaleout.ray_engine import RayEngine

    with pytest.raises(ConfigError, match="Ray gives each actor a GPU of its own"):
        RayEngine(device="cuda:1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DiskFullError("full"), DiskFullError),
        (MissingExtraError("this", "that"), HyperpcmError),
        (InvalidSmilesError("PARSE", "no"), HyperpcmError),
    ],
)
def test_an_error_of_an_actor_keeps_its_words(error: HyperpcmError, kind: type[HyperpcmError]):
    again = _error(type(error).__name__, str(error))
    assert type(again) is kind
    assert str(again) == str(error)
