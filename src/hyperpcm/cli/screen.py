"""`hyperpcm screen`: the best compounds of a library of any size, for one or many targets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.arguments import CompoundColumns, Device, PreparingProcesses, column_roles, existing_file
from hyperpcm.cli.compounds import read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.gallery import write_gallery
from hyperpcm.cli.models import score_title
from hyperpcm.cli.panel_targets import panel_of, target_files, tell_all_licences
from hyperpcm.cli.rejections import write_rejections
from hyperpcm.cli.screen_output import check_hits_file, write_hits
from hyperpcm.cli.tables import aligned, shortened, terminal_width
from hyperpcm.errors import InputError, OutputError

if TYPE_CHECKING:
    from hyperpcm.datasets import Quantity
    from hyperpcm.screening import Hit, StructureFilter

__all__ = ["screen"]

_SHOWN: Final = 5  # hits of each target in the table on stdout
_TARGETS: Final = 8  # targets in it


def screen(
    ctx: typer.Context,
    targets: Annotated[
        list[Path], typer.Argument(help="Compiled targets (.hpcm), or folders that hold them.")
    ],
    library: Annotated[
        Path,
        typer.Option(
            "--library", "-l", help="File of compounds (.smi, CSV, TSV, SDF, Parquet; also .gz), or an index."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Write the hits to this .parquet, .csv, .tsv or .sdf.")
    ],
    top: Annotated[int, typer.Option(min=1, help="Hits of each target.")] = 1000,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Hits that are lipinski, or free of pains; may be given again."),
    ] = None,
    actives: Annotated[
        list[str] | None,
        typer.Option(help="Known actives, a file or SMILES: with --most-similar, hits are unlike them."),
    ] = None,
    most_similar: Annotated[
        float, typer.Option(min=0, max=1, help="Largest Tanimoto similarity of a hit to a known active.")
    ] = 0.6,
    diverse: Annotated[
        int | None, typer.Option(min=1, help="Of the hits of each target keep so many that differ most.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Draw the best hits of each target on an HTML page.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that cannot be used to this .csv, .tsv or .parquet.")
    ] = None,
    columns: CompoundColumns = None,
    processes: PreparingProcesses = None,
    device: Device = "cpu",
    work: Annotated[
        Path | None, typer.Option(help="Folder of the state of the screen. [default: OUT.screen]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Find the compounds of a library that act most on each target, in one pass and bounded memory.

    Hits are exact. A screen that was stopped goes on with the same command. A row that cannot be used is
    counted with its reason, and the others are scored.
    """
    from hyperpcm.datasets.output_files import check_output

    console: Console = ctx.obj
    roles = column_roles(columns or ())
    files = target_files(targets)
    is_index = (library / "index.json").is_file()
    if not is_index:
        existing_file(library, "compounds")
    check_hits_file(out, overwrite=overwrite, inputs=[*files, library])
    if rejected is not None:
        if rejected.resolve() == out.resolve():
            raise OutputError(f"{out}: --out and --rejected name the same file.")
        check_hits_file(rejected, overwrite=overwrite, inputs=[*files, library, out])
    if gallery is not None:
        check_output(gallery, overwrite=overwrite, inputs=[*files, library, out])
    from hyperpcm.checkpoint import read_archive
    from hyperpcm.datasets.locking import only_run
    from hyperpcm.encoders.parallel import default_processes
    from hyperpcm.screening import LibraryIndex, StateFolder, diverse_hits, screen_job, screen_library

    source = LibraryIndex.open(library) if is_index else library
    chosen = _filter(only or [], actives or [], most_similar)
    panel, models = panel_of(files, device)
    tell_all_licences(console, models)
    settings = {"top": top, "only": list(chosen.names), "columns": roles, "unlike": chosen.job}
    seals = {name: read_archive(path).sha256 for name, path in zip(panel.names, files, strict=True)}
    folder_path = out.with_name(f"{out.name}.screen") if work is None else work
    started = time.monotonic()
    with only_run(folder_path):
        folder = StateFolder(
            folder_path, screen_job(library / "index.json" if is_index else library, seals, settings)
        )
        with console.progress() as progress:
            found = screen_library(
                source,
                panel,
                folder,
                top=top,
                only=chosen,
                columns=roles or None,
                processes=default_processes(panel.encoder) if processes is None else processes,
                progress=progress.rows("compounds screened", rated=True),
            )
        hits = dict(found.hits)
        if diverse is not None:
            hits = {name: diverse_hits(one, diverse) for name, one in hits.items()}
        write_hits(out, hits, panel.quantity, overwrite=overwrite)
        if gallery is not None:
            write_gallery(
                gallery,
                hits,
                library=library.name,
                title=score_title(panel.quantity),
                scored=found.scored,
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
                "out": str(out),
                "seconds": seconds,
            }
        )
        return
    console.result(_table(hits, panel.quantity))
    if found.refused:
        reasons = ", ".join(f"{code} {number:,}" for code, number in sorted(found.refused.items()))
        console.error(f"{found.rows - found.scored:,} of {found.rows:,} rows cannot be scored: {reasons}.")
    new = found.rows - found.resumed
    console.note(
        f"{out}: {sum(map(len, hits.values())):,} hits of {found.scored:,} compounds on {len(panel):,} "
        f"targets; {seconds:.1f} s, {new / max(seconds, 1e-9):,.0f} rows per second"
    )


def _filter(names: list[str], actives: list[str], most_similar: float) -> StructureFilter:
    """The filter; a known active that cannot be read is an error, for nothing would be kept away from it."""
    from hyperpcm.chem import standardise_all
    from hyperpcm.screening import StructureFilter

    if not actives:
        return StructureFilter(names)
    given = read_all(actives)
    compounds, rejections = standardise_all(given.smiles)
    if rejections:
        first = rejections[0]
        raise InputError(f"--actives, row {first.row + 1}: {first.code}: {first.reason}")
    return StructureFilter(names, [one.smiles for one in compounds if one is not None], most_similar)


def _table(hits: dict[str, tuple[Hit, ...]], quantity: Quantity) -> str:
    title = score_title(quantity)
    rows = [
        [shortened(target, 32), str(rank), f"{hit.score:.3f}", hit.name, hit.smiles]
        for target, found in list(hits.items())[:_TARGETS]
        for rank, hit in enumerate(found[:_SHOWN], start=1)
    ]
    header = ["target", "rank", title, "name", "SMILES"]
    return aligned(header, rows, right={"rank", title}, flexible="SMILES", width=terminal_width())
