"""Opening the SQLite file of the embedding store, and telling what is wrong when that fails."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import filelock

from hyperpcm.errors import DiskFullError, disk_full_as_error

__all__ = [
    "WAIT_S",
    "ForeignFileError",
    "beside",
    "holds_nothing",
    "is_damage",
    "network_filesystem",
    "open_file",
    "raise_if_disk_full",
    "replace_damaged",
]

logger = logging.getLogger(__name__)

APPLICATION: Final = 0x4850434D
"""Mark in the file's header (the letters HPCM), by which a file of another program is known."""

FORMAT: Final = 1
"""Version of the tables; a file of another version is moved aside."""

WAIT_S: Final = 60.0
"""Seconds to wait for another process before doing without."""

_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""Codes of a file to be replaced. Our statements are right, so an error in one means foreign tables."""

_ROOM: Final = 1 << 20  # bytes; a disk with less is called full when SQLite cannot say what is wrong
_TABLES: Final = (
    "CREATE TABLE encoders (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
    "width INTEGER NOT NULL, spec TEXT NOT NULL)",
    "CREATE TABLE vectors (encoder INTEGER NOT NULL, item BLOB NOT NULL, compressed INTEGER NOT NULL, "
    "checksum BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (encoder, item))",
)

_NETWORK: Final = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "lustre",
        "gpfs",
        "beegfs",
        "glusterfs",
        "fuse.sshfs",
    }
)
"""File systems on which SQLite's write-ahead log is unsafe: it needs memory shared between all its users.

Source: sqlite.org/wal.html, "WAL does not work over a network filesystem".
"""


class ForeignFileError(sqlite3.DatabaseError):
    """A sound SQLite file, but not one of this store and version."""


def open_file(file: Path | None) -> sqlite3.Connection:
    """Connect to a file, making its folder and tables where they are missing."""
    if file is None:
        return _connect(None)
    if (kind := network_filesystem(file)) is not None:
        raise OSError(f"it lies on a network file system, {kind}; name a folder on a local disk")
    file.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(beside(file, ".lock"), timeout=WAIT_S):
        return _connect(file)


def _connect(file: Path | None) -> sqlite3.Connection:
    """Connect and prepare; the caller holds the lock of the file."""
    connection = sqlite3.connect(
        ":memory:" if file is None else file, timeout=WAIT_S, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file, or check that they are ours; settings for many writers."""
    empty = holds_nothing(connection)
    if empty:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if empty:
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")


def holds_nothing(connection: sqlite3.Connection) -> bool:
    """Whether a file holds nothing yet.

    Raises:
        ForeignFileError: it holds something else than the tables of this version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")}
    empty = (application, version, len(tables)) == (0, 0, 0)
    if not empty and (application, version, tables) != (APPLICATION, FORMAT, set(_TABLES)):
        raise ForeignFileError("it belongs to another program or version")
    return empty


def is_damage(error: Exception) -> bool:
    """Whether an error of SQLite means that the file is damaged or has foreign tables."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def replace_damaged(file: Path, error: Exception) -> bool:
    """Move a damaged file aside, unless it is sound, as when another process has done so already.

    Returns:
        Whether it was moved.
    """
    with filelock.FileLock(beside(file, ".lock"), timeout=WAIT_S):
        if _is_sound(file):
            return False
        aside = beside(file, f".damaged-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{time.monotonic_ns()}")
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                beside(file, ending).replace(beside(aside, ending))
        logger.warning("%s cannot be read (%s): moved to %s and begun anew", file, error, aside.name)
        return True


def _is_sound(file: Path) -> bool:
    """Whether a file is a whole store of this version, by SQLite's own quick check."""
    try:
        connection = _connect(file)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        return False


def raise_if_disk_full(error: sqlite3.Error | OSError, file: Path) -> None:
    """Raise `DiskFullError` for every way in which a full disk shows itself; otherwise do nothing."""
    if isinstance(error, OSError):
        with suppress(OSError), disk_full_as_error(file):
            raise error
        return
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    full = code == sqlite3.SQLITE_FULL
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):  # the files beside it cannot be made or grow
        with suppress(OSError):
            full = shutil.disk_usage(file.parent).free < _ROOM
    if full:
        raise DiskFullError(
            f"{file}: no space left on the disk for embeddings. Free some and run the same command again; "
            "what was stored is kept."
        ) from error


def beside(file: Path, ending: str) -> Path:
    """The file's path with something added to its name."""
    return file.with_name(file.name + ending)


def network_filesystem(file: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The kind of network file system that a path lies on; None on a local disk and where nothing tells.

    Args:
        file: any path, existing or not.
        mounts: the kernel's table of mounts (Linux); its format is in proc(5).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    kinds = {}
    for line in lines:
        before, _, after = line.partition(" - ")
        kinds[Path(before.split()[4].replace("\\040", " "))] = after.split()[0]
    path = file.resolve()
    kind = next((kinds[folder] for folder in (path, *path.parents) if folder in kinds), "")
    return kind if kind in _NETWORK else None
