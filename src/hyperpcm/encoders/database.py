"""The tables under the embedding store: rows with checksums, and what happens when something is wrong.

Every row carries its own checksum, because SQLite does not notice a changed byte inside a value. Errors are
sorted once, here: a full disk is raised, a damaged file is replaced, a busy one is passed over, and one that
cannot be used is done without.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.sqlite_file import (
    WAIT_S,
    ForeignFileError,
    beside,
    is_damage,
    open_file,
    raise_if_disk_full,
    replace_damaged,
)

__all__ = ["Blob", "Database", "Holding"]

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_REPLACEMENTS: Final = 3
"""Times that one process replaces a damaged file before it goes on without."""


@dataclasses.dataclass(frozen=True, slots=True)
class Blob:
    """One stored vector: little-endian float32, perhaps compressed, and a checksum of it and its place."""

    compressed: bool
    checksum: bytes
    data: bytes

    @classmethod
    def of(cls, vector: npt.NDArray[np.float32], key: str, item: bytes, *, compress: bool) -> Blob:
        """Pack a vector for its place, the encoder's key and the item's sha256."""
        data = vector.astype("<f4").tobytes()
        data = zlib.compress(data, 1) if compress else data
        return cls(compress, _checksum(key, item, compress, data), data)

    def vector(self, key: str, item: bytes, width: int) -> npt.NDArray[np.float32] | None:
        """Unpack: float32 [width], or None when it is not what was packed for this place."""
        if self.checksum != _checksum(key, item, self.compressed, self.data):
            return None
        data = zlib.decompress(self.data) if self.compressed else self.data
        return np.frombuffer(data, dtype="<f4").astype(np.float32) if len(data) == 4 * width else None


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """What one encoder has in the store.

    Attributes:
        encoder: its name.
        key: its cache key.
        width: length of a vector.
        rows: number of vectors.
        data_bytes: bytes of the vectors as stored.
    """

    encoder: str
    key: str
    width: int
    rows: int
    data_bytes: int


class Database:
    """The tables on disk, in memory when `file` is None, or nothing at all where a file cannot be used.

    Threads share one connection behind a lock; a forked process opens its own.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._usable = True
        self._replacements = 0
        self._lock = threading.RLock()
        self._connections: dict[int, sqlite3.Connection] = {}
        self._closer = weakref.finalize(self, _close_own, self._connections)
        self._run(lambda connection: connection.in_transaction, False)

    @property
    def path(self) -> Path | None:
        """The file in use; None in memory and where the file cannot be used."""
        return self._file if self._usable else None

    def close(self) -> None:
        """Close this process's connection; nothing is found or stored afterwards."""
        self._closer()
        self._usable = False

    def read(self, key: str, items: Sequence[bytes]) -> dict[bytes, Blob]:
        """The stored vectors of an encoder among these items (sha256 digests), unchecked."""

        def query(connection: sqlite3.Connection) -> dict[bytes, Blob]:
            found = {}
            for start in range(0, len(items), 500):  # SQLite before 3.32 takes 999 variables
                some = items[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = connection.execute(
                    "SELECT item, compressed, CAST(checksum AS BLOB), CAST(data AS BLOB) FROM vectors "
                    f"WHERE encoder = (SELECT id FROM encoders WHERE key = ?) AND item IN ({marks})",
                    (key, *some),
                )
                found.update({item: Blob(bool(packed), check, data) for item, packed, check, data in rows})
            return found

        return self._run(query, {})

    def write(self, encoder: Encoder, blobs: Mapping[bytes, Blob]) -> None:
        """Store vectors of an encoder by item, in one transaction; a row that is there is replaced.

        Raises:
            DiskFullError: no space is left; nothing of this batch is stored.
        """
        key = encoder.cache_key()

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR IGNORE INTO encoders (key, name, width, spec) VALUES (?, ?, ?, ?)",
                (key, encoder.name, encoder.width, json.dumps(encoder.spec())),
            )
            (number,) = connection.execute("SELECT id FROM encoders WHERE key = ?", (key,)).fetchone()
            connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)",
                ((number, item, blob.compressed, blob.checksum, blob.data) for item, blob in blobs.items()),
            )
            connection.execute("COMMIT")

        self._run(insert, None)

    def remove_all_but(self, keys: Sequence[str]) -> int:
        """Delete the vectors of other encoders and shrink the file; gives their number."""

        def delete(connection: sqlite3.Connection) -> int:
            connection.execute("BEGIN IMMEDIATE")
            marks = ",".join("?" * len(keys))
            removed = connection.execute(
                f"DELETE FROM vectors WHERE encoder NOT IN (SELECT id FROM encoders WHERE key IN ({marks}))",
                tuple(keys),
            ).rowcount
            connection.execute(f"DELETE FROM encoders WHERE key NOT IN ({marks})", tuple(keys))
            connection.execute("COMMIT")
            connection.executescript("PRAGMA incremental_vacuum")  # execute would stop after one page
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return removed

        return self._run(delete, 0)

    def holdings(self) -> tuple[Holding, ...]:
        """Rows and bytes of each encoder, largest first."""

        def count(connection: sqlite3.Connection) -> tuple[Holding, ...]:
            rows = connection.execute(
                "SELECT name, key, width, COUNT(item), COALESCE(SUM(LENGTH(data)), 0) FROM encoders "
                "LEFT JOIN vectors ON encoder = id GROUP BY id ORDER BY 5 DESC, key"
            )
            return tuple(Holding(*row) for row in rows)

        return self._run(count, ())

    def file_bytes(self) -> int:
        """Size of the file and of its write-ahead log; 0 in memory."""
        if self.path is None:
            return 0
        files = (self.path, beside(self.path, "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _run(self, operation: Callable[[sqlite3.Connection], _Result], otherwise: _Result) -> _Result:
        """Do something with the connection; `otherwise` where that cannot be done."""
        with self._lock:
            if not self._usable:
                return otherwise
            try:
                return operation(self._connection())
            except (sqlite3.Error, OSError) as error:
                self._rollback()
                self._recover(error)
                return otherwise

    def _connection(self) -> sqlite3.Connection:
        """This process's connection, opened when there is none."""
        process = os.getpid()
        if process not in self._connections:
            self._connections[process] = open_file(self._file)
        return self._connections[process]

    def _rollback(self) -> None:
        connection = self._connections.get(os.getpid())
        if connection is not None and connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.rollback()

    def _recover(self, error: sqlite3.Error | OSError) -> None:
        """Raise that the disk is full, replace a damaged file, or go on without the store."""
        if self._file is not None:
            raise_if_disk_full(error, self._file)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            logger.warning(
                "%s: busy for %.0f s; going on without storing these embeddings", self._file, WAIT_S
            )
            return
        damaged = isinstance(error, ForeignFileError) or is_damage(error)
        if damaged and self._file is not None and self._replacements < _REPLACEMENTS:
            self._replacements += 1
            try:
                _close_own(self._connections)
                replace_damaged(self._file, error)
                return
            except (sqlite3.Error, OSError) as another:
                error = another
        self._usable = False
        _close_own(self._connections)
        logger.warning("%s cannot be used (%s); embeddings are computed and not stored", self._file, error)


def _checksum(key: str, item: bytes, compressed: bool, data: bytes) -> bytes:
    """Eight bytes that depend on a value and on where it belongs."""
    place = key.encode("ascii") + item + bytes([compressed])
    return hashlib.blake2b(place + data, digest_size=8).digest()


def _close_own(connections: dict[int, sqlite3.Connection]) -> None:
    """Close the connection of this process; those of a parent process are not ours to close."""
    connection = connections.pop(os.getpid(), None)
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()
