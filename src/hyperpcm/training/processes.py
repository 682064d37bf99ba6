"""Training on several processes: who started them, how they meet, and what becomes of them.

They are started here, by the spawn method, or outside by torchrun or srun. The parent of those started here
passes on progress, signals and errors, and ends them all when one of them dies.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import connection, get_context, parent_process
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn

from hyperpcm.config import TrainingConfig
from hyperpcm.errors import ConfigError, HyperpcmError, ProcessLostError
from hyperpcm.training.run_folder import outer_processes
from hyperpcm.training.stopping import StopSignal

__all__ = ["check_processes", "launch", "make_fabric", "meet", "must_launch", "solving_device"]

Progress = Callable[[str, int, int], None]

_TIMEOUT = timedelta(minutes=30)  # a process that waits longer than this for another one gives up
_GRACE = 20.0  # seconds that the others get to end by themselves after one has failed
_CHILD = "HYPERPCM_CHILD"


class _SharedSteps(DDPStrategy):
    """Fabric's strategy of processes that meet, without its wrapper: the loop adds up the gradients itself.

    The wrapper would average them, leave out those of the loss, and stall where a parameter has none.
    """

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        """Return the module as it is."""
        return module


def check_processes(training: TrainingConfig) -> None:
    """Refuse a precision or a number of processes that the machine does not have.

    Raises:
        ConfigError: the message says what to set instead.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    accelerator = training.accelerator
    if accelerator == "auto":
        accelerator = "mps" if has_mps else "cuda" if has_cuda else "cpu"
    if training.precision == "16-mixed" and accelerator == "cpu":
        raise ConfigError(
            "training.precision = '16-mixed' needs a GPU, and this run is on a CPU; use bf16-mixed "
            "or 32-true."
        )
    outer = outer_processes()
    if outer is not None and outer.count != training.processes:
        raise ConfigError(
            f"{outer.count} processes were started from outside, but training.processes = "
            f"{training.processes}; make them the same."
        )
    if training.processes == 1:
        return
    if accelerator == "mps":
        raise ConfigError(
            "training.processes: several processes need CPUs or CUDA devices; MPS has one only."
        )
    here = training.processes if outer is None else outer.on_this_machine
    if accelerator == "cuda" and torch.cuda.device_count() < here:
        raise ConfigError(
            f"training.processes = {training.processes} needs a GPU for each of the {here} on this machine, "
            f"which has {torch.cuda.device_count()}. Lower it, or set training.accelerator=cpu."
        )


def make_fabric(training: TrainingConfig) -> Fabric:
    """Return Fabric for this process, alone or as one of several that have been started."""
    if training.processes == 1:
        return Fabric(accelerator=training.accelerator, devices=1, precision=training.precision)
    outer = outer_processes()
    environment: ClusterEnvironment = LightningEnvironment()
    if outer is not None:
        environment = SLURMEnvironment() if outer.starter == "srun" else TorchElasticEnvironment()
    here = training.processes if outer is None else outer.on_this_machine
    return Fabric(
        accelerator=training.accelerator,
        devices=here,
        num_nodes=training.processes // here,
        strategy=_SharedSteps(cluster_environment=environment, timeout=_TIMEOUT),
        precision=training.precision,
    )


def solving_device(training: TrainingConfig) -> torch.device:
    """Return where systems of equations are solved: on the GPU that trains, in double precision in part."""
    is_wanted = training.accelerator in ("auto", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if is_wanted else "cpu")


def must_launch(training: TrainingConfig) -> bool:
    """Whether the processes are still to be started."""
    return training.processes > 1 and outer_processes() is None and _CHILD not in os.environ


