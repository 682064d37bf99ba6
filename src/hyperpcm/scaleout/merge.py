"""From the results of all shards to the hits of the screen, with every row accounted for."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import InputError, Rejection
from hyperpcm.scaleout.plan import LibraryFacts, Plan, Shard
from hyperpcm.scaleout.results import Receipt, ShardFiles, ShardResult
from hyperpcm.screening import Hit, TopList

__all__ = ["Merged", "MissingShard", "merge_shards"]

_NAMED: Final = 10  # missing shards in a message


@dataclasses.dataclass(frozen=True)
class MissingShard:
    """A shard that is not done.

    Attributes:
        shard: its number, from 0.
        first: its first row in the library, from 0.
        rows: how many rows it has.
        reason: why, where somebody has said.
    """

    shard: int
    first: int
    rows: int
    reason: str

    def __str__(self) -> str:
        """The shard and its rows as people count them, from 1."""
        where = f"shard {self.shard + 1} (rows {self.first + 1:,} to {self.first + self.rows:,})"
        return f"{where}: {self.reason}" if self.reason else where


@dataclasses.dataclass(frozen=True)
class Merged:
    """What became of a library that was screened in shards.

    Attributes:
        library: its path.
        quantity: what scores mean.
        rows: rows of the shards that are done; all of the library but for missing ones.
        scored: rows that were scored; the others were refused.
        refused: how many rows were refused for each reason, by code.
        hits: the best compounds of each target, the best first, by the target's name.
        missing: shards that are not done.
        changed: whether the library is no longer what was planned with; hits are those of what it was.
    """

    library: Path
    quantity: Quantity
    rows: int
    scored: int
    refused: Mapping[str, int]
    hits: Mapping[str, tuple[Hit, ...]]
    missing: tuple[MissingShard, ...]
    changed: bool


def merge_shards(
    folder: Path,
    *,
    partial: bool = False,
    take_rejections: Callable[[Sequence[Rejection]], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Merged:
    """Merge what the shards found: the hits of a screen of the whole library, whatever the shards.

    Of each shard the checksum of its result is verified, and that the rows that went in are those of the plan
    and were either scored or refused; the same is verified in sum. One shard is in memory at a time.

    Args:
        folder: of the plan.
        partial: whether shards may be missing.
        take_rejections: is called with the refused rows of each shard, in the order of the library.
        progress: is called with the number of rows merged.

    Raises:
        InputError: there is no plan; a shard is missing, damaged or of another plan and ``partial`` is not
            set; rows do not add up; no row could be scored.
    """
    plan = Plan.read(folder)
    files = ShardFiles(folder, plan.job)
    missing = [one for one in (_missing(files, plan, number) for number in range(len(plan.shards))) if one]
    if missing and not partial:
        raise InputError(_refusal(folder, missing, len(plan.shards)))
    absent = {one.shard for one in missing}
    tops = {target.name: TopList(plan.settings.top) for target in plan.targets}
    refused, rows, scored = collections.Counter[str](), 0, 0
    for number, shard in enumerate(plan.shards):
        if number in absent:
            continue
        result = _checked(files, number, shard)
        for name, top in tops.items():
            top.merge(result.hits[name])
        refused.update(one.code for one in result.rejections)
        rows, scored = rows + result.rows, scored + result.scored
        if take_rejections is not None:
            take_rejections(result.rejections)
        if progress is not None:
            progress(rows)
    if rows != scored + refused.total() or rows + sum(one.rows for one in missing) != plan.rows:
        raise InputError(
            f"{folder}: of {plan.rows:,} rows {scored:,} were scored and {refused.total():,} rejected, which "
            "does not add up. Remove its folder shards, and run the plan again."
        )
    if not scored:
        raise InputError(f"{plan.library.path}: none of its {rows:,} rows can be scored.")
    hits = {name: tuple(top.best()) for name, top in tops.items()}
    library = Path(plan.library.path)
    return Merged(
        library, plan.quantity, rows, scored, dict(refused), hits, tuple(missing), _changed(library, plan)
    )


def _missing(files: ShardFiles, plan: Plan, number: int) -> MissingShard | None:
    """The shard, if it is not done for this plan."""
    if files.done(number) is not None:
        return None
    shard, receipt = plan.shards[number], files.receipt(number)
    reason = files.failure(number)
    if receipt is not None and receipt.job != plan.job:
        reason = "its result is one of another plan"
    elif receipt is not None and not reason:
        reason = "its result is damaged"
    return MissingShard(number, shard.first, shard.rows, reason)


def _refusal(folder: Path, missing: Sequence[MissingShard], total: int) -> str:
    named = "; ".join(map(str, missing[:_NAMED]))
    more = f"; and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return (
        f"{folder}: {len(missing):,} of {total:,} shards are not done: {named}{more}. Run the plan again, "
        "which does only these, or merge what is there with --partial."
    )


def _checked(files: ShardFiles, number: int, shard: Shard) -> ShardResult:
    receipt: Receipt | None = files.receipt(number)
    result = None if receipt is None or receipt.job != files.job else files.result(receipt)
    if receipt is None or result is None:
        raise InputError(f"{files.folder}: shard {number + 1} changed while it was merged. Merge again.")
    counts = (result.rows, result.scored, len(result.rejections))
    if (
        counts != (receipt.rows, receipt.scored, receipt.rejected)
        or result.rows != shard.rows
        or result.rows != result.scored + len(result.rejections)
    ):
        raise InputError(
            f"{files.folder}: of the {shard.rows:,} rows of shard {number + 1}, {result.scored:,} were "
            f"scored and {len(result.rejections):,} rejected, which does not add up. Remove its receipt, "
            "and run the plan again."
        )
    return result


def _changed(library: Path, plan: Plan) -> bool:
    """Whether the library is there and is another one now."""
    try:
        return not LibraryFacts.of(library).same_content(plan.library)
    except OSError:
        return False
