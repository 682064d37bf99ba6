"""What goes wrong costs time, or the row or shard that it is in; never the rows of another."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyperpcm.errors import DiskFullError, InputError, Rejection
from hyperpcm.scaleout import LocalEngine, Plan, ShardReport, ShardRunner, run_shards
from hyperpcm.scaleout.results import STALE_S, ShardFiles
from hyperpcm.screening import screen
from small_shards import (
    POISON,
    BrokenRunner,
    ChokingRunner,
    DeadlyRunner,
    DyingRunner,
    SlowRunner,
    Story,
    library_lines,
    merged,
    planned,
    screened_whole,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def states(reports: list[ShardReport]) -> dict[int, str]:
    return {one.shard: one.state for one in reports}


# Processes that are killed


def test_a_worker_that_is_killed_costs_time_and_no_row(
    library: Path, targets: list[Path], whole: Story, tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=16)
    reports, killed = list[ShardReport](), list[int]()
    for report in LocalEngine(2).run(SlowRunner(folder), range(13)):
        reports.append(report)
        if len(reports) in (1, 4, 8):
            victim = multiprocessing.active_children()[0]
            os.kill(victim.pid or 0, signal.SIGKILL)
            killed.append(victim.pid or 0)
    assert len(set(killed)) == 3
    assert states(reports) == dict.fromkeys(range(13), "done")
    assert len(reports) == 13
    assert merged(folder) == whole
    assert multiprocessing.active_children() == []


def test_a_shard_whose_process_always_dies_is_named_and_the_others_are_done(
    library: Path, targets: list[Path], tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=32)
    reports = list(LocalEngine(2).run(DyingRunner(folder), range(7)))
    assert states(reports) == {**dict.fromkeys(range(7), "done"), 2: "failed"}
    reason = "the process that screened it died 4 times, the last time by SIGKILL."
    assert [one.reason for one in reports if one.state == "failed"] == [reason]
    with pytest.raises(
        InputError, match=r"1 of 7 shards are not done: shard 3 \(rows 65 to 96\): the process"
    ):
        merged(folder)


COMMAND = [sys.executable, "-m", "hyperpcm", "screen", "run"]


def long_plan(targets: list[Path], folder: Path, times: int = 8) -> tuple[Path, Path]:
    """A plan of many shards, and its library."""
    library = folder / "long.smi"
    library.write_text("\n".join(library_lines(times)) + "\n")
    return planned(folder / "plan", library, targets, rows=48), library


def receipts(folder: Path) -> int:
    return len(list((folder / "shards").glob("*.receipt.json")))


def wait_for(folder: Path, more_than: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while receipts(folder) <= more_than and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)


def living(group: int) -> list[str]:
    """The processes of a group that are not dead; one that waits to be reaped is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            if of == str(group) and state != "Z":
                found.append(path.parent.name)
    return found


