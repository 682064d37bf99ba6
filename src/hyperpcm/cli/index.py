"""`hyperpcm index`: a library standardised and encoded once, for every screen to come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import CompoundColumns, PreparingProcesses, column_roles, existing_file
from hyperpcm.cli.console import Console
from hyperpcm.cli.screen_summary import tell_refused
from hyperpcm.cli.which_model import asked_model
from hyperpcm.training.model_source import ModelSource

if TYPE_CHECKING:
    from hyperpcm.screening import CompoundRecipe

__all__ = ["index"]


def index(
    ctx: typer.Context,
    library: Annotated[
        Path, typer.Argument(help="File of compounds: .smi, CSV, TSV, SDF, Parquet; also .gz.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the index, such as library.index.")],
    for_target: Annotated[
        Path | None,
        typer.Option(
            "--for",
            help="Compiled target (.hpcm), or a run, a model or its name: what it reads is computed. The "
            "default model if not given.",
        ),
    ] = None,
    columns: CompoundColumns = None,
    processes: PreparingProcesses = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Standardise and encode a library once, so that screens of it take matrix products alone.

    What was stopped goes on with the same command. The index serves all targets that read the same encoder.
    A row that cannot be used keeps its place and its reason, which every screen tells again.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    existing_file(library, "compounds")
    source = asked_model(console, for_target)
    from hyperpcm.encoders.parallel import default_processes
    from hyperpcm.screening import build_index

    recipe = _recipe(source)
    started = time.monotonic()
    with console.progress() as progress:
        made = build_index(
            library,
            out,
            recipe,
            columns=roles or None,
            processes=default_processes(recipe.encoder) if processes is None else processes,
            progress=progress.rows("compounds indexed", rated=True),
        )
    refused = made.refused
    if as_json:
        console.result_json(
            {
                "rows": made.rows,
                "indexed": made.rows - refused.total() - made.copies,
                "copies": made.copies,
                "rejected": dict(refused),
                "encoder": recipe.encoder.spec(),
                "out": str(out),
                "seconds": time.monotonic() - started,
            }
        )
        return
    tell_refused(console, made.rows, refused, done="used")
    kept = made.rows - refused.total() - made.copies
    copies = f"; {made.copies:,} more rows are copies of them" if made.copies else ""
    console.result(f"{out}: {kept:,} compounds ({recipe.encoder.name}){copies}")
    console.note(f"Screen it: hyperpcm screen TARGETS --library {out} --out hits.parquet")


def _recipe(source: ModelSource) -> CompoundRecipe:
    """What a compiled target, or those of a model, read of a compound."""
    from hyperpcm.checkpoint import load_target_model
    from hyperpcm.screening import CompoundRecipe, Panel

    if source.is_target:
        return Panel([load_target_model(source.path)], ["target"]).recipe
    model = source.load()
    prints = ((model.radius, model.landmark_width),) if model.retrieval is not None else ()
    return CompoundRecipe(model.compound_encoder, prints)
