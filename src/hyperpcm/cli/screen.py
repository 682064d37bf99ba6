"""`hyperpcm screen`: the best compounds of a library of any size, for one or many targets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.arguments import (
    CompoundColumns,
    Device,
    Precision,
    PreparingProcesses,
    column_roles,
    existing_file,
)
from hyperpcm.cli.console import Console
from hyperpcm.cli.intervals import Level, check_level
from hyperpcm.cli.panel_targets import Proteins, asked_targets, tell_all_licences
from hyperpcm.cli.rejections import write_rejections
from hyperpcm.cli.screen_options import (
    Actives,
    Diverse,
    Gallery,
    HitsFile,
    Library,
    MostSimilar,
    Only,
    Rejected,
    Top,
    check_result_files,
    known_actives,
)
from hyperpcm.cli.screen_output import write_results
from hyperpcm.cli.screen_summary import hits_table, tell_refused
from hyperpcm.cli.which_model import GivenModel

__all__ = ["screen"]


def screen(
    ctx: typer.Context,
    library: Library,
    out: HitsFile,
    targets: Annotated[
        list[Path] | None, typer.Argument(help="Compiled targets (.hpcm), or folders that hold them.")
    ] = None,
    proteins: Proteins = None,
    model: GivenModel = None,
    top: Top = 1000,
    only: Only = None,
    actives: Actives = None,
    most_similar: MostSimilar = 0.6,
    diverse: Diverse = None,
    gallery: Gallery = None,
    rejected: Rejected = None,
    columns: CompoundColumns = None,
    processes: PreparingProcesses = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    level: Level = 0.8,
    work: Annotated[
        Path | None, typer.Option(help="Folder of the state of the screen. [default: OUT.screen]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Find the compounds of a library that act most on each target, in one pass and bounded memory.

    Targets are compiled ones, or with --target proteins that the model, or the default one, compiles now.

    Hits are exact. A screen that was stopped goes on with the same command. A row that cannot be used is
    counted with its reason, and the others are scored.

    Over many processes or machines: hyperpcm screen plan, screen run and screen merge, each with --help.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    asked = asked_targets(console, targets, proteins, model)
    is_index = (library / "index.json").is_file()
    if not is_index:
        existing_file(library, "compounds")
    check_result_files(out, rejected, gallery, overwrite=overwrite, inputs=[*asked.files, library])
    from hyperpcm.datasets.locking import only_run
    from hyperpcm.screening import LibraryIndex, Panel, StructureFilter, backing_of_hits, diverse_hits
    from hyperpcm.screening.resumable import resumable_screen

    if LibraryIndex.is_one(library):
        LibraryIndex.open(library)  # refuses one that is not whole before anything else
    chosen = StructureFilter(only or [], known_actives(actives or []), most_similar)
    loaded = asked.load(measured=False)
    panel = Panel(loaded.models, loaded.names, device=device, precision=precision)
    check_level(loaded.models, level)
    tell_all_licences(console, loaded.models)
    folder_path = out.with_name(f"{out.name}.screen") if work is None else work
    started = time.monotonic()
    with only_run(folder_path):
        with console.progress() as progress:
            found, folder = resumable_screen(
                library,
                panel,
                loaded.seals,
                folder_path,
                top=top,
                only=chosen,
                columns=roles,
                processes=processes,
                precision=precision,
                progress=progress.rows("compounds screened", rated=True),
            )
        hits = dict(found.hits)
        if diverse is not None:
            hits = {name: diverse_hits(one, diverse) for name, one in hits.items()}
        backing = backing_of_hits(hits, dict(zip(panel.names, loaded.models, strict=True)).get, level=level)
        write_results(
            out,
            hits,
            panel.quantity,
            backing=backing,
            gallery=gallery,
            library=library,
            scored=found.scored,
            precision=precision,
            overwrite=overwrite,
        )
        if rejected is not None:
            write_rejections(rejected, list(folder.refused()), overwrite=overwrite)
        folder.remove()
    seconds = time.monotonic() - started
    if as_json:
        console.result_json(
            {
                "rows": found.rows,
                "scored": found.scored,
                "rejected": dict(found.refused),
                "resumed": found.resumed,
                "hits": {name: len(one) for name, one in hits.items()},
                "precision": precision,
                "out": str(out),
                "seconds": seconds,
            }
        )
        return
    console.result(hits_table(hits, panel.quantity))
    tell_refused(console, found.rows, found.refused)
    new = found.rows - found.resumed
    console.note(
        f"{out}: {sum(map(len, hits.values())):,} hits of {found.scored:,} compounds on {len(panel):,} "
        f"targets; {seconds:.1f} s, {new / max(seconds, 1e-9):,.0f} rows per second"
    )
