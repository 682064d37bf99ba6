"""`hyperpcm data`: the public data sets, and a look at a table of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperpcm.cli.arguments import (
    AsJson,
    TableColumns,
    TableTargets,
    column_roles,
    existing_file,
    existing_table,
)
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.rejections import as_record, by_reason, write_rejections
from hyperpcm.cli.tables import aligned, byte_count, terminal_width
from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from hyperpcm.datasets import Interactions, Quantity

__all__ = ["app", "check", "describe", "fetch", "list_all"]

app = typer.Typer(help="Public data sets, and a look at your own table.", no_args_is_help=True)


@app.command("list")
def list_all(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the public data sets that this program can fetch and read."""
    from hyperpcm.datasets import catalog

    console: Console = ctx.obj
    records = catalog.DATASETS.values()
    if as_json:
        console.result_json(
            [one.as_dict() | {"here": catalog.is_local(one.name, verify=False)} for one in records]
        )
        return
    rows = [
        [
            one.name,
            one.quantity.name,
            f"{one.interactions:,}",
            f"{one.compounds:,}",
            f"{one.targets:,}",
            "give a copy" if catalog.is_given(one.name) else byte_count(one.download_bytes),
            "yes" if catalog.is_local(one.name, verify=False) else "no",
            one.title,
        ]
        for one in records
    ]
    header = ["name", "quantity", "interactions", "compounds", "targets", "download", "here", "what"]
    numbers = {"interactions", "compounds", "targets", "download"}
    console.result(aligned(header, rows, right=numbers, flexible="what", width=terminal_width()))
    console.note("More: hyperpcm data describe NAME")


@app.command()
def describe(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a data set, as `hyperpcm data list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show what a public data set holds, its licence and citation, and what to beware of."""
    from hyperpcm.datasets import catalog

    console: Console = ctx.obj
    found, here = catalog.record(name), catalog.is_local(name)
    if as_json:
        console.result_json(found.as_dict() | {"here": here, "folder": str(catalog.local_path(name))})
        return
    lines = {
        "quantity": _quantity(found.quantity, has_points=bool(found.made_of)),
        "size": _size(found.interactions, found.compounds, found.targets),
        "licence": found.licence,
        "citation": found.citation,
        "here": f"{'yes' if here else 'no'} ({catalog.local_path(name)})",
    }
    console.result(f"{found.name}: {found.title}\n")
    for title, text in lines.items():
        console.result(f"{title:<10}{text}")
    console.result("\nBeware:")
    for pitfall in found.pitfalls:
        console.result(f"- {pitfall}")
    if found.local is not None:
        console.result(f"\nThis program cannot download it. It is published at: {found.local.published}.")
        console.result(f"Accepted is {found.local.accepted}.")
        console.result(f"Give your copy once: hyperpcm data fetch {found.name} --from PATH")
        return
    if found.made_of:
        parts = " and ".join(found.made_of)
        console.result(f"\nIt is made of {parts}, and is there once these are: hyperpcm data describe NAME")
        return
    console.result(f"\nFiles ({byte_count(found.download_bytes)}):")
    for pinned in found.files.values():
        console.result(f"- {pinned.url}\n  {pinned.size:,} bytes, sha256 {pinned.sha256}")


@app.command()
def fetch(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names of data sets.", metavar="NAME...")],
    given: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="PATH",
            help="Your copy of the one data set that cannot be downloaded: it is checked and kept.",
        ),
    ] = None,
) -> None:
    """Fetch public data sets and verify them; what is here already is only verified.

    A folder named by HYPERPCM_MIRROR is looked in before the network. Prints where each file is.
    """
    from hyperpcm.datasets import catalog

    console: Console = ctx.obj
    if given is not None:
        if len(names) != 1:
            raise ConfigError("--from gives the copy of one data set; name exactly one.")
        for path in catalog.receive(names[0], given).values():
            console.result(str(path))
        return
    for name in names:
        catalog.record(name)  # a misspelt last name does not wait for the first download
    for name in dict.fromkeys(names):
        with console.progress() as progress:
            files = catalog.fetch(name, progress=progress)
        for path in files.values():
            console.result(str(path))


@app.command()
def check(
    ctx: typer.Context,
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV or Parquet file, or a folder with compounds, targets and interactions."
        ),
    ],
    targets: TableTargets = None,
    columns: TableColumns = None,
    quantity: Annotated[str | None, typer.Option(help="What the values are, such as Kd or pIC50.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, such as nM.")] = None,
    active_at: Annotated[
        float | None, typer.Option(help="Values of at least this are active, on the scale of the labels.")
    ] = None,
    merge: Annotated[bool, typer.Option(help="Merge repeated measurements into one.")] = True,
    strict: Annotated[bool, typer.Option(help="Fail at the first row that cannot be used.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that cannot be used to this CSV file.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file of --rejected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a table of measurements as training would, and say what was understood and what was not."""
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    inputs = [existing_table(table, "the table")]
    if targets is not None:
        inputs.append(existing_file(targets, "FASTA file of the targets"))
    if rejected is not None:
        from hyperpcm.datasets.output_files import check_output

        check_output(rejected, overwrite=overwrite, inputs=inputs)
    from hyperpcm.datasets import read_table

    with console.progress() as progress:
        found = read_table(
            table,
            columns=roles or None,
            targets=targets,
            quantity=quantity,
            unit=unit,
            active_at=active_at,
            merge=merge,
            strict=strict,
            progress=progress.rows("compounds"),
        )
    if rejected is not None:
        write_rejections(rejected, found.rejections, overwrite=overwrite)
    if as_json:
        console.result_json(found.describe() | {"rejections": [as_record(one) for one in found.rejections]})
        return
    _show(console, found)


def _show(console: Console, found: Interactions) -> None:
    """The table of a user in numbers, what was done to it, and what was refused."""
    numbers = found.describe()
    lines = {
        "quantity": _quantity(found.quantity),
        "size": _size(numbers["interactions"], numbers["compounds"], numbers["targets"]),
        "values": f"{numbers['lowest']:.4g} to {numbers['highest']:.4g}, median {numbers['median']:.4g}",
        "relations": f"{numbers['exact']:,} =, {numbers['above']:,} >, {numbers['below']:,} <",
    }
    if numbers["active"] is not None:
        lines["active"] = f"{numbers['active']:,} ({100 * numbers['active'] / len(found):.1f} %)"
    if numbers["years"] is not None:
        lines["years"] = "{} to {}".format(*numbers["years"])
    console.result(f"{printable(found.name)}\n")
    for title, text in lines.items():
        console.result(f"{title:<11}{printable(text)}")
    console.result("\nHow it was read:")
    for note in found.notes:
        console.result(f"- {printable(note)}")
    if found.rejections:
        console.result(f"\nRows that cannot be used: {len(found.rejections):,}")
        for line in by_reason(found.rejections):
            console.result(line)


def _quantity(quantity: Quantity, *, has_points: bool = False) -> str:
    """What the labels mean, in words; with ``has_points`` some are values although others are bins."""
    parts: list[Any] = [quantity.name + (f", {quantity.unit}" if quantity.unit else "")]
    if quantity.kind == "binary":
        parts.append("two classes")
    elif quantity.active_at is not None:
        parts.append(f"active from {quantity.active_at:g}")
    if quantity.bin_width is not None:
        parts.append(f"known to bins of {quantity.bin_width:g}" + (" or exactly" if has_points else ""))
    return "; ".join(parts)


def _size(interactions: int, compounds: int, targets: int) -> str:
    return f"{interactions:,} interactions, {compounds:,} compounds, {targets:,} targets"
