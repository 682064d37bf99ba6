"""`hyperpcm screen plan`: a library divided into shards, for many processes or machines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.arguments import CompoundColumns, column_roles, existing_file
from hyperpcm.cli.console import Console
from hyperpcm.cli.panel_targets import tell_all_licences
from hyperpcm.cli.screen_options import Actives, Library, MostSimilar, Only, Targets, Top, known_actives
from hyperpcm.screening.panel_files import target_files

__all__ = ["plan"]


def plan(
    ctx: typer.Context,
    targets: Targets,
    library: Library,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the plan, which its results go into.")],
    top: Top = 1000,
    only: Only = None,
    actives: Actives = None,
    most_similar: MostSimilar = 0.6,
    columns: CompoundColumns = None,
    rows: Annotated[
        int, typer.Option(min=1, help="Rows of a shard, rounded up to whole batches, or chunks of an index.")
    ] = 65_536,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Divide a library into shards, for many processes or machines.

    Then screen run screens the shards, and screen merge makes of them the hits of one hyperpcm screen of the
    whole library. A file is read once, and the rows of each shard are laid aside. A large library should be
    indexed first: nothing is copied then, and nothing encoded again.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    files = target_files(targets)
    if not (library / "index.json").is_file():
        existing_file(library, "compounds")
    from hyperpcm.checkpoint import load_target_model
    from hyperpcm.scaleout import Settings, plan_screen

    settings = Settings(
        top=top,
        only=tuple(dict.fromkeys(only or ())),
        actives=tuple(known_actives(actives or ())),
        most_similar=most_similar if actives else 1.0,
        columns=tuple(sorted(roles.items())),
        rows=rows,
    )
    started = time.monotonic()
    with console.progress() as progress:
        made, was_there = plan_screen(
            out, library, files, settings, progress=progress.rows("rows laid aside", rated=True)
        )
    tell_all_licences(console, [load_target_model(path) for path in files])
    if as_json:
        console.result_json(
            {
                "rows": made.rows,
                "shards": len(made.shards),
                "targets": len(made.targets),
                "job": made.job,
                "was_there": was_there,
                "out": str(out),
                "seconds": time.monotonic() - started,
            }
        )
        return
    there = ", planned before" if was_there else ""
    console.result(f"{out}: {len(made.shards):,} shards of {made.rows:,} rows{there}")
    console.note(f"Run it: hyperpcm screen run {out}")
    console.note(f"Then merge: hyperpcm screen merge {out} --out hits.parquet")
