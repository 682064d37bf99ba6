"""Looking after the embedding store from outside: what it holds, whether it is whole, what may go.

Unlike the store itself, which does without whatever is wrong, these functions say so. They read and delete in
small steps, so that other processes go on using the file meanwhile.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from hyperpcm.encoders.base import Json
from hyperpcm.encoders.database import Blob
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.encoders.sqlite_file import is_damage, replace_damaged
from hyperpcm.encoders.store_access import opened_store
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import ConfigError, HyperpcmError, InputError

__all__ = ["StoredEncoder", "Verified", "remove_vectors", "stored_encoders", "verify_vectors"]

logger = logging.getLogger(__name__)

STEP: Final = 1000
"""Rows read or deleted at a time."""

_ROW: Final = (
    "SELECT rowid, encoder, CAST(item AS BLOB), compressed, CAST(checksum AS BLOB), CAST(data AS BLOB) "
    "FROM vectors "
)


@dataclasses.dataclass(frozen=True, slots=True)
class StoredEncoder:
    """What a store holds of one encoder.

    Attributes:
        name: of the encoder.
        key: its cache key.
        width: length of a vector.
        spec: what it was made from.
        rows: number of vectors.
        data_bytes: bytes of the vectors as stored.
        state: ``current`` when this version with these libraries looks its vectors up; ``stale`` when nothing
            does any more; ``unclear`` when it cannot be built here.
        reason: why it is not current; empty where it is.
    """

    name: str
    key: str
    width: int
    spec: dict[str, Json]
    rows: int
    data_bytes: int
    state: Literal["current", "stale", "unclear"]
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """What reading every row found.

    Attributes:
        rows: number of vectors read.
        damaged: number of damaged ones of each encoder that has some, by name.
        removed: damaged ones that were removed.
        replaced: why the whole file was moved aside and begun anew; empty where it was not.
    """

    rows: int
    damaged: dict[str, int]
    removed: int
    replaced: str = ""


def stored_encoders(file: Path) -> tuple[StoredEncoder, ...]:
    """What a store holds of each encoder, the largest first; nothing where there is no file.

    Raises:
        InputError: the file is damaged, of another program or version, or stays locked.
    """
    if not file.exists():
        return ()
    with opened_store(file) as connection:
        rows = connection.execute(
            "SELECT name, key, width, spec, COUNT(item), COALESCE(SUM(LENGTH(data)), 0) FROM encoders "
            "LEFT JOIN vectors ON encoder = id GROUP BY id ORDER BY 6 DESC, key"
        ).fetchall()
    found = []
    for name, key, width, text, count, size in rows:
        spec = _spec(text)
        found.append(StoredEncoder(name, key, width, spec, count, size, *_state(spec, key)))
    return tuple(found)


def verify_vectors(
    file: Path, *, repair: bool = False, progress: Callable[[int, int], None] | None = None
) -> Verified:
    """Read every vector and compare its checksum.

    Args:
        file: of the store.
        repair: removes damaged vectors, so that they are computed again; a file whose structure is damaged
            is moved aside.
        progress: is called with the number of vectors read and of all.

    Raises:
        InputError: there is no such file, it is of another program or version, stays locked, or, without
            `repair`, its structure is damaged.
        OutputError: `repair`, and the file may not be written.
        DiskFullError: `repair`, and no space is left.
    """
    found = Verified(0, {}, 0)
    try:
        with opened_store(file, writable=repair) as connection:
            _check_structure(connection)
            for so_far in _verified(connection, repair, progress):
                found = so_far
    except InputError as error:
        damage = error.__cause__
        if not (repair and isinstance(damage, sqlite3.Error) and is_damage(damage)):
            raise
        if not replace_damaged(file, damage):
            raise
        return dataclasses.replace(found, replaced=str(damage))
    return found


def _check_structure(connection: sqlite3.Connection) -> None:
    """Raise what SQLite finds wrong with its pages."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        error = sqlite3.DatabaseError(str(verdict).replace("\n", " "))
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _verified(
    connection: sqlite3.Connection, repair: bool, progress: Callable[[int, int], None] | None
) -> Iterator[Verified]:
    """What was found so far, after each step."""
    places = connection.execute("SELECT id, name, key, width FROM encoders").fetchall()
    encoders = {number: (name, key, width) for number, name, key, width in places}
    (total,) = connection.execute("SELECT COUNT(*) FROM vectors").fetchone()
    seen, removed, damaged = 0, 0, dict[str, int]()
    for rows in _steps(connection):
        seen += len(rows)
        spoilt = [row for row in rows if not _is_whole(row, encoders)]
        for row in spoilt:
            name = encoders[row[1]][0] if row[1] in encoders else "unknown"
            damaged[name] = damaged.get(name, 0) + 1
        if spoilt and repair:
            removed += _remove_damaged(connection, [row[0] for row in spoilt], encoders)
        if progress is not None:
            progress(seen, max(total, seen))
        yield Verified(seen, dict(damaged), removed)


