"""`hyperpcm screen run`: the shards of a plan, or a part of them, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
import enum
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import Device
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.screen_options import folder_of_plan
from hyperpcm.errors import ConfigError, ShardsFailedError

if TYPE_CHECKING:
    from hyperpcm.scaleout import Engine, ShardReport

__all__ = ["run"]


class EngineName(enum.StrEnum):
    """What runs the shards."""

    local = "local"
    ray = "ray"


def run(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of the plan.")],
    engine: Annotated[
        EngineName,
        typer.Option(help="local: processes on this machine; ray: a Ray cluster, or Ray on this machine."),
    ] = EngineName.local,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most processes or actors; as many as there are cores, or GPUs where these score."
        ),
    ] = None,
    device: Device = "cpu",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="Only the K-th of N parts of the shards. In a Slurm array, the part of the task.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--ray-address", help="Of a Ray cluster, if RAY_ADDRESS does not say; else Ray of this machine."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Screen the shards of a plan that are not done yet.

    Whatever ends it, the same command goes on, and several may run at once. A shard that cannot be done is
    named and costs itself: the others are done, and the exit code is 4.

    With --device cuda there is a process for each GPU. More of them (--processes) share the GPUs, each with
    the targets in GPU memory once more: worth it where compounds are read from a file, which a core prepares.
    """
    console: Console = ctx.obj
    if address is not None and engine is not EngineName.ray:
        raise ConfigError("--ray-address goes with --engine ray.")
    folder_of_plan(folder)
    from hyperpcm.scaleout import LocalEngine, Part, run_shards

    part = Part.parse(shard) if shard is not None else Part.of_array(os.environ)
    runs: Engine
    if engine is EngineName.ray:
        from hyperpcm.scaleout.ray_engine import RayEngine

        runs = RayEngine(processes, address, device)
    else:
        runs = LocalEngine(processes, device)

    def tell(report: ShardReport) -> None:
        console.error(f"shard {report.shard + 1} cannot be done: {printable(report.reason)}")

    started = time.monotonic()
    # What Ray has to say it says on stdout, which belongs to the result.
    with contextlib.redirect_stdout(sys.stderr), console.progress() as progress:
        found = run_shards(
            folder,
            runs,
            part,
            progress=lambda done, total: progress("rows screened", done, total, rated=True),
            tell=tell,
        )
    seconds = time.monotonic() - started
    if as_json:
        console.result_json(
            {
                "shards": found.shards,
                "found": found.found,
                "done": found.done,
                "failed": {str(one.shard + 1): one.reason for one in found.failed},
                "rows": found.rows,
                "scored": found.scored,
                "rejected": found.rejected,
                "seconds": seconds,
            }
        )
    else:
        before = f", {found.found:,} of them before" if found.found else ""
        console.result(
            f"{folder}: {found.found + found.done:,} of {found.shards:,} shards are done{before}: "
            f"{found.rows:,} rows, {found.scored:,} scored and {found.rejected:,} rejected"
        )
        console.note(f"{seconds:.1f} s")
    if found.failed:
        raise ShardsFailedError(
            f"{folder}: {len(found.failed):,} of {found.shards:,} shards cannot be done; they are named "
            "above. Mend what is wrong and run the same again, or merge the others with --partial."
        )
