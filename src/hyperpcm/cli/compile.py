"""`hyperpcm compile`: from a trained model and a protein to a file that scores compounds on its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.models import compiled, model_file, tell_licences
from hyperpcm.cli.targets import target_file

if TYPE_CHECKING:
    from hyperpcm.target_model import TargetModel

__all__ = ["Format", "compile_target"]


class Format(StrEnum):
    """Kinds of files that a target is compiled into."""

    HPCM = "hpcm"
    ONNX = "onnx"
    NUMPY = "numpy"


_BY_ENDING: Final = {".onnx": Format.ONNX, ".pyz": Format.NUMPY}
_NEXT: Final = {
    Format.HPCM: "Score compounds with it: hyperpcm score {out} compounds.smi",
    Format.ONNX: "Run it with any ONNX runtime; inputs and units stand in its metadata.",
    Format.NUMPY: "Score compounds with it, where NumPy and RDKit are: python {out} compounds.smi",
}


def compile_target(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run, or its model.safetensors.")],
    target: Annotated[
        str, typer.Argument(help="FASTA file, - for FASTA on standard input, or an amino-acid sequence.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as kinase.hpcm.")],
    kind: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="hpcm, for hyperpcm; onnx, for any ONNX runtime; numpy, a program that needs NumPy and "
            "RDKit alone. Told by the ending (.onnx, .pyz) where it is not given.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the target.")] = None,
    record: Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Compile a protein, also one that no one has measured, into a model that scores compounds for it."""
    from hyperpcm.checkpoint import check_onnx
    from hyperpcm.datasets.output_files import check_output

    console: Console = ctx.obj
    source = model_file(model)
    fasta = target_file(target)
    check_output(out, overwrite=overwrite, inputs=[source] if fasta is None else [source, fasta])
    kind = kind or _BY_ENDING.get(out.suffix.lower(), Format.HPCM)
    if kind is Format.ONNX:
        check_onnx()
    target_model = compiled(source, target, record=record, name=name)
    _save(target_model, out, kind, overwrite=overwrite)
    named = f"{printable(target_model.name)}, " if target_model.name else ""
    console.result(
        f"{out}: {named}{len(target_model.sequence):,} residues; scores {target_model.quantity.name}"
    )
    tell_licences(console, target_model)
    console.note(_NEXT[kind].format(out=out))


def _save(target_model: TargetModel, out: Path, kind: Format, *, overwrite: bool) -> None:
    from hyperpcm.checkpoint import save_numpy_file, save_onnx_file, save_target_model

    save = {
        Format.HPCM: save_target_model,
        Format.ONNX: save_onnx_file,
        Format.NUMPY: save_numpy_file,
    }[kind]
    save(target_model, out, overwrite=overwrite)
