"""What `hyperpcm screen` and its plans have in common: options, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.compounds import read_all
from hyperpcm.errors import InputError, OutputError
from hyperpcm.screening.hits_file import check_hits_file

__all__ = [
    "Actives",
    "Diverse",
    "Gallery",
    "HitsFile",
    "Library",
    "MostSimilar",
    "Only",
    "Rejected",
    "Targets",
    "Top",
    "check_result_files",
    "folder_of_plan",
    "known_actives",
]

Targets = Annotated[list[Path], typer.Argument(help="Compiled targets (.hpcm), or folders that hold them.")]
Library = Annotated[
    Path,
    typer.Option(
        "--library", "-l", help="File of compounds (.smi, CSV, TSV, SDF, Parquet; also .gz), or an index."
    ),
]
Top = Annotated[int, typer.Option(min=1, help="Hits of each target.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Hits that are lipinski, or free of pains; may be given again."),
]
Actives = Annotated[
    list[str] | None,
    typer.Option(help="Known actives, a file or SMILES: with --most-similar, hits are unlike them."),
]
MostSimilar = Annotated[
    float, typer.Option(min=0, max=1, help="Largest Tanimoto similarity of a hit to a known active.")
]
HitsFile = Annotated[
    Path, typer.Option("--out", "-o", help="Write the hits to this .parquet, .csv, .tsv or .sdf.")
]
Diverse = Annotated[
    int | None, typer.Option(min=1, help="Of the hits of each target keep so many that differ most.")
]
Gallery = Annotated[Path | None, typer.Option(help="Draw the best hits of each target on an HTML page.")]
Rejected = Annotated[
    Path | None, typer.Option(help="Write the rows that cannot be used to this .csv, .tsv or .parquet.")
]


def folder_of_plan(folder: Path) -> None:
    """Refuse a folder that holds no plan, before anything is loaded.

    Raises:
        InputError: it holds none.
    """
    if not (folder / "manifest.json").is_file():
        raise InputError(f"{folder}: holds no plan of a screen. Make one: hyperpcm screen plan.")


def known_actives(given: Sequence[str], option: str = "--actives") -> list[str]:
    """The standardised structures of known actives, or of what else is to be kept away from.

    Args:
        given: files, or SMILES.
        option: that they were given with.

    Raises:
        InputError: one cannot be read; it is an error, for nothing would be kept away from it.
    """
    if not given:
        return []
    from hyperpcm.chem import standardise_all

    compounds, rejections = standardise_all(read_all(list(given)).smiles)
    if rejections:
        first = rejections[0]
        raise InputError(f"{option}, row {first.row + 1}: {first.code}: {first.reason}")
    return [one.smiles for one in compounds if one is not None]


def check_result_files(
    out: Path, rejected: Path | None, gallery: Path | None, *, overwrite: bool, inputs: Sequence[Path]
) -> None:
    """Refuse what could not be written at the end.

    Raises:
        OutputError: the ending, a file that is there or read from, a folder that is missing, one name twice.
    """
    from hyperpcm.datasets.output_files import check_output

    check_hits_file(out, overwrite=overwrite, inputs=inputs)
    if rejected is not None:
        if rejected.resolve() == out.resolve():
            raise OutputError(f"{out}: --out and --rejected name the same file.")
        check_hits_file(rejected, overwrite=overwrite, inputs=[*inputs, out])
    if gallery is not None:
        check_output(gallery, overwrite=overwrite, inputs=[*inputs, out])
