"""`hyperpcm screen merge`: the hits of a screen in shards, with every row accounted for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.intervals import Level
from hyperpcm.cli.rejections import rejection_log
from hyperpcm.cli.screen_options import (
    Diverse,
    Gallery,
    HitsFile,
    Rejected,
    check_result_files,
    folder_of_plan,
)
from hyperpcm.cli.screen_output import write_results
from hyperpcm.cli.screen_summary import hits_table, tell_refused

__all__ = ["merge"]


def merge(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of the plan.")],
    out: HitsFile,
    partial: Annotated[
        bool, typer.Option("--partial", help="Merge what is there although shards are missing.")
    ] = False,
    diverse: Diverse = None,
    gallery: Gallery = None,
    rejected: Rejected = None,
    level: Level = 0.8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Merge the results of all shards of a plan into the hits of each target.

    They are those of one hyperpcm screen of the whole library. Refuses while a shard is missing or of another
    plan; checks that the rows of each shard, and all rows, were either scored or rejected.
    """
    console: Console = ctx.obj
    folder_of_plan(folder)
    check_result_files(out, rejected, gallery, overwrite=overwrite, inputs=[])
    from hyperpcm.scaleout import backing_of_merged, merge_shards
    from hyperpcm.screening import diverse_hits

    started = time.monotonic()
    with console.progress() as progress, rejection_log(rejected, overwrite=overwrite) as log:
        found = merge_shards(
            folder,
            partial=partial,
            take_rejections=log.add,
            progress=progress.rows("rows merged", rated=True),
        )
        hits = dict(found.hits)
        if diverse is not None:
            hits = {name: diverse_hits(one, diverse) for name, one in hits.items()}
        backing, without = backing_of_merged(folder, hits, level=level)
        write_results(
            out,
            hits,
            found.quantity,
            backing=backing,
            gallery=gallery,
            library=found.library,
            scored=found.scored,
            overwrite=overwrite,
        )
    missing = sum(one.rows for one in found.missing)
    if as_json:
        console.result_json(
            {
                "rows": found.rows,
                "scored": found.scored,
                "rejected": dict(found.refused),
                "missing": {"shards": [one.shard + 1 for one in found.missing], "rows": missing},
                "hits": {name: len(one) for name, one in hits.items()},
                "out": str(out),
                "seconds": time.monotonic() - started,
            }
        )
    else:
        console.result(hits_table(hits, found.quantity))
    for one in found.missing:
        console.error(f"missing: {printable(str(one))}")
    for name, reason in without.items():
        console.error(
            f"the hits on {printable(name)} have no nearest compound and no interval: {printable(reason)}"
        )
    if found.changed:
        console.error(f"{found.library}: has changed since it was planned; the hits are of what it was then.")
    if as_json:
        return
    tell_refused(console, found.rows, found.refused)
    all_rows = (
        f"{found.rows + missing:,} rows = {found.scored:,} scored + {sum(found.refused.values()):,} rejected"
    )
    lost = f" + {missing:,} in {len(found.missing):,} missing shards" if missing else ""
    console.note(f"{all_rows}{lost}")
    console.note(f"{out}: {sum(map(len, hits.values())):,} hits on {len(hits):,} targets")
