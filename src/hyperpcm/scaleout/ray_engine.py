"""Shards on a Ray cluster, or on a Ray of this machine: each shard is one row of a Ray data set.

Rows of the library never pass through Ray; what does is the number of a shard and its report. So Ray places,
retries and scales, and what is done is told by receipts, as under every engine.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from hyperpcm import errors
from hyperpcm.encoders.parallel import usable_cores
from hyperpcm.errors import ConfigError, HyperpcmError, InputError, MissingExtraError, ProcessLostError
from hyperpcm.scaleout.engine import ATTEMPTS
from hyperpcm.scaleout.runner import ShardReport, ShardRunner
from hyperpcm.screening.device import check_device_name

__all__ = ["RayEngine"]

_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent home
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # without a GPU, leave the variables of the GPU alone
}


_REACHED_S: Final = 10.0  # for a connection to a cluster
_LOOPBACK: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Read when Ray is imported: a Ray that is no cluster listens on the loopback alone, on every system."""


class RayEngine:
    """Actors on Ray, one core each, on ``cuda`` also a GPU each; the panel is loaded once in each.

    A cluster is named by ``address`` or by the variable ``RAY_ADDRESS``; else a Ray of this machine is
    started, bound to the loopback, and stopped at the end. The folder of the plan, the targets and the index
    have to be at the same paths on all machines. An actor that is killed costs time: Ray starts it again.

    Args:
        processes: most actors; None: as many as there are cores, or GPUs.
        address: of a cluster.
        device: where compounds are scored: ``cpu``, ``cuda``, or ``auto``: on GPUs where the cluster has any.

    Raises:
        ConfigError: another device; which GPU an actor gets, Ray says.
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, processes: int | None = None, address: str | None = None, device: str = "cpu") -> None:
        check_device_name(device)
        if ":" in device:
            raise ConfigError(f"device is {device!r}, and Ray gives each actor a GPU of its own; give cuda.")
        self.processes, self.address = processes, address or os.environ.get("RAY_ADDRESS")
        self.device = device
        for name, value in (_QUIET if self.address else _QUIET | _LOOPBACK).items():
            os.environ.setdefault(name, value)
        _ray()

    def run(self, runner: ShardRunner, shards: Sequence[int]) -> Iterator[ShardReport]:
        """Report each shard as it ends; see `hyperpcm.scaleout.engine.Engine`."""
        left = [shard for shard in shards if runner.files.done(shard) is None]
        yield from (runner(shard) for shard in shards if shard not in set(left))
        if not left:
            return
        ray = _ray()
        started = self._start(ray)
        try:
            yield from self._reports(ray, runner, left)
        finally:
            if started:
                ray.shutdown()

    def _start(self, ray: Any) -> bool:
        """Connect or start, and say whether this has to be undone."""
        if ray.is_initialized():
            return False
        if self.address:
            try:
                _check_reachable(self.address)
                ray.init(address=self.address, log_to_driver=False, logging_level=logging.WARNING)
            except (OSError, RuntimeError, ValueError) as error:
                first = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise InputError(
                    f"{self.address}: no Ray cluster can be reached there ({first}). Check the address; "
                    "where the cluster asks for a token, set RAY_AUTH_MODE=token."
                ) from None
        else:
            ray.init(
                address="local",
                num_cpus=self.processes or usable_cores(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
            )
        return True

    def _reports(self, ray: Any, runner: ShardRunner, shards: Sequence[int]) -> Iterator[ShardReport]:
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        ray.data.DataContext.get_current().enable_progress_bars = False
        device = self._device(ray)
        rows = [
            {
                "folder": str(runner.folder),
                "device": device,
                "shard": shard,
                "most": runner.files.begun(shard) + ATTEMPTS,
            }
            for shard in shards
        ]
        most = min(self.processes or len(shards), len(shards))  # Ray starts no more than there are cores
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Screener,
            num_cpus=1,
            num_gpus=None if device == "cpu" else 1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
        )
        try:
            for row in done.iter_rows():
                if row["error"]:
                    raise _error(row["error"], row["words"])
                yield ShardReport(**json.loads(row["report"]))
        except ray.exceptions.RayError as error:
            first = str(error).strip().splitlines()
            raise ProcessLostError(
                f"Ray gave up ({type(error).__name__}: {first[-1] if first else ''}). What is done is kept: "
                "run the same again."
            ) from error

    def _device(self, ray: Any) -> str:
        """Where actors score; without this look, Ray would wait for a GPU for ever."""
        gpus = ray.cluster_resources().get("GPU", 0)
        if self.device == "cuda" and gpus < 1:
            raise ConfigError("device is 'cuda', and Ray has no GPU here; give cpu.")
        return "cpu" if self.device == "cpu" or gpus < 1 else "cuda"


def _check_reachable(address: str) -> None:
    """Raise at once what Ray would find after minutes; an address without a port is left to Ray."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_REACHED_S).close()


class _Screener:
    """What an actor does; errors that stop the whole run travel as words, for Ray would wrap them.

    Ray begins a task anew as often as its process dies, so it is counted here, by the marks of the shard.
    """

    def __init__(self) -> None:
        self._runner: ShardRunner | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        """Screen the shard of a row."""
        if self._runner is None:
            self._runner = ShardRunner(Path(row["folder"]), row["device"])
        runner, shard = self._runner, int(row["shard"])
        try:
            if runner.files.begun(shard) >= row["most"]:
                reason = f"the process that screened it died {ATTEMPTS} times."
                report = runner.failed(shard, runner.load().shards[shard].rows, reason)
            else:
                report = runner(shard)
        except HyperpcmError as error:
            return {"report": "", "error": type(error).__name__, "words": str(error)}
        return {"report": json.dumps(dataclasses.asdict(report)), "error": "", "words": ""}


def _error(name: str, words: str) -> HyperpcmError:
    """The error that an actor told of; one that is made of more than words comes as the base of all."""
    kind: type[HyperpcmError] = getattr(errors, name)
    return kind(words) if kind.__init__ is Exception.__init__ else HyperpcmError(words)


def _ray() -> Any:
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError:
        raise MissingExtraError("Ray", "ray") from None
    return ray
