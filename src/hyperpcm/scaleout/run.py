"""Running a plan, or a part of it, on an engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from hyperpcm.scaleout.engine import Engine
from hyperpcm.scaleout.part import Part
from hyperpcm.scaleout.runner import ShardReport, ShardRunner

__all__ = ["ShardsRun", "run_shards"]


@dataclasses.dataclass(frozen=True)
class ShardsRun:
    """What became of the shards of a part.

    Attributes:
        shards: how many it has.
        found: those that were done before.
        done: those that were done now.
        rows: rows of the shards that are done.
        scored: those of them that were scored.
        rejected: the others.
        failed: the shards that could not be done.
    """

    shards: int
    found: int
    done: int
    rows: int
    scored: int
    rejected: int
    failed: tuple[ShardReport, ...]


def run_shards(
    folder: Path,
    engine: Engine,
    part: Part | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[ShardReport], None] | None = None,
) -> ShardsRun:
    """Screen the shards that are not done yet.

    Whatever ends the work, shards with a receipt are done, and the same call does the others. Several may run
    at once on one folder.

    Args:
        folder: of the plan.
        engine: what runs them.
        part: which shards; None: all.
        progress: is called with the rows of shards that ended, and all rows of the part.
        tell: is called with each shard that failed, when it does.

    Raises:
        InputError: there is no plan, or a target or the index is not what was planned with.
        ConfigError: the engine's device is not there.
        ModelFileError: a target cannot be used.
        OutputError: the folder cannot be written to.
        DiskFullError: no space is left; what is done stays done.
        MissingExtraError: the engine is not installed.
    """
    runner = ShardRunner(folder)
    plan = runner.load()
    runner.files.sweep()
    chosen = (part or Part()).shards(len(plan.shards))
    total = sum(plan.shards[number].rows for number in chosen)
    reports: list[ShardReport] = []
    ended = 0
    for report in engine.run(runner, chosen):
        reports.append(report)
        ended += report.rows
        if report.state == "failed" and tell is not None:
            tell(report)
        if progress is not None:
            progress(ended, total)
    good = [one for one in reports if one.state != "failed"]
    return ShardsRun(
        len(chosen),
        sum(one.state == "found" for one in good),
        sum(one.state == "done" for one in good),
        sum(one.rows for one in good),
        sum(one.scored for one in good),
        sum(one.rejected for one in good),
        tuple(sorted((one for one in reports if one.state == "failed"), key=lambda one: one.shard)),
    )
