"""`hyperpcm cache`: what the embedding store holds, whether it is whole, and what may go."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import AsJson
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.tables import aligned, byte_count, terminal_width
from hyperpcm.errors import ConfigError, InputError

if TYPE_CHECKING:
    from hyperpcm.encoders.store_files import Leftover, StoredArray
    from hyperpcm.encoders.upkeep import StoredEncoder

__all__ = ["app", "info", "prune", "verify"]

app = typer.Typer(
    help="The store of embeddings: what it holds, whether it is whole, what may go.", no_args_is_help=True
)

Store = Annotated[
    Path | None, typer.Option("--store", help="File of the embedding store; by default in the data folder.")
]


@app.command()
def info(ctx: typer.Context, store: Store = None, as_json: AsJson = False) -> None:
    """Show where the store is, how large it is, and what it holds of which encoder.

    "stale" vectors are looked up by nothing any more: their encoder or a library has another version now.
    """
    from hyperpcm.encoders.store_files import leftovers, store_bytes, stored_arrays
    from hyperpcm.encoders.upkeep import stored_encoders

    console: Console = ctx.obj
    file = _file(store)
    found, arrays, useless = stored_encoders(file), stored_arrays(file), leftovers(file)
    if as_json:
        console.result_json(
            {
                "path": str(file),
                "exists": file.exists(),
                "bytes": store_bytes(file),
                "encoders": [dataclasses.asdict(one) for one in found],
                "arrays": [_array_record(one) for one in arrays],
                "leftovers": [_leftover_record(one) for one in useless],
            }
        )
        return
    console.result(f"{printable(str(file))}: {_size(file)}")
    if found:
        header = ["encoder", "width", "vectors", "size", "state", "options"]
        rows = [
            [
                one.name,
                f"{one.width:,}",
                f"{one.rows:,}",
                byte_count(one.data_bytes),
                one.state,
                _options(one),
            ]
            for one in found
        ]
        right = {"width", "vectors", "size"}
        console.result(aligned(header, rows, right=right, flexible="options", width=terminal_width()))
    if arrays:
        console.result(
            f"{len(arrays):,} whole arrays beside it: {byte_count(sum(one.size for one in arrays))}"
        )
    if useless:
        console.result(f"{len(useless):,} files left over: {byte_count(sum(one.size for one in useless))}")
    for one in found:
        if one.state != "current":
            console.note(printable(f"{one.name} ({one.rows:,} vectors) is {one.state}: {one.reason}"))
    if useless or any(one.state == "stale" for one in found):
        console.note("See what may go: hyperpcm cache prune")


@app.command()
def verify(
    ctx: typer.Context,
    store: Store = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Remove what is damaged, so that it is computed again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read every vector and every array of the store and compare the checksums.

    Ends with exit code 2 when something is damaged and is left so.
    """
    from hyperpcm.encoders.store_files import stored_arrays
    from hyperpcm.encoders.upkeep import verify_vectors

    console: Console = ctx.obj
    file = _file(store)
    with console.progress() as progress:
        found = verify_vectors(
            file, repair=repair, progress=lambda done, total: progress("vectors verified", done, total)
        )
        arrays = stored_arrays(file)
        damaged = []
        for number, one in enumerate(arrays):
            if not one.is_whole():
                damaged.append(one)
            progress("arrays verified", number + 1, len(arrays))
    if repair:
        for one in damaged:
            one.remove()
    bad = sum(found.damaged.values())
    if as_json:
        console.result_json(
            {
                "path": str(file),
                "vectors": found.rows,
                "damaged": found.damaged,
                "arrays": len(arrays),
                "damaged_arrays": [_array_record(one) for one in damaged],
                "removed": found.removed + (len(damaged) if repair else 0),
                "replaced": found.replaced or None,
            }
        )
    else:
        named = ", ".join(f"{name} {count:,}" for name, count in sorted(found.damaged.items()))
        console.result(f"{found.rows:,} vectors read, {bad:,} damaged{f' ({named})' if named else ''}")
        console.result(f"{len(arrays):,} arrays read, {len(damaged):,} damaged")
        if found.replaced:
            console.result(f"{printable(str(file))} was damaged itself: moved aside and begun anew")
        elif repair and (bad or damaged):
            console.result(f"removed: {found.removed:,} vectors, {len(damaged):,} arrays")
    if (bad or damaged) and not repair:
        raise InputError(
            f"{file}: {bad:,} vectors and {len(damaged):,} arrays are damaged. They are never used, but "
            "computed again when needed; to remove them now: hyperpcm cache verify --repair"
        )


