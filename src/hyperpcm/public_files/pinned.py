"""A public file pinned by content, and whether it is here: on the disk or in a mirror."""

from __future__ import annotations

import dataclasses
import hashlib
import urllib.parse
from collections.abc import Callable
from pathlib import Path

__all__ = [
    "MIRROR_VARIABLE",
    "PinnedFile",
    "Progress",
    "file_is_there",
    "file_is_whole",
    "mirrored",
]

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done and how much there is (bytes, rows)."""

MIRROR_VARIABLE = "HYPERPCM_MIRROR"
"""Names a folder that holds public files at ``<host>/<path>`` and is looked in before the network."""


@dataclasses.dataclass(frozen=True, slots=True)
class PinnedFile:
    """One public file, byte for byte.

    Attributes:
        url: where it lives; https, pinned to a commit or to a content address.
        sha256: hex digest of the whole file.
        size: bytes.
        requirement: for a wheel, ``name==version``, so that any package index that pip is set to can
            serve it.
    """

    url: str
    sha256: str
    size: int
    requirement: str | None = None

    @property
    def name(self) -> str:
        """File name: the last part of the URL."""
        return urllib.parse.urlsplit(self.url).path.rpartition("/")[2]


def file_is_there(path: Path, pinned: PinnedFile) -> bool:
    """Whether ``path`` is a file with the pinned size; it is not read."""
    try:
        return path.is_file() and path.stat().st_size == pinned.size
    except (FileNotFoundError, NotADirectoryError):
        return False


def file_is_whole(path: Path, pinned: PinnedFile) -> bool:
    """Whether ``path`` is a file with the pinned size and sha256."""
    try:
        if path.stat().st_size != pinned.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == pinned.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def mirrored(pinned: PinnedFile, mirror: Path | None) -> Path | None:
    """Where ``mirror`` holds the file (``<host>/<path>`` of its URL); ``None`` where it does not."""
    if mirror is None:
        return None
    parts = urllib.parse.urlsplit(pinned.url)
    path = mirror / (parts.hostname or "") / urllib.parse.unquote(parts.path).lstrip("/")
    return path if path.is_file() else None