def remove_vectors(
    file: Path, keys: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> int:
    """Remove the vectors of some encoders and give the space back to the disk.

    Args:
        file: of the store.
        keys: cache keys of the encoders.
        progress: is called with the number of vectors removed and of all.

    Returns:
        Number of vectors removed.

    Raises:
        InputError: no such file, a damaged or foreign one, or one that stays locked.
        OutputError: the file may not be written.
        DiskFullError: no space is left for SQLite's log; what was removed stays removed.
    """
    marks = ",".join("?" * len(keys))
    removed = 0
    with opened_store(file, writable=True) as connection:
        numbers = connection.execute(
            f"SELECT id FROM encoders WHERE key IN ({marks})", tuple(keys)
        ).fetchall()
        counts = [
            connection.execute("SELECT COUNT(*) FROM vectors WHERE encoder = ?", one).fetchone()[0]
            for one in numbers
        ]
        for (number,) in numbers:
            while some := connection.execute(
                "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors WHERE encoder = ? LIMIT ?)",
                (number, STEP),
            ).rowcount:
                removed += some
                if progress is not None:
                    progress(removed, max(removed, sum(counts)))
            connection.execute(
                "DELETE FROM encoders WHERE id = ? AND NOT EXISTS (SELECT 1 FROM vectors WHERE encoder = id)",
                (number,),
            )
        _shrink(connection)
    return removed


def _shrink(connection: sqlite3.Connection) -> None:
    """Give free pages back, some at a time, since each step passes through SQLite's log."""
    while True:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        if free:
            connection.executescript("PRAGMA incremental_vacuum(5000)")  # execute would stop after one page
        ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if busy:
            logger.warning("some space is given back only when other processes have ended that use the store")
            return
        (left,) = connection.execute("PRAGMA freelist_count").fetchone()
        if not left or left >= free:
            return


def _steps(connection: sqlite3.Connection) -> Iterator[list[tuple[Any, ...]]]:
    """All rows, some at a time, each time in a transaction of its own."""
    last = -(1 << 63)
    while rows := connection.execute(
        f"{_ROW} WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, STEP)
    ).fetchall():
        last = rows[-1][0]
        yield rows


def _is_whole(row: tuple[Any, ...], encoders: dict[int, tuple[str, str, int]]) -> bool:
    _, encoder, item, compressed, checksum, data = row
    if encoder not in encoders:
        return False
    _, key, width = encoders[encoder]
    return Blob(bool(compressed), checksum, data).vector(key, item, width) is not None


def _remove_damaged(
    connection: sqlite3.Connection, rowids: Sequence[int], encoders: dict[int, tuple[str, str, int]]
) -> int:
    """Remove rows that are still damaged; another process may have mended one meanwhile."""
    removed = 0
    connection.execute("BEGIN IMMEDIATE")
    for rowid in rowids:
        row = connection.execute(f"{_ROW} WHERE rowid = ?", (rowid,)).fetchone()
        if row is not None and not _is_whole(row, encoders):
            removed += connection.execute("DELETE FROM vectors WHERE rowid = ?", (rowid,)).rowcount
    connection.execute("COMMIT")
    return removed


def _spec(text: str) -> dict[str, Json]:
    try:
        spec = json.loads(text)
    except ValueError:
        return {}
    return spec if isinstance(spec, dict) else {}


def _state(spec: dict[str, Json], key: str) -> tuple[Literal["current", "stale", "unclear"], str]:
    """Whether an encoder of this version, with these libraries, would look this key up."""
    entry = ENCODERS.get(str(spec.get("encoder")))
    if entry is not None and any(importlib.util.find_spec(package) is None for package in entry.imports):
        return "unclear", f"needs the extra {entry.extra!r}, which is not installed"
    try:
        encoder = build_encoder(spec)
        found = encoder.cache_key()
    except ConfigError as error:
        return "stale", str(error)
    except (HyperpcmError, ImportError) as error:
        return "unclear", str(error)
    if found == key:
        return "current", ""
    libraries = ", ".join(encoder.libraries())
    return "stale", f"made with other versions than {libraries}" if libraries else "made by another version"