@app.command()
def prune(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Option("--encoder", metavar="NAME", help="All vectors of this encoder; may be repeated."),
    ] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Vectors that nothing looks up any more; the default.")
    ] = False,
    arrays: Annotated[
        bool, typer.Option("--arrays", help="The whole arrays beside the store; made again when needed.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All of these.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only show what would go.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Remove vectors and files from the store and give the space back to the disk.

    Without --yes nothing is removed, and what would go is shown. Files left over from damage and from
    processes that were killed go in any case.
    """
    from hyperpcm.encoders.store_files import leftovers, store_bytes, stored_arrays
    from hyperpcm.encoders.upkeep import remove_vectors, stored_encoders

    console: Console = ctx.obj
    file = _file(store)
    stale = stale or not (names or arrays or everything)
    held = stored_encoders(file)
    _check_names(names or [], held)
    going = [
        one for one in held if everything or one.name in (names or ()) or (stale and one.state == "stale")
    ]
    whole = stored_arrays(file) if arrays or everything else []
    useless = leftovers(file)
    files: list[StoredArray | Leftover] = [*whole, *useless]
    before, removed = store_bytes(file), 0
    if yes:
        if going:
            with console.progress() as progress:
                removed = remove_vectors(
                    file,
                    [one.key for one in going],
                    progress=lambda done, total: progress("vectors removed", done, total),
                )
        for one in files:
            one.remove()
    freed = before - store_bytes(file) + sum(one.size for one in files) if yes else 0
    if as_json:
        console.result_json(
            {
                "path": str(file),
                "done": yes,
                "encoders": [dataclasses.asdict(one) for one in going],
                "arrays": [_array_record(one) for one in whole],
                "leftovers": [_leftover_record(one) for one in useless],
                "vectors_removed": removed,
                "bytes_freed": freed,
            }
        )
        return
    if not (going or whole or useless):
        console.result("Nothing to remove.")
        return
    for line in _going(going, whole, useless):
        console.result(("removed: " if yes else "would go: ") + printable(line))
    if not yes:
        console.note("Nothing was removed. To do it, add --yes.")
        return
    console.result(f"{byte_count(max(0, freed))} freed")


def _file(store: Path | None) -> Path:
    """The file that is meant; a folder holds its own."""
    from hyperpcm.encoders.store import usual_store

    file = usual_store() if store is None else store
    return file / "embeddings.sqlite" if file.is_dir() else file


def _size(file: Path) -> str:
    from hyperpcm.encoders.store_files import store_bytes

    return byte_count(store_bytes(file)) if file.exists() else "nothing is stored yet"


def _check_names(names: Sequence[str], held: Sequence[StoredEncoder]) -> None:
    known = sorted({one.name for one in held})
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--encoder {name}: the store holds nothing of it. It holds: {', '.join(known) or 'nothing'}."
            )


def _options(one: StoredEncoder) -> str:
    """The options of an encoder in short; references are too long to be shown."""
    shown = {name: value for name, value in one.spec.items() if name not in ("encoder", "revision")}
    return " ".join(
        f"{name}={len(value)} items" if isinstance(value, list) else f"{name}={value}"
        for name, value in shown.items()
    )


def _going(
    encoders: Sequence[StoredEncoder], arrays: Sequence[StoredArray], useless: Sequence[Leftover]
) -> list[str]:
    lines = [
        f"{one.rows:,} vectors of {one.name}, {one.state}, {byte_count(one.data_bytes)} ({_options(one)})"
        for one in encoders
    ]
    lines += [f"array {one.stem.name}, {byte_count(one.size)}" for one in arrays]
    return lines + [f"file {one.path.name}, {byte_count(one.size)}" for one in useless]


def _array_record(one: StoredArray) -> dict[str, object]:
    return {"name": one.name, "path": str(one.stem), "bytes": one.size}


def _leftover_record(one: Leftover) -> dict[str, object]:
    return {"path": str(one.path), "bytes": one.size}
