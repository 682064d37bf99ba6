"""Planning a screen in shards: the library is divided once, and what is divided does not change any more.

A shard of an index is a run of whole chunks of it. A file is read once, from its start to its end, and the
rows of each shard are laid aside as they were read (structures not judged, nothing encoded) in a file with a
checksum: so no worker reads the rows of another, whatever the form of the library, compressed or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from hyperpcm.checkpoint import load_target_model, read_archive
from hyperpcm.datasets.compound_files import CompoundList, compound_parts
from hyperpcm.datasets.compound_pieces import write_pieces
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.datasets.locking import only_run
from hyperpcm.errors import InputError, OutputError
from hyperpcm.scaleout.plan import LibraryFacts, Plan, PlannedTarget, Settings, Shard
from hyperpcm.screening import LibraryIndex, Panel, StructureFilter, screen

__all__ = ["plan_screen", "rows_file"]

_ROWS: Final = "rows"
_OURS: Final = {_ROWS, "shards"}


def rows_file(folder: Path, index: int) -> Path:
    """Where the rows of a shard are laid aside."""
    return folder / _ROWS / f"{index:06d}.parquet"


def plan_screen(
    folder: Path,
    library: Path,
    targets: Sequence[Path],
    settings: Settings,
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[Plan, bool]:
    """Divide a library into shards, or find that this was done.

    Args:
        folder: of the plan; made if need be.
        library: in any form that `compound_parts` takes, or the folder of an index.
        targets: files of compiled targets; one without a name is called as its file.
        settings: what decides the hits.
        progress: is called with the number of rows read of a file.

    Returns:
        The plan, and whether it was there before.

    Raises:
        TableError: the library cannot be read or holds no compound.
        ConfigError: the targets do not go together, there is no such filter, or the index does not hold what
            the targets read.
        InputError: the index is damaged or not finished.
        ModelFileError: a target cannot be used.
        OutputError: the folder holds another plan or other files, or cannot be written to.
        DiskFullError: no space is left.
    """
    StructureFilter(settings.only, settings.actives, settings.most_similar)  # says what it cannot be
    models = [load_target_model(path) for path in targets]
    panel = Panel(models, [model.name or path.stem for model, path in zip(models, targets, strict=True)])
    planned = tuple(
        PlannedTarget(name, str(path.resolve()), read_archive(path).sha256)
        for name, path in zip(panel.names, targets, strict=True)
    )
    about = LibraryFacts.of(library)
    with only_run(folder):
        if Plan.is_in(folder):
            return _same(folder, about, planned, panel.quantity, settings), True
        _prepare(folder)
        if about.index_sha256:
            index = LibraryIndex.open(library)
            index.check_serves(panel.recipe)
            shards = _shards_of_index(index, settings.rows)
        else:
            shards = _shards_of_file(folder, library, settings, progress)
        plan = Plan(about, planned, panel.quantity, settings, tuple(shards))
        if not LibraryFacts.of(library).same_content(about):
            raise InputError(f"{library}: this library changed while it was read. Plan again.")
        plan.write(folder)
    return plan, False


def _same(
    folder: Path,
    about: LibraryFacts,
    targets: tuple[PlannedTarget, ...],
    quantity: Quantity,
    settings: Settings,
) -> Plan:
    """The plan that is there, if it is this one."""
    plan = Plan.read(folder)
    asked = Plan(about, targets, quantity, settings, plan.shards)
    if not plan.library.same_content(about) or asked.job != plan.job:
        raise OutputError(
            f"{folder}: holds the plan of another screen: other targets, another library or other settings. "
            "Choose another folder, or remove this one."
        )
    return plan


def _prepare(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or {one.name for one in folder.iterdir()} - _OURS):
        raise OutputError(f"{folder}: is there already and holds no plan. Choose another name.")
    try:
        (folder / _ROWS).mkdir(parents=True, exist_ok=True)
        (folder / "shards").mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror}).") from None


def _shards_of_index(index: LibraryIndex, rows: int) -> Iterator[Shard]:
    first = held = 0
    for chunk in index.record["chunks"]:
        held += chunk["rows"]
        if held >= rows:
            yield Shard(first, held)
            first, held = first + held, 0
    if held:
        yield Shard(first, held)


def _shards_of_file(
    folder: Path, library: Path, settings: Settings, progress: Callable[[int], None] | None
) -> Iterator[Shard]:
    """Lay the rows aside; batches stay what they are in a screen of the whole file."""
    for old in (folder / _ROWS).iterdir():  # of a plan that was not finished
        old.unlink()
    parts = compound_parts(library, columns=dict(settings.columns) or None, rows=screen.BATCH)
    first = 0
    for number, pieces in enumerate(_gathered(parts, settings.rows)):
        path, rows = rows_file(folder, number), sum(len(piece.smiles) for piece in pieces)
        write_pieces(path, pieces)
        yield Shard(first, rows, hashlib.sha256(path.read_bytes()).hexdigest())
        first += rows
        if progress is not None:
            progress(first)


def _gathered(parts: Iterator[CompoundList], rows: int) -> Iterator[Sequence[CompoundList]]:
    pieces: list[CompoundList] = []
    held = 0
    for part in parts:
        pieces.append(part)
        held += len(part.smiles)
        if held >= rows:
            yield pieces
            pieces, held = [], 0
    if pieces:
        yield pieces
