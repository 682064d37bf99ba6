"""Work spread over processes: one thread each, results in the order asked for, few of them ahead."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from hyperpcm.encoders.base import Encoder, parts_of
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import ConfigError, ProcessLostError

__all__ = ["Workers", "checked_processes", "default_processes", "prepare_process", "usable_cores"]

_Arguments = ParamSpec("_Arguments")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

WARM_UP_S: Final = 0.5
"""Seconds of work done in this process before others are started: what starting them costs."""

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


_ALLOCATOR: Final = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count", 100)
"""Small pieces of memory that a process keeps at hand for each size: RDKit takes and frees thousands for a
compound, and takes 6 % less time with this many than with glibc's 7. Other allocators do not look at it."""


def usable_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_processes(encoder: Encoder) -> int:
    """Number of processes that suit an encoder: all cores, or 1 where it carries weights.

    Weights would be held once by each process, and a network uses several threads by itself. An encoder that
    is not in the table of encoders gets 1.
    """
    entries = [ENCODERS.get(part.name) for part in parts_of(encoder)]
    light = all(entry is not None and not entry.is_learned for entry in entries)
    return usable_cores() if light else 1


def checked_processes(processes: int) -> int:
    """Return a number of processes that can be.

    Raises:
        ConfigError: fewer than one.
    """
    if processes < 1:
        raise ConfigError(f"processes must be 1 or more, not {processes}")
    return processes


class Workers:
    """Processes that run tasks for this one; a context manager.

    With one process, tasks run in this one. With more, tasks run here too until they have taken as long as
    starting processes costs, so that little work is not slowed down. Processes are started afresh (spawn):
    a script that uses them needs the usual ``if __name__ == "__main__"``. They end with this process, however
    it ends.

    Args:
        processes: how many.
        apart: whether no task may run in this process: one may bring down whatever it runs in.

    Raises:
        ConfigError: fewer than one.
    """

    def __init__(self, processes: int = 1, *, apart: bool = False) -> None:
        self.processes, self._apart = checked_processes(processes), apart
        self._pool: ProcessPoolExecutor | None = None
        self._spent = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """End the processes; tasks that have not begun are dropped, and a later one starts others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    @property
    def ahead(self) -> int:
        """Tasks that should be under way before the first result is waited for."""
        return 0 if self.processes == 1 else 4 * self.processes

    def submit(
        self, task: Callable[_Arguments, _Result], *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> Callable[[], _Result]:
        """Begin a task; what comes back waits for its result.

        Args:
            task: a function of a module; it, its arguments and its result must be picklable.
            arguments: of the task.
            named: of the task.

        Returns:
            A function that gives the result, or raises what the task raised.

        Raises:
            ProcessLostError: by the function returned, when a process was killed.
        """
        is_warm = self.processes > 1 and (self._pool is not None or self._spent >= WARM_UP_S)
        if not (self._apart or is_warm):
            return self._here(task, *arguments, **named).result
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.processes, multiprocessing.get_context("spawn"), initializer=prepare_process
            )
        try:
            with _environment_of_processes():  # they are started as tasks come
                future = self._pool.submit(task, *arguments, **named)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        return lambda: _result_of(future)

    def map(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """Give the task's result for each item, in their order; items are drawn as results are taken."""
        waiting: deque[Callable[[], _Result]] = deque()
        for item in items:
            waiting.append(self.submit(task, item))
            if len(waiting) > self.ahead:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()

    def _here(
        self, task: Callable[_Arguments, _Result], *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> Future[_Result]:
        """The task done in this process; an error waits for whoever asks for the result."""
        future: Future[_Result] = Future()
        started = time.perf_counter()
        try:
            future.set_result(task(*arguments, **named))
        except Exception as error:  # noqa: BLE001  # it is raised where the result is asked for
            future.set_exception(error)
        self._spent += time.perf_counter() - started
        return future


@contextmanager
def _environment_of_processes() -> Iterator[None]:
    """What is to stand in the environment of processes that are started; this one's is restored."""
    variable, setting, value = _ALLOCATOR
    given = os.environ.get(variable)
    if given is None or setting not in given:
        os.environ[variable] = ":".join([*([given] if given else []), f"{setting}={value}"])
    try:
        yield
    finally:
        if given is None:
            del os.environ[variable]
        else:
            os.environ[variable] = given


def _result_of(future: Future[_Result]) -> _Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ProcessLostError(
            "one of the processes was killed, perhaps because memory ran out. What was stored is kept: run "
            "the same again, with fewer processes (--processes 1)."
        ) from error


def prepare_process() -> None:
    """Hold this new process to one thread, leave Ctrl-C to its parent, and end with it."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # for libraries that are loaded later
    threadpool_limits(limits=1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
