"""Processes run within their bounds, and none outlives its parent's wish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from hyperpcm.benchmark.processes import Task, killed_by, memory_limit_mb, run_tasks

STAMPED = "import sys, time; a = time.time(); time.sleep(0.4); print(a, time.time(), file=sys.stderr)"


def task(tag, code: str, given: str = "") -> Task:
    return Task(tag, [sys.executable, "-c", code], given)


def run(tasks, *, processes=2, memory_mb=1e6, estimate=lambda tag: 1.0, stopped=lambda: False):
    return list(
        run_tasks(tasks, processes=processes, memory_mb=memory_mb, estimate=estimate, stopped=stopped)
    )


def most_at_once(ended) -> int:
    spans = [tuple(map(float, one.said.split())) for one in ended]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


@pytest.mark.parametrize("processes", [1, 3])
def test_no_more_run_at_once_than_allowed(processes):
    ended = run([task(number, STAMPED) for number in range(4)], processes=processes)
    assert sorted(one.tag for one in ended) == [0, 1, 2, 3]
    assert most_at_once(ended) <= processes


def test_what_runs_together_fits_the_memory():
    sizes = {0: 60.0, 1: 60.0, 2: 30.0}
    ended = run([task(tag, STAMPED) for tag in sizes], processes=3, memory_mb=110, estimate=sizes.__getitem__)
    spans = {one.tag: tuple(map(float, one.said.split())) for one in ended}
    assert spans[0][1] <= spans[1][0]  # 120 would not fit
    assert spans[2][0] < spans[0][1]  # 90 did, so the later one went first


def test_one_that_is_larger_than_all_memory_runs_alone():
    ended = run([task(tag, STAMPED) for tag in range(2)], memory_mb=10, estimate=lambda tag: 50.0)
    assert most_at_once(ended) == 1


def test_what_is_given_is_read_and_what_was_said_is_kept():
    (ended,) = run([task("a", "import sys; print(input()[::-1]); sys.exit(3)", "tpircs")])
    assert (ended.code, ended.said) == (3, "script")


def test_a_process_that_is_killed_says_by_what_and_the_others_go_on():
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ended = {one.tag: one for one in run([task("dies", dies), task("lives", "print('well')")], processes=1)}
    assert ended["dies"].code == -signal.SIGKILL
    assert killed_by(ended["dies"].code) == "SIGKILL"
    assert ended["lives"].code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
def test_the_peak_of_a_process_is_its_own():
    hungry = "import time; block = b'x' * 200_000_000; time.sleep(0.5)"
    ended = {
        one.tag: one for one in run([task("small", "import time; time.sleep(0.5)"), task("big", hungry)])
    }
    assert ended["big"].peak_mb > 200
    assert ended["small"].peak_mb < 100


def test_a_wish_to_stop_ends_what_runs(tmp_path):
    mark = tmp_path / "pid"
    code = (
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    started = time.monotonic()
    assert run([task("long", code)], stopped=lambda: mark.exists() and mark.read_text() != "") == []
    assert time.monotonic() - started < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_process_that_does_not_want_to_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperpcm.benchmark.processes._GRACE_S", 0.2)
    mark = tmp_path / "pid"
    code = (
        "import os, pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )
    run([task("deaf", code)], stopped=lambda: mark.exists() and mark.read_text() != "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_worker_ends_when_its_parent_is_gone():
    code = (
        "import sys; sys.stdin.readline()\n"
        "from hyperpcm.benchmark import worker; worker._end_with_the_parent()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    process.stdin.write(b"something\n")
    process.stdin.close()
    assert process.wait(timeout=60) == 1


def test_the_limit_of_memory_is_a_number_of_this_machine():
    assert 100 < memory_limit_mb() < 1e9
