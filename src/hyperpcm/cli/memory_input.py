"""What is added to a memory or removed from it, as it is given on the command line."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.rejections import RejectionLog, write_rejections
from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.datasets import Interactions, Quantity
    from hyperpcm.model import HyperPCM

__all__ = ["held_pairs", "known_row", "read_measurements", "tell_rejected"]

_SHOWN = 40  # letters of a name that is not known
_NEAR = 3  # names like it that are told


def known_row(model: HyperPCM, asked: str) -> int:
    """The row of a known target, by name or sequence.

    Raises:
        InputError: there is none, or several have this name.
    """
    if asked in model.memory_sequences:
        return model.memory_sequences.index(asked)
    rows = [row for row, name in enumerate(model.memory_names) if asked == name]
    rows = rows or [row for row, name in enumerate(model.memory_names) if asked in name.split("|")]
    if len(rows) == 1:
        return rows[0]
    shown = printable(asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]}…")
    if rows:
        raise InputError(f"{shown}: {len(rows)} known targets have this name. Give its sequence instead.")
    like = [name for name in model.memory_names if asked.lower() in name.lower()][:_NEAR]
    like = like or difflib.get_close_matches(asked, model.memory_names, n=_NEAR)
    hint = f" Did you mean {', '.join(map(printable, like))}?" if like and asked else ""
    raise InputError(
        f"{shown}: the memory knows no target of this name or sequence.{hint} See `hyperpcm memory list`."
    )


def read_measurements(
    console: Console, path: Path, known: Quantity, *, active_at: float | None, options: dict[str, Any]
) -> Interactions:
    """The measurements in a table, in classes where those are asked for; how it was read is told.

    Args:
        console: where to tell.
        path: of the table.
        known: what the labels of the model mean.
        active_at: values of at least this are active, for a model of two classes.
        options: of `hyperpcm.datasets.read_table`.

    Raises:
        InputError: the table cannot be used, or classes are asked for and the model has none.
    """
    from hyperpcm.datasets import read_table
    from hyperpcm.datasets.classes import as_classes

    if active_at is not None and known.kind != "binary":
        raise InputError(
            f"--active-at makes classes, and the labels of this model are values of {known.name}. Leave it "
            "out."
        )
    with console.progress() as progress:
        found = read_table(path, progress=progress.rows("compounds"), **options)
    for note in found.notes:
        console.note(f"{printable(found.name)}: {printable(note)}")
    if active_at is not None:
        found = as_classes(found, active_at, both=False)
    own = found.quantity
    if own.kind == known.kind == "binary" and own.name != known.name:
        console.note(
            f"{printable(found.name)}: its classes ({printable(own.name)}) are taken as those of the model "
            f"({printable(known.name)})"
        )
    return found


def held_pairs(
    console: Console, model: HyperPCM, path: Path, sources: Collection[str], options: dict[str, Any]
) -> list[tuple[str, str]]:
    """Sequence and SMILES of the measurements in a table; those that are not there to be removed are told.

    Args:
        console: where to tell.
        model: whose memory it is.
        path: of the table; values are not read.
        sources: overlays that the pairs go from; none: from the whole memory.
        options: of `hyperpcm.datasets.read_table`.

    Raises:
        InputError: the table cannot be used.
    """
    from hyperpcm.datasets import read_table

    with console.progress() as progress:
        found = read_table(path, progress=progress.rows("compounds"), values=False, merge=False, **options)
    tell_rejected(console, found, None, overwrite=False)
    pairs = dict.fromkeys(
        (found.targets[target], found.compounds[compound])
        for target, compound in zip(found.target_index, found.compound_index, strict=True)
    )
    asked = [one for one in model.overlays if not sources or one.name in sources]
    held = {pair for one in asked for pair in one.pairs()}
    if not sources:
        held |= {
            (model.memory_sequences[row], model.landmark_compounds[column])
            for row, column in zip(model.memory_rows.tolist(), model.memory_columns.tolist(), strict=True)
        }
    missing = [pair for pair in pairs if pair not in held]
    if missing:
        names = dict(zip(found.targets, found.target_names, strict=True))
        first = ", ".join(f"{printable(names[one])} with {smiles}" for one, smiles in missing[:3])
        where = (
            f"among what was added as {', '.join(map(printable, sources))}" if sources else "in the memory"
        )
        console.error(f"{len(missing):,} of {len(pairs):,} pairs are not {where} (first: {first})")
    return list(pairs)


def tell_rejected(console: Console, found: Interactions, path: Path | None, *, overwrite: bool) -> None:
    """Name the rows that cannot be used on stderr, and write them to a file where one is named.

    Raises:
        OutputError: the file may not be written.
        DiskFullError: no space is left.
    """
    log = RejectionLog()
    log.add(found.rejections)
    log.tell(console, None, "used")
    if path is not None:
        write_rejections(path, found.rejections, overwrite=overwrite)
