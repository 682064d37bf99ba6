"""`hyperpcm compile`: from a trained model and a protein to a file that scores compounds on its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.compile_all import compile_all
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.models import Shortening, compiled, tell_landmarks, tell_licences, tell_rounding
from hyperpcm.cli.targets import target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, is_model
from hyperpcm.errors import InputError

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
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] TARGET",
            help="Folder of a run, its model.safetensors or the name of a model, with overlays as "
            "RUN+project.hpm; the default model where there is none. Then the target: FASTA file, - for "
            "FASTA on standard input, or an amino-acid sequence.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as kinase.hpcm.")],
    model: GivenModel = None,
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
    every: Annotated[
        bool, typer.Option("--all", help="Every record of the FASTA, each into a file of the folder --out.")
    ] = False,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Keep all digits of the weights: a file of up to four times the size."),
    ] = False,
    max_landmarks: Annotated[
        int | None,
        typer.Option(min=1, help="Most landmark compounds that it keeps, in place of the model's own limit."),
    ] = None,
    landmark_tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            help="Keep as few landmark compounds as change scores by no more than this share of the labels' "
            "standard deviation; 0: all that may be kept.",
        ),
    ] = 0.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compile a protein, also one that no one has measured, into a model that scores compounds for it.

    Weights are rounded as far as scores hardly change; how much is told. So is what leaving landmark
    compounds out changes, where a limit or a tolerance leaves any out: the training compounds whose labels a
    score is retrieved from, those kept that count most for this target. With --all a panel is compiled:
    files of this model that are in the folder already are kept, so the same command goes on where it was
    stopped.
    """
    from hyperpcm.datasets.output_files import check_output

    console: Console = ctx.obj
    given_model, target = _model_and_target(words, model)
    source = asked_model(console, given_model)
    shortening = Shortening(exact, max_landmarks, landmark_tolerance)
    fasta = target_file(target)
    if every:
        _check_every(kind, name, record, fasta, target)
        made = compile_all(console, source, target, out, shortening, overwrite=overwrite)
        there = f", {made['there_before']:,} of them were there" if made["there_before"] else ""
        if as_json:
            console.result_json(made)
        else:
            console.result(f"{out}: {made['targets']:,} compiled targets{there}")
        return
    check_output(out, overwrite=overwrite, inputs=[*source.files, *([] if fasta is None else [fasta])])
    kind = kind or _BY_ENDING.get(out.suffix.lower(), Format.HPCM)
    if kind is Format.ONNX:
        from hyperpcm.checkpoint import check_onnx

        check_onnx()
    target_model = compiled(source, target, record=record, name=name, shortening=shortening)
    _save(target_model, out, kind, overwrite=overwrite)
    rounding, landmarks = target_model.provenance["rounding"], target_model.provenance.get("landmarks")
    if as_json:
        console.result_json(
            {
                "out": str(out),
                "bytes": out.stat().st_size,
                "name": target_model.name,
                "residues": len(target_model.sequence),
                "quantity": target_model.quantity.name,
                "rounding": rounding,
                "landmarks": landmarks,
            }
        )
    else:
        named = f"{printable(target_model.name)}, " if target_model.name else ""
        console.result(
            f"{out}: {named}{len(target_model.sequence):,} residues; scores {target_model.quantity.name}"
        )
    tell_licences(console, target_model)
    tell_landmarks(console, landmarks)
    tell_rounding(console, rounding["largest_difference"])
    console.note(_NEXT[kind].format(out=out))


def _model_and_target(words: list[str], given: Path | None) -> tuple[Path | None, str]:
    """The model, if one is given, and the target."""
    wanted = 1 if given is not None else 2
    if len(words) > wanted:
        raise InputError(
            f"{words[wanted]}: one target is compiled at a time; --all takes every record of a FASTA."
        )
    if len(words) == 2:
        return Path(words[0]), words[1]
    if is_model(words[0]):
        raise InputError(
            f"{words[0]}: this is a model; which target is to be compiled? Give a FASTA file or an "
            "amino-acid sequence after it."
        )
    return given, words[0]


def _check_every(
    kind: Format | None, name: str | None, record: str | None, fasta: Path | None, target: str
) -> None:
    """Refuse what does not go with --all."""
    if kind not in (None, Format.HPCM):
        raise InputError(f"--all compiles a panel of .hpcm files; --format {kind} goes with one target.")
    if name is not None or record is not None:
        raise InputError("--all takes every record under its own name; leave --name and --record out.")
    if fasta is None:
        raise InputError(f"{target}: --all needs a FASTA file with the targets.")


def _save(target_model: TargetModel, out: Path, kind: Format, *, overwrite: bool) -> None:
    from hyperpcm.checkpoint import save_numpy_file, save_onnx_file, save_target_model

    save = {
        Format.HPCM: save_target_model,
        Format.ONNX: save_onnx_file,
        Format.NUMPY: save_numpy_file,
    }[kind]
    save(target_model, out, overwrite=overwrite)
