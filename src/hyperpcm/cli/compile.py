"""`hyperpcm compile`: from a trained model and a protein to a file that scores compounds on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.models import compiled, model_file, tell_licences
from hyperpcm.cli.targets import target_file

__all__ = ["compile_target"]


def compile_target(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run, or its model.safetensors.")],
    target: Annotated[
        str, typer.Argument(help="FASTA file, - for FASTA on standard input, or an amino-acid sequence.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as kinase.hpcm.")],
    name: Annotated[str | None, typer.Option(help="What to call the target.")] = None,
    record: Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Compile a protein, also one that no one has measured, into a model that scores compounds for it."""
    from hyperpcm.datasets.output_files import check_output

    console: Console = ctx.obj
    source = model_file(model)
    fasta = target_file(target)
    check_output(out, overwrite=overwrite, inputs=[source] if fasta is None else [source, fasta])
    target_model = compiled(source, target, record=record, name=name)
    from hyperpcm.checkpoint import save_target_model

    save_target_model(target_model, out, overwrite=overwrite)
    named = f"{printable(target_model.name)}, " if target_model.name else ""
    console.result(
        f"{out}: {named}{len(target_model.sequence):,} residues; scores {target_model.quantity.name}"
    )
    tell_licences(console, target_model)
    console.note(f"Score compounds with it: hyperpcm score {out} compounds.smi")
