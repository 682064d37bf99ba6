"""Runs commands as processes of their own, several at a time, within a bound on memory.

A process that dies takes nothing with it; one that is stopped by us, or whose parent is gone, leaves nothing
behind.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

__all__ = ["Ended", "Task", "memory_limit_mb", "run_tasks"]

_Tag = TypeVar("_Tag")

_POLL_S: Final = 0.05
_GRACE_S: Final = 5.0  # between asking a process to end and killing it


@dataclasses.dataclass(frozen=True)
class Task(Generic[_Tag]):
    """A command to run.

    Attributes:
        tag: what the caller knows it by.
        command: the program and its arguments.
        given: a line that the process reads from its standard input, which then stays open for as long as
            the parent lives.
        environment: variables that differ from those of this process.
    """

    tag: _Tag
    command: Sequence[str]
    given: str = ""
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Ended(Generic[_Tag]):
    """How a process ended.

    Attributes:
        tag: of its task.
        code: exit code; negative: the signal that killed it.
        seconds: how long it ran.
        peak_mb: the most memory it was seen to hold, in 10⁶ bytes; None where that is not to be had.
        said: the last lines of what it wrote to standard error.
    """

    tag: _Tag
    code: int
    seconds: float
    peak_mb: float | None
    said: str


@dataclasses.dataclass
class _Running(Generic[_Tag]):
    task: Task[_Tag]
    process: subprocess.Popen[bytes]
    log: Path
    started: float
    estimate_mb: float
    peak_mb: float | None = None

    def held_mb(self) -> float:
        """What is set aside for it: the estimate, or more where it was seen to hold more."""
        return max(self.estimate_mb, self.peak_mb or 0.0)


def run_tasks(
    tasks: Sequence[Task[_Tag]],
    *,
    processes: int,
    memory_mb: float,
    estimate: Callable[[_Tag], float],
    stopped: Callable[[], bool],
) -> Iterator[Ended[_Tag]]:
    """Run tasks and give each as it ends.

    A task starts while fewer than ``processes`` run and the memory of those that run together with its own
    estimate stays within the bound; a later one that fits goes before an earlier one that does not yet. One
    that is larger than the bound starts when nothing else runs. When the iteration is given up, or
    ``stopped`` becomes true, all that run are ended.

    Args:
        tasks: in the order of preference.
        processes: most at a time.
        memory_mb: bound on the sum of estimates and seen peaks, in 10⁶ bytes.
        estimate: what a task will need; asked again whenever one could start, so that it may learn.
        stopped: whether to end.
    """
    waiting, running = list(tasks), list[_Running[_Tag]]()
    with tempfile.TemporaryDirectory(prefix="hyperpcm-jobs-") as folder:
        try:
            while (waiting or running) and not stopped():
                while len(running) < processes:
                    task = _next(waiting, running, memory_mb, estimate)
                    if task is None:
                        break
                    waiting.remove(task)
                    running.append(_start(task, Path(folder), estimate(task.tag)))
                for one in list(running):
                    one.peak_mb = max(_peak_mb(one.process.pid) or 0.0, one.peak_mb or 0.0) or None
                    if one.process.poll() is not None:
                        running.remove(one)
                        yield _ended(one)
                time.sleep(_POLL_S)
        finally:
            _end_all([one.process for one in running])


def _next(
    waiting: list[Task[_Tag]],
    running: list[_Running[_Tag]],
    memory_mb: float,
    estimate: Callable[[_Tag], float],
) -> Task[_Tag] | None:
    held = sum(one.held_mb() for one in running)
    for task in waiting:
        if not running or held + estimate(task.tag) <= memory_mb:
            return task
    return None


def _start(task: Task[_Tag], folder: Path, estimate_mb: float) -> _Running[_Tag]:
    handle, name = tempfile.mkstemp(dir=folder, suffix=".log")
    with os.fdopen(handle, "wb") as log:
        process = subprocess.Popen(
            list(task.command),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **task.environment},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children itself
        )
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(task.given.encode() + b"\n")
            process.stdin.flush()
    return _Running(task, process, Path(name), time.perf_counter(), estimate_mb)


def _ended(one: _Running[_Tag]) -> Ended[_Tag]:
    if one.process.stdin is not None:
        with contextlib.suppress(OSError):
            one.process.stdin.close()
    lines = one.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    one.log.unlink(missing_ok=True)
    seconds = time.perf_counter() - one.started
    return Ended(one.task.tag, one.process.returncode, seconds, one.peak_mb, "\n".join(lines[-20:]))


def _end_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    until = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()


def _peak_mb(pid: int) -> float | None:
    """Peak resident memory of a process that runs, in 10⁶ bytes; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


def memory_limit_mb() -> float:
    """Memory that this process and its children may use, in 10⁶ bytes: the machine's, or its container's."""
    limits = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(Path(file).read_text(encoding="ascii")))
    return min(limits, default=8_000_000_000) / 1e6


def killed_by(code: int) -> str:
    """What a negative exit code means, in words."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
