"""What runs shards: in this process, in several on this machine, or on a cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import torch

from hyperpcm.encoders.parallel import checked_processes, prepare_process, usable_cores
from hyperpcm.scaleout.runner import ShardReport, ShardRunner
from hyperpcm.screening.device import device_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["ATTEMPTS", "Engine", "LocalEngine"]

ATTEMPTS: Final = 4
"""How often a shard is begun in one run while its process dies; the last ones isolate the preparing."""

_GRACE_S: Final = 5.0  # between asking a process to end and killing it


class Engine(Protocol):
    """Runs a picklable runner on shards."""

    def run(self, runner: ShardRunner, shards: Sequence[int]) -> Iterator[ShardReport]:
        """Report each shard as it ends, in any order; every shard once.

        Args:
            runner: what to call with the number of a shard; its panel is loaded.
            shards: their numbers.

        Raises:
            HyperpcmError: what stops the whole run, such as a full disk.
        """


class LocalEngine:
    """Processes on this machine, one thread each; with one, shards run in this process.

    A process that is killed costs time: another takes its place, and its shard is begun again, three times at
    most. Processes end with this one, however it ends, and leave Ctrl-C to it.

    On ``cuda``, processes are dealt out to the GPUs in turn. More of them than GPUs share them: each keeps
    the targets in the memory of its GPU once more, and prepares compounds of a file while others score.

    Args:
        processes: how many; None: one for each core, on ``cuda`` one for each GPU.
        device: where compounds are scored, as `device_of` takes it; ``cuda:N``: all on that GPU.

    Raises:
        ConfigError: fewer than one, or no such device here.
    """

    def __init__(self, processes: int | None = None, device: str = "cpu") -> None:
        found = device_of(device)
        self.device = str(found)
        every_gpu = self.device == "cuda"
        self._devices = (
            [f"cuda:{number}" for number in range(torch.cuda.device_count())] if every_gpu else [self.device]
        )
        if processes is None:
            processes = usable_cores() if found.type == "cpu" else len(self._devices)
        self.processes = checked_processes(processes)

    def run(self, runner: ShardRunner, shards: Sequence[int]) -> Iterator[ShardReport]:
        """Report each shard as it ends; see `Engine`."""
        if self.processes == 1:
            yield from map(runner.on(self.device), shards)
            return
        waiting, deaths = deque(shards), Counter[int]()
        workers: list[_Worker] = []
        try:
            while waiting or any(one.shard is not None for one in workers):
                idle = [one for one in workers if one.shard is None]
                while waiting and (idle or len(workers) < self.processes):
                    worker = idle.pop() if idle else self._started(runner, workers)
                    worker.give(waiting.popleft())
                busy = {one.pipe: one for one in workers if one.shard is not None}
                for pipe in connection.wait(list(busy)):
                    worker = busy[cast("Connection", pipe)]
                    report = worker.report()
                    if report is None:
                        workers.remove(worker)
                        report = self._died(runner, worker, waiting, deaths)
                    if report is not None:
                        yield report
        finally:
            _end_all(workers)

    def _started(self, runner: ShardRunner, workers: list[_Worker]) -> _Worker:
        """A new process, on the device that the fewest of the others are on."""
        users = Counter(one.device for one in workers)
        device = min(self._devices, key=lambda one: users[one])
        worker = _Worker(runner.on(device))
        workers.append(worker)
        return worker

    def _died(
        self, runner: ShardRunner, worker: _Worker, waiting: deque[int], deaths: Counter[int]
    ) -> ShardReport | None:
        """Put the shard of a process that died back, or report it after too many."""
        shard = cast("int", worker.shard)
        worker.process.join()
        deaths[shard] += 1
        if deaths[shard] < ATTEMPTS:
            waiting.append(shard)
            return None
        how = _ending(worker.process.exitcode)
        rows = runner.load().shards[shard].rows
        reason = f"the process that screened it died {ATTEMPTS} times, the last time {how}."
        return runner.failed(shard, rows, reason)


class _Worker:
    """A process, and what it is doing.

    Args:
        runner: what it calls.
    """

    def __init__(self, runner: ShardRunner) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(runner, theirs), name="hyperpcm-shards")
        self.process.start()
        theirs.close()  # so that its end is seen when the process dies
        self.device, self.shard = runner.device, cast("int | None", None)

    def give(self, shard: int) -> None:
        """Let it screen a shard; that it is dead is found by `report`."""
        self.shard = shard
        with contextlib.suppress(OSError):
            self.pipe.send(shard)

    def report(self) -> ShardReport | None:
        """What it reports; None if it is dead. Raises what stops the whole run."""
        try:
            reply = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.shard = None
        if isinstance(reply, BaseException):
            raise reply
        return cast("ShardReport", reply)


def _serve(runner: ShardRunner, pipe: Any) -> None:
    """What a process does: screen one shard after the other until nobody asks any more."""
    prepare_process()
    while True:
        try:
            shard = pipe.recv()
        except EOFError:
            return
        try:
            reply: object = runner(shard)
        except Exception as error:  # noqa: BLE001  # the parent raises it
            reply = error
        with contextlib.suppress(OSError):  # nobody asks any more
            pipe.send(reply)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"


def _end_all(workers: Sequence[_Worker]) -> None:
    """End the processes: those that wait by closing their pipes, those that work by a signal."""
    for one in workers:
        one.pipe.close()
        if one.shard is not None:
            one.process.terminate()
    for one in workers:
        one.process.join(_GRACE_S)
        if one.process.is_alive():
            one.process.kill()
            one.process.join()