def meet() -> None:
    """Wait for all processes that were started from outside, and part; nothing happens where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


@dataclass(frozen=True)
class _Failure:
    """An error on its way from a process to the parent."""

    kind: type[BaseException] | None
    args: tuple[Any, ...]
    attributes: dict[str, Any]
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> _Failure:
        trace = "".join(traceback.format_exception(error))
        if isinstance(error, HyperpcmError):
            return cls(type(error), error.args, dict(error.__dict__), trace)
        return cls(None, (), {}, trace)

    def raised(self, rank: int) -> BaseException:
        if self.kind is None:
            return RuntimeError(f"training process {rank} failed:\n{self.trace}")
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.attributes)
        return error


def launch(
    function: Callable[..., Any], arguments: tuple[Any, ...], processes: int, progress: Progress | None = None
) -> Any:
    """Run a function on several new processes and return what it returns on the first.

    Args:
        function: of a module, called with the arguments and ``stop`` and ``progress``; it builds Fabric by
            `make_fabric`.
        arguments: copied to each process.
        processes: how many.
        progress: receives what the first process tells.

    Raises:
        ProcessLostError: a process died; the others are ended.
        HyperpcmError: raised by the function; also `TrainingStoppedError` after a signal.
    """
    payload, port = pickle.dumps((function, arguments)), _free_port()
    context = get_context("spawn")
    asked = context.Event()
    crew = []
    try:
        with StopSignal() as stop:
            for rank in range(processes):
                ours, theirs = context.Pipe(duplex=False)
                child = context.Process(
                    target=_child, args=(rank, port, payload, theirs, asked), name=f"hyperpcm-{rank}"
                )
                child.start()
                theirs.close()
                crew.append((child, ours))
            return _watch(crew, stop, asked, progress)
    finally:
        for child, ours in crew:
            if child.is_alive():
                child.kill()
            child.join()
            ours.close()


def _watch(crew: list[tuple[Any, Any]], stop: StopSignal, asked: Any, progress: Progress | None) -> Any:
    """Pass on what the processes say until all have ended."""
    results: dict[int, Any] = {}
    failures: dict[int, _Failure] = {}
    open_ends: dict[Any, int] = {ours: rank for rank, (_, ours) in enumerate(crew)}
    deadline = None
    while open_ends:
        if stop.requested and not asked.is_set():
            asked.set()
        ready: list[Any] = connection.wait(list(open_ends), timeout=0.2)
        for ours in ready:
            rank = open_ends[ours]
            try:
                message: tuple[str, Any] = ours.recv()
            except (EOFError, OSError):
                del open_ends[ours]
                continue
            what, content = message
            if what == "progress" and progress is not None:
                progress(*content)
            elif what == "failure":
                failures[rank] = content
            elif what == "result":
                results[rank] = content
        ended = [rank for rank in range(len(crew)) if rank not in open_ends.values()]
        if deadline is None and (failures or any(rank not in results for rank in ended)):
            deadline = time.monotonic() + _GRACE
        if deadline is not None and time.monotonic() > deadline:
            break
    if len(results) == len(crew):
        return pickle.loads(results[0])  # noqa: S301 — made by our own process
    raise _cause(crew, results, failures, stop)


def _cause(
    crew: list[tuple[Any, Any]], results: dict[int, Any], failures: dict[int, _Failure], stop: StopSignal
) -> BaseException:
    """What ended training: an error on purpose, else a process that died, else the first of other errors."""
    known = [rank for rank, failure in failures.items() if failure.kind is not None]
    if known:
        if stop.requested:
            stop.raise_if_requested()
        return failures[known[0]].raised(known[0])
    lost = [rank for rank in range(len(crew)) if rank not in failures and rank not in results]
    for rank in lost:
        child = crew[rank][0]
        child.join(timeout=2.0)  # its end of the pipe closes a little before it is gone
        if child.is_alive():
            continue
        code = child.exitcode or 0
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return ProcessLostError(
            f"Training process {rank} of {len(crew)} ended {how}, often because memory ran out; the others "
            "were ended too. Run the same command with --resume to go on from the last checkpoint."
        )
    if failures:
        rank = next(iter(failures))
        return failures[rank].raised(rank)
    return ProcessLostError(f"Training process {lost[0]} of {len(crew)} did not answer; all were ended.")


def _child(rank: int, port: int, payload: bytes, ours: Any, asked: Any) -> None:
    """The life of one process."""
    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):  # the parent gets them too, and decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # not who has met whom
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= {_CHILD: "1", "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if sys.platform == "linux" and "lo" in {name for _, name in socket.if_nameindex()}:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # they meet on this machine, whatever its name says

    def tell(stage: str, done: int, of: int) -> None:
        if rank == 0:
            ours.send(("progress", (stage, done, of)))

    try:
        function, arguments = pickle.loads(payload)  # noqa: S301 — made by the parent, from objects in memory
        result = function(*arguments, stop=StopSignal(asked.is_set), progress=tell)
        # As bytes: a connection would pass tensors as shared memory, which ends with this process.
        ours.send(("result", pickle.dumps(result if rank == 0 else None)))
        meet()
    except BaseException as error:  # noqa: BLE001 — whatever it is, the parent tells it
        ours.send(("failure", _Failure.of(error)))
        ours.close()
        os._exit(1)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
