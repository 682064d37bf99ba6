"""Many pinned files of one origin, listed in a table of this package."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterator, Mapping

from hyperpcm.public_files.pinned import PinnedFile

__all__ = ["PinnedList"]


class PinnedList(Mapping[str, PinnedFile]):
    """Many pinned files of one origin, by key; they are read from a table in this package when first needed.

    Args:
        table: name of the table beside this module: tab-separated, with a header, the columns key, path,
            size and sha256.
        origin: the URL that every path continues; it names a commit.
    """

    def __init__(self, table: str, origin: str) -> None:
        self._table, self._origin = table, origin

    @functools.cached_property
    def _files(self) -> dict[str, PinnedFile]:
        text = importlib.resources.files("hyperpcm.datasets").joinpath(self._table).read_text("utf-8")
        lines = [line.split("\t") for line in text.splitlines()[1:]]
        return {
            key: PinnedFile(f"{self._origin}/{path}", sha256, int(size)) for key, path, size, sha256 in lines
        }

    def __getitem__(self, key: str) -> PinnedFile:
        return self._files[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
