"""`hyperpcm shrink`: a trained model in a file of at most some size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hyperpcm.cli.console import Console
from hyperpcm.errors import InputError
from hyperpcm.training.model_source import model_source

__all__ = ["shrink"]


def shrink(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run, or its model.safetensors.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, such as small.safetensors.")],
    max_size: Annotated[
        str, typer.Option(help="Most that the file may take, such as 25MB (of 10⁶ bytes) or 800kB.")
    ] = "25MB",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Write a trained model into a small file, which every command reads like any other model.

    As little is taken away as lets the file fit: nothing at first, for the same numbers can be told in fewer
    bytes; then digits of its weights, in three steps; and then compounds of its memory, those with the fewest
    labels first. What was taken away, and what that changes, is told here and stands in its card.
    """
    from hyperpcm.checkpoint.compact import Memo
    from hyperpcm.checkpoint.small import bytes_of_size, small_model
    from hyperpcm.datasets.output_files import check_output

    console: Console = ctx.obj
    source, most = model_source(model), bytes_of_size(max_size)
    check_output(out, overwrite=overwrite, inputs=source.files)
    if source.is_target:
        raise InputError(
            f"{source}: this is the model of one target. It is made smaller when it is compiled: hyperpcm "
            "compile --landmark-tolerance 0.1"
        )
    from hyperpcm.checkpoint import save_model

    before, memo = source.load(), Memo()
    with console.progress() as progress:
        small = small_model(before, most, memo, progress)
    save_model(small, out, overwrite=overwrite, memo=memo)
    record = {
        "out": str(out),
        "bytes": out.stat().st_size,
        "bytes_before": source.path.stat().st_size,
        **small.card["shrunk"],
    }
    if as_json:
        console.result_json(record)
    else:
        console.result(told(record))
    console.note(f"Its card says what was taken away: hyperpcm card {out}")


def told(record: dict[str, Any]) -> str:
    """Return what was done, for people."""
    compounds, changed = record["compounds"], record["difference"]
    kept = f"all {compounds['of']:,} compounds of its memory stay"
    if compounds["kept"] < compounds["of"]:
        kept = f"{compounds['kept']:,} of {compounds['of']:,} compounds of its memory stay"
    rounded = [name for name, step in record["steps"].items() if step and name != "compounds"]
    digits = f"rounded: {', '.join(rounded)}" if rounded else "no digit was taken away"
    return (
        f"{record['out']}: {record['bytes'] / 1e6:.1f} MB in place of {record['bytes_before'] / 1e6:.1f} MB\n"
        f"{kept}; {digits}\n"
        f"scores of known compounds differ by {changed['root_mean_square']:.2g} in root mean square, "
        f"{changed['largest']:.2g} at most"
    )
