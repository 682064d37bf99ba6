"""Opening the file of the embedding store for someone who wants to know what is wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hyperpcm.encoders.sqlite_file import (
    WAIT_S,
    ForeignFileError,
    holds_nothing,
    is_damage,
    network_filesystem,
    raise_if_disk_full,
)
from hyperpcm.errors import InputError, OutputError

__all__ = ["opened_store"]

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_READ_ONLY: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


@contextmanager
def opened_store(file: Path, *, writable: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to an existing store; whatever SQLite raises in the block becomes a sentence.

    Every statement is a transaction of its own. A file in a folder that may not be written is read as it is.

    Raises:
        InputError: there is no such file, it is damaged (its cause is SQLite's error), of another program or
            version, or stays locked.
        OutputError: `writable`, and it may not be written.
        DiskFullError: no space is left.
    """
    if not file.is_file():
        raise InputError(f"{file}: there is no embedding store. Name its file: --store FILE.")
    if writable and (kind := network_filesystem(file)) is not None:
        raise OutputError(
            f"{file}: it lies on a network file system, {kind}, where it cannot be changed safely."
        )
    try:
        connection = _connected(file, writable)
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            connection.close()
    except sqlite3.Error as error:
        raise_if_disk_full(error, file)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, ForeignFileError):
            raise InputError(
                f"{file}: {error}. Name the file of an embedding store: --store FILE."
            ) from error
        if code in _BUSY:
            raise InputError(
                f"{file}: another process has kept it locked for {WAIT_S:.0f} s. Try again when it has ended."
            ) from error
        if code in _READ_ONLY:
            raise OutputError(
                f"{file}: it may not be {'written' if writable else 'read'} ({error})."
            ) from error
        if is_damage(error):
            raise InputError(
                f"{file}: it is damaged ({error}). Run: hyperpcm cache verify --repair. It is moved aside; "
                "what it held is computed again when it is needed."
            ) from error
        raise


def _connected(file: Path, writable: bool) -> sqlite3.Connection:
    """Connect; where not even a reader may note in the folder that it is there, take the file as it is."""
    uri = file.resolve().as_uri()
    if writable:
        return _checked(f"{uri}?mode=rw")
    try:
        return _checked(f"{uri}?mode=ro")
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _READ_ONLY:
            raise
        return _checked(f"{uri}?mode=ro&immutable=1")


def _checked(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)
    try:
        if holds_nothing(connection):
            raise ForeignFileError("it holds nothing yet")
    except BaseException:
        connection.close()
        raise
    return connection
