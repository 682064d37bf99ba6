"""The files that lie beside the embedding store: whole arrays, and what nobody needs any more."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Final

from hyperpcm.encoders.kept_arrays import array_files, is_whole
from hyperpcm.encoders.sqlite_file import beside
from hyperpcm.errors import OutputError

__all__ = ["Leftover", "StoredArray", "arrays_folder", "leftovers", "store_bytes", "stored_arrays"]

ABANDONED_S: Final = 86_400.0
"""A half-written file that nobody has touched for this long belongs to a process that was killed."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredArray:
    """One whole array on disk.

    Attributes:
        name: what it is kept under.
        stem: its path without an ending.
        size: bytes of both its files.
    """

    name: str
    stem: Path
    size: int

    def is_whole(self) -> bool:
        """Whether it is byte for byte what was kept; reads all of it."""
        try:
            return is_whole(self.stem)
        except (OSError, ValueError):
            return False

    def remove(self) -> None:
        """Delete it; it is made again when it is needed.

        Raises:
            OutputError: it may not be deleted.
        """
        for path in reversed(array_files(self.stem)):  # the manifest first: half an array is none
            _delete(path)


@dataclasses.dataclass(frozen=True, slots=True)
class Leftover:
    """A file that nobody needs: a damaged store that was moved aside, or an array half written.

    Attributes:
        path: the file.
        size: its bytes.
    """

    path: Path
    size: int

    def remove(self) -> None:
        """Delete it.

        Raises:
            OutputError: it may not be deleted.
        """
        _delete(self.path)


def arrays_folder(file: Path) -> Path:
    """Where whole arrays lie beside the file of a store."""
    return beside(file, "-arrays")


def store_bytes(file: Path) -> int:
    """Size of the file of a store and of its write-ahead log."""
    return _size(file) + _size(beside(file, "-wal"))


def stored_arrays(file: Path) -> list[StoredArray]:
    """The whole arrays beside the file of a store, by name."""
    folder = arrays_folder(file)
    stems = {path.with_suffix("") for ending in ("npy", "json") for path in folder.glob(f"[!.]*.{ending}")}
    return [
        StoredArray(stem.name.rpartition("-")[0] or stem.name, stem, sum(map(_size, array_files(stem))))
        for stem in sorted(stems)
    ]


def leftovers(file: Path) -> list[Leftover]:
    """What nobody needs beside the file of a store."""
    limit = time.time() - ABANDONED_S
    half = [path for path in arrays_folder(file).glob(".*.part") if _changed(path) < limit]
    return [
        Leftover(path, _size(path))
        for path in (*sorted(file.parent.glob(f"{file.name}.damaged-*")), *sorted(half))
    ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it has gone meanwhile
        return 0


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: it may not be deleted ({error.strerror or error}).") from error