def wait_until_gone(group: int) -> None:
    """Wait for the last process of a group to end; fail if one stays."""
    until = time.monotonic() + 10
    while living(group):
        assert time.monotonic() < until, "a process is left"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_twenty_kills_of_the_whole_run_cost_time_and_no_row(targets: list[Path], tmp_path: Path):
    folder, library = long_plan(targets, tmp_path, times=20)
    total = len(Plan.read(folder).shards)
    kills = 0
    while kills < 20 and receipts(folder) < total:
        done = receipts(folder)
        running = subprocess.Popen(
            [*COMMAND, folder, "--processes", str(1 + kills % 2)], start_new_session=True
        )
        wait_for(folder, done + kills % 3, running)
        running.kill()
        running.wait()
        wait_until_gone(running.pid)  # its workers end with it
        kills += 1
    assert kills > 5
    assert run_shards(folder, LocalEngine(1)).failed == ()
    assert merged(folder) == screened_whole(library, targets, tmp_path / "work")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_ctrl_c_ends_all_processes_and_the_same_command_goes_on(targets: list[Path], tmp_path: Path):
    folder, library = long_plan(targets, tmp_path)
    heeding = ["env", "--default-signal=INT"]  # what a shell puts into the background ignores it
    running = subprocess.Popen(
        [*heeding, *COMMAND, folder, "--processes", "2"], stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for(folder, 1, running)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.decode().splitlines()[-1] == "stopped."
    assert "Traceback" not in said.decode()
    wait_until_gone(running.pid)
    done = receipts(folder)
    assert 1 < done < len(Plan.read(folder).shards)
    again = run_shards(folder, LocalEngine(1))
    assert again.found == done
    assert merged(folder) == screened_whole(library, targets, tmp_path / "work")


def test_two_runs_at_once_on_one_folder_do_no_harm(targets: list[Path], tmp_path: Path):
    folder, library = long_plan(targets, tmp_path)
    both = [subprocess.Popen([*COMMAND, folder, "--processes", "1"]) for _ in range(2)]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    assert merged(folder) == screened_whole(library, targets, tmp_path / "work")
    assert list((folder / "shards").glob(".*.part")) == []
    assert list((folder / "shards").glob("*.begun")) == []


# Rows that break the program


@pytest.mark.parametrize(
    ("runner", "processes", "code", "reason"),
    [
        (ChokingRunner, 1, "ERROR", "it cannot be prepared: ZeroDivisionError: no atoms left"),
        (DeadlyRunner, 2, "CRASH", "its process dies when it is prepared."),
    ],
)
def test_a_poison_row_costs_itself_and_is_named(
    runner: type[ShardRunner],
    processes: int,
    code: str,
    reason: str,
    targets: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(screen, "BATCH", 4)
    library, lines = tmp_path / "library.smi", library_lines()[:10]
    library.write_text("\n".join([*lines[:5], f"{POISON} poison", *lines[5:]]))
    folder = planned(tmp_path / "plan", library, targets, rows=4)
    reports = list(LocalEngine(processes).run(runner(folder), range(3)))
    assert states(reports) == dict.fromkeys(range(3), "done")
    rows, scored, refused, hits, rejections = merged(folder)
    whole = screened_whole(library, targets, tmp_path / "work")
    assert sorted([*whole[4], Rejection(5, POISON, code, reason)], key=lambda one: one.row) == rejections
    assert (rows, scored, refused) == (11, whole[1] - 1, {**whole[2], code: 1})
    # The poison row is the only difference among the hits, but for the last digits of its batch.
    for name, found in hits.items():
        others = [hit for hit in whole[3][name] if hit[2] != POISON]
        assert [hit[1:] for hit in found] == [hit[1:] for hit in others]
        for ours, theirs in zip(found, others, strict=True):
            assert float.fromhex(str(ours[0])) == pytest.approx(float.fromhex(str(theirs[0])), abs=1e-5)


def test_a_fault_that_is_in_no_row_is_not_blamed_on_rows(library: Path, targets: list[Path], tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=64)
    (report,) = LocalEngine(1).run(BrokenRunner(folder), [0])
    assert (report.state, report.reason) == ("failed", "RuntimeError: weights are missing")
    assert receipts(folder) == 0


# Shards that are damaged


def test_a_damaged_chunk_costs_its_shard_and_is_named(
    index: Path, targets: list[Path], whole_index: Story, tmp_path: Path
):
    copy = tmp_path / "library.index"
    shutil.copytree(index, copy)
    folder = planned(tmp_path / "plan", copy, targets, rows=32)
    chunk = copy / "000003.npz"
    content = chunk.read_bytes()
    chunk.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    told: list[ShardReport] = []
    found = run_shards(folder, LocalEngine(2), tell=told.append)
    assert [one.shard for one in found.failed] == [one.shard for one in told] == [1]
    assert "000003.npz: this part of the index is missing or damaged" in told[0].reason
    assert (found.done, found.rows) == (6, 195 - 32)
    with pytest.raises(
        InputError, match=r"1 of 7 shards are not done: shard 2 \(rows 33 to 64\).*000003\.npz"
    ):
        merged(folder)
    assert merged(folder, partial=True)[0] == 195 - 32
    chunk.write_bytes(content)
    again = run_shards(folder, LocalEngine(1))
    assert (again.found, again.done, again.failed) == (6, 1, ())
    assert merged(folder) == whole_index


@pytest.mark.parametrize("damage", ["bit", "cut", "gone"])
def test_rows_that_are_damaged_cost_their_shard(damage: str, library: Path, targets, tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=96)
    path = folder / "rows" / "000001.parquet"
    content = path.read_bytes()
    path.write_bytes({"bit": content[:50] + b"~" + content[51:], "cut": content[:-9], "gone": b""}[damage])
    if damage == "gone":
        path.unlink()
    found = run_shards(folder, LocalEngine(1))
    assert [(one.shard, "missing or damaged" in one.reason) for one in found.failed] == [(1, True)]
    assert found.done == 2


# The disk


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)


def test_a_full_disk_stops_the_run_and_what_is_done_stays(
    library: Path, targets: list[Path], whole: Story, small_disk: Path
):
    folder = planned(small_disk / "plan", library, targets, rows=16)
    reports = LocalEngine(1).run(ShardRunner(folder), range(13))
    first = next(reports)
    assert first.state == "done"
    filler = small_disk / "filler"
    fill(filler)
    with pytest.raises(DiskFullError, match="no space left on the disk"):
        next(reports)
    for processes in (1, 2):
        with pytest.raises(DiskFullError):
            run_shards(folder, LocalEngine(processes))
    assert receipts(folder) == 1
    assert list((folder / "shards").glob(".*.part")) == []
    filler.unlink()
    assert run_shards(folder, LocalEngine(1)).found == 1
    assert merged(folder) == whole


def test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_are_not(
    library: Path, targets: list[Path], tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=96)
    old, young = folder / "shards" / ".000000.json.gz.a.part", folder / "shards" / ".000001.json.gz.b.part"
    for path, age in ((old, STALE_S + 60), (young, 60)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    run_shards(folder, LocalEngine(1))
    assert not old.exists()
    assert young.exists()
    assert ShardFiles(folder, "").sweep() == 0
