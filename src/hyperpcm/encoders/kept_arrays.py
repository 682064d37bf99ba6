"""Whole arrays kept on disk: what takes minutes for a table is computed once and mapped by every process.

An array is filed under a name and a key, the sha256 of everything its numbers depend on. Two files belong
to it: ``<name>-<key>.npy`` and a manifest ``<name>-<key>.json`` with its sha256. Both appear whole or not at
all, and equal keys mean equal bytes, so several processes may write one array at once. Like the embedding
store it is a cache: what is damaged is made again, a folder that cannot be used is done without, and only a
full disk is an error.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import disk_full_as_error

__all__ = ["KeptArrays", "array_files", "is_whole"]

logger = logging.getLogger(__name__)

_FORMAT: Final = "hyperpcm array 1"
_CHUNK: Final = 1 << 22


class KeptArrays:
    """Arrays by name and key, in a folder or in memory.

    Args:
        folder: where the files lie; it is made when the first array is kept. None keeps the arrays in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._held: dict[str, npt.NDArray[Any]] = {}

    def get(self, name: str, key: str, make: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """The array of this name and key; it is made, and kept, where there is none that is whole.

        Args:
            name: lower-case letters and hyphens, for people who look into the folder.
            key: hex digest of everything the numbers depend on.
            make: computes the array; equal keys must give equal arrays.

        Returns:
            The array, read-only; mapped from its file where there is a folder. Its sha256 was compared.

        Raises:
            DiskFullError: no space is left for a new array.
        """
        stem = f"{name}-{key[:32]}"
        if stem in self._held:
            return self._held[stem]
        found = None if self.folder is None else _read(self.folder / stem)
        if found is None:
            found = make()
            found.flags.writeable = False
            if self.folder is not None:
                found = self._keep(self.folder / stem, found)
        self._held[stem] = found
        return found

    def _keep(self, stem: Path, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        try:
            with disk_full_as_error(stem):
                _write(stem, array)
        except OSError as error:
            logger.warning("%s cannot be kept (%s); it will be computed again next time.", stem.name, error)
            return array
        kept = _read(stem)
        return array if kept is None else kept


def array_files(stem: Path) -> tuple[Path, Path]:
    """The data and the manifest of the array kept under a name and key."""
    return stem.with_name(f"{stem.name}.npy"), stem.with_name(f"{stem.name}.json")


def _read(stem: Path) -> npt.NDArray[Any] | None:
    """The kept array, mapped; None if there is none, or if it is not byte for byte what was kept."""
    data, _ = array_files(stem)
    try:
        if is_whole(stem):
            array: npt.NDArray[Any] = np.load(data, mmap_mode="r", allow_pickle=False)
            return array
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be read (%s) and is made again.", data, error)
        return None
    logger.warning("%s is damaged (its sha256 is not that of its manifest) and is made again.", data)
    return None


def is_whole(stem: Path) -> bool:
    """Whether the manifest is ours and holds the sha256 of the data.

    Raises:
        OSError: one of the two files cannot be read.
        ValueError: the manifest is not JSON.
    """
    data, manifest = array_files(stem)
    record = json.loads(manifest.read_text(encoding="utf-8"))
    return (
        isinstance(record, dict) and record.get("format") == _FORMAT and record.get("sha256") == _sha256(data)
    )


def _write(stem: Path, array: npt.NDArray[Any]) -> None:
    """Write the array, then its manifest; each is renamed into place when it is whole."""
    data, manifest = array_files(stem)
    array = np.ascontiguousarray(array)
    stem.parent.mkdir(parents=True, exist_ok=True)
    mark = f"{os.getpid()}-{secrets.token_hex(4)}.part"
    partial, small = data.with_name(f".{data.name}.{mark}"), manifest.with_name(f".{manifest.name}.{mark}")
    try:
        with partial.open("xb") as stream:
            # np.save would write past the stream and lose the operating system's word for a full disk.
            np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
            stream.write(array.data)
            stream.flush()
            os.fsync(stream.fileno())
        record = {
            "format": _FORMAT,
            "sha256": _sha256(partial),
            "shape": array.shape,
            "dtype": str(array.dtype),
        }
        with small.open("x", encoding="utf-8") as text:
            json.dump(record, text)
            text.flush()
            os.fsync(text.fileno())
        partial.replace(data)
        small.replace(manifest)
    finally:
        for left in (partial, small):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
