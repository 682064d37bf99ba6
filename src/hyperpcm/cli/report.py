"""`hyperpcm report`: everything about a run on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.targets import read_target

__all__ = ["report"]


def report(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    target: Annotated[
        str | None,
        typer.Option(help="FASTA file or sequence of a protein for which the known compounds are ranked."),
    ] = None,
    record: Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")] = None,
) -> None:
    """Write an HTML report of a run: data, split, learning curve, comparison with the nulls, test side.

    It is one file without scripts that needs no network. A report that is there is replaced.
    """
    from hyperpcm.training.run_folder import RunFolder

    console: Console = ctx.obj
    folder = RunFolder(run)
    config = folder.config()
    protein = None if target is None else read_target(target, record=record)
    from hyperpcm.checkpoint import load_model
    from hyperpcm.training.report_run import rank_known_compounds, report_run
    from hyperpcm.training.run import open_data

    with console.progress() as progress:
        compiled = None
        if protein is not None:
            _, compiled = rank_known_compounds(
                load_model(folder.model_path),
                open_data(config.data, progress),
                protein.sequence,
                name=protein.name,
                progress=progress,
            )
        path = report_run(run, compiled=compiled, progress=progress)
    console.result(str(path))
