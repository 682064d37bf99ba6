"""`hyperpcm embed`: the vectors of a file of compounds or proteins, kept in the store."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import column_roles, encoder_options, existing_file
from hyperpcm.cli.console import Console
from hyperpcm.cli.rejections import in_words, rejection_log
from hyperpcm.errors import HyperpcmError, InputError, OutputError

if TYPE_CHECKING:
    from hyperpcm.encoders.base import Encoder, Json, Side
    from hyperpcm.errors import Rejection

__all__ = ["embed"]


def embed(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Compounds (.smi, CSV, TSV, SDF, Parquet) or proteins (FASTA or table).")
    ],
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", help="Names joined by +; `hyperpcm encoders` lists them.")
    ],
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="ENCODER.KEY=VALUE", help="Such as ecfp.radius=3."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Column of a table: smiles=… or compound_id=…; for proteins sequence=… or target=…",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the vectors to this .parquet or .npy file, row by row."),
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that cannot be embedded to this CSV file.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; by default all cores, or 1 for encoders with weights."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="File of the embedding store.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail at the first row that cannot be used.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of --out and --rejected.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Turn a file of compounds or proteins into vectors, which the embedding store keeps.

    Files of any length need no more memory than a few thousand rows. What is in the store is not computed
    again: after an interruption, run the same command once more. Compounds are standardised first, as in
    training and scoring. A row that cannot be used is named on stderr with the reason, and the others are
    embedded.
    """
    console: Console = ctx.obj
    roles, given = column_roles(columns or ()), encoder_options(options or ())
    side = _side(encoder)
    existing_file(file, f"{side}s")
    _check_outputs(file, out, rejected, overwrite)
    chosen = _built(encoder, side, given)
    from hyperpcm.embedding import embed_file
    from hyperpcm.encoders.parallel import default_processes
    from hyperpcm.encoders.store import EmbeddingStore, usual_store

    started = time.monotonic()
    with (
        EmbeddingStore(usual_store() if store is None else store) as kept,
        rejection_log(rejected, overwrite=overwrite, inputs=[file]) as log,
    ):
        if kept.path is None and out is None:
            raise OutputError("The store cannot be used and no --out is given, so nothing would be kept.")

        def refuse(rejections: list[Rejection]) -> None:
            if strict:
                raise InputError(in_words(rejections[0]))
            log.add(rejections)

        try:
            with console.progress() as progress:
                found = embed_file(
                    file,
                    chosen,
                    kept,
                    out=out,
                    columns=roles or None,
                    processes=default_processes(chosen) if processes is None else processes,
                    overwrite=overwrite,
                    refused=refuse,
                    progress=progress.rows(f"{side}s embedded", rated=True),
                )
        except HyperpcmError:
            log.tell(console, None, "embedded")
            raise
        path = kept.path
    log.tell(console, found.rows, "embedded")
    seconds = time.monotonic() - started
    if as_json:
        record = dataclasses.asdict(found) | {
            "encoder": chosen.spec(),
            "width": chosen.width,
            "rejected": dict(log.counts),
            "store": None if path is None else str(path),
            "out": None if out is None else str(out),
            "seconds": seconds,
        }
        console.result_json(record)
        return
    where = path if out is None else out
    console.result(
        f"{where}: {found.embedded:,} of {found.rows:,} {side}s, {chosen.width:,} numbers each "
        f"({chosen.name})"
    )
    console.note(
        f"{found.computed:,} vectors computed, {found.found:,} were in the store; {seconds:.1f} s, "
        f"{found.rows / max(seconds, 1e-9):,.0f} rows per second"
    )


def _side(names: str) -> Side:
    """What the named encoders read; a misspelt name is told before anything heavy is loaded."""
    from hyperpcm.encoders.table import entry_of

    entries = [entry_of(name.strip()) for name in names.split("+")]
    return entries[0].side


def _built(names: str, side: Side, options: dict[str, dict[str, Json]]) -> Encoder:
    from hyperpcm.encoders.registry import compound_encoder, target_encoder

    return (compound_encoder if side == "compound" else target_encoder)(names, options=options)


def _check_outputs(file: Path, out: Path | None, rejected: Path | None, overwrite: bool) -> None:
    """Refuse what could not be written later."""
    from hyperpcm.datasets.output_files import check_output
    from hyperpcm.datasets.vector_output import VectorWriter

    if out is not None:
        VectorWriter(out, 1, overwrite=overwrite, inputs=[file])
    if rejected is not None:
        check_output(rejected, overwrite=overwrite, inputs=[file])
        if out is not None and out.resolve() == rejected.resolve():
            raise OutputError(f"{out}: --out and --rejected name the same file.")
