"""`hyperpcm panel`: compounds on many compiled targets at once, for selectivity, off-targets and fishing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.arguments import CompoundColumns, Device, Precision, column_roles
from hyperpcm.cli.compounds import input_files, read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.panel_findings import fishing_table, selectivity_table
from hyperpcm.cli.panel_targets import Proteins, asked_targets, tell_all_licences
from hyperpcm.cli.rejections import all_rejections, name_rejections
from hyperpcm.cli.which_model import GivenModel
from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.screening import Panel

__all__ = ["panel"]

_SHOWN: Final = 20  # rows of the table on stdout


def panel(
    ctx: typer.Context,
    compounds: Annotated[
        list[str],
        typer.Option(
            "--compounds",
            "-c",
            help="File (.smi, CSV, TSV, SDF, Parquet) or SMILES; - for standard input. May be given again.",
        ),
    ],
    targets: Annotated[
        list[Path] | None, typer.Argument(help="Compiled targets (.hpcm), or folders that hold them.")
    ] = None,
    proteins: Proteins = None,
    model: GivenModel = None,
    wanted: Annotated[
        str | None, typer.Option(help="Name of the wanted target: compounds go by the window to the others.")
    ] = None,
    fish: Annotated[
        bool, typer.Option("--fish", help="Rank targets for each compound, corrected for their popularity.")
    ] = False,
    active_at: Annotated[
        float | None,
        typer.Option(help="A score from here on counts as a hit; as the labels have it if not given."),
    ] = None,
    columns: CompoundColumns = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write each compound on each target to this .parquet, .csv or .tsv."
        ),
    ] = None,
    heat_map: Annotated[
        Path | None, typer.Option(help="Draw targets by compounds, both clustered: .png, .svg or .pdf.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Show this many rows.")] = _SHOWN,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Score compounds on a panel of compiled targets, and say how selective they are.

    Targets are compiled ones, or with --target proteins that the model, or the default one, compiles now.
    Compounds are encoded once for all targets. Without --fish the table has a row for each compound: the
    strongest target, the share of targets that are hit (S), the entropy, and the window to the wanted target.
    With --fish it has a row for each compound and target, those first that stand out for this target.
    """
    from hyperpcm.datasets.output_files import check_output
    from hyperpcm.screening.panel_findings import PanelFindings

    console: Console = ctx.obj
    roles = column_roles(columns or ())
    asked = asked_targets(console, targets, proteins, model)
    read = [*asked.files, *input_files(compounds)]
    for path in (out, heat_map):
        if path is not None:
            check_output(path, overwrite=overwrite, inputs=read)
    if heat_map is not None:
        from hyperpcm.screening.heat_map import check_heat_map

        check_heat_map(heat_map)
    given = read_all(compounds, columns=roles or None)
    from hyperpcm.screening import Panel

    loaded = asked.load(measured=fish)
    models = loaded.models
    stacked = Panel(models, loaded.names, device=device, precision=precision)
    place = _wanted(stacked, wanted)
    tell_all_licences(console, models)
    with console.progress() as progress:
        scores = stacked.score(given.smiles, progress=progress.rows("compounds scored", len(given.smiles)))
    rejections = all_rejections(given.rejections, scores.rejections)
    name_rejections(console, rejections, len(given.smiles), out)
    if len(rejections) == len(given.smiles):
        raise InputError(f"none of the {len(given.smiles):,} compounds can be scored; the reasons are above.")
    found = PanelFindings(given.smiles, given.names, scores, rejections, models, place, active_at)
    if out is not None:
        found.write(out, overwrite=overwrite)
    if heat_map is not None:
        found.draw(heat_map, overwrite=overwrite)
    if as_json:
        console.result_json(found.record(fish=fish, top=top))
    else:
        console.result(fishing_table(found, top) if fish else selectivity_table(found, top))
    for path in (out, heat_map):
        if path is not None:
            console.note(f"{path}: {len(stacked):,} targets × {len(given.smiles):,} compounds")


def _wanted(stacked: Panel, name: str | None) -> int | None:
    if name is None:
        return None
    if name not in stacked.names:
        shown = ", ".join(stacked.names[:8]) + (" …" if len(stacked) > 8 else "")
        raise InputError(f"--wanted {name}: the panel has no such target. It has {shown}.")
    if len(stacked) < 2:
        raise InputError("--wanted needs a panel of at least two targets.")
    return stacked.names.index(name)
