"""What a screen has found so far, on the disk: enough to go on after any end, and refused for another screen.

The folder holds ``state.json``, replaced as a whole, and ``refused.jsonl``, which grows and is cut back to
the length that the state names when a screen goes on.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import OutputError, Rejection, disk_full_as_error
from hyperpcm.screening.top import Hit, TopList

__all__ = ["ScreenState", "StateFolder", "screen_job"]

_VERSION: Final = 1


@dataclasses.dataclass
class ScreenState:
    """What is known after some rows of a library.

    Attributes:
        rows: rows that are done; the next one is this.
        scored: those of them that were scored.
        refused: the others, by the code of the reason.
        refused_bytes: length of the file that names them.
        tops: the best compounds of each target.
    """

    tops: dict[str, TopList]
    rows: int = 0
    scored: int = 0
    refused: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    refused_bytes: int = 0


def screen_job(library: Path, targets: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Return the sha256 that stands for one screen: library, targets and settings.

    A library is told by its path, size and time of its last change.

    Args:
        library: the file.
        targets: name and sha256 of each.
        settings: JSON values.
    """
    about = library.stat()
    job = [str(library.resolve()), about.st_size, about.st_mtime_ns, dict(targets), dict(settings)]
    return hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()


class StateFolder:
    """The folder of one screen.

    Args:
        path: of the folder; made if need be.
        job: which screen, as from `screen_job`.

    Raises:
        OutputError: the folder cannot be made, or it holds another screen.
    """

    def __init__(self, path: Path, job: str) -> None:
        self.path, self.job = path, job
        self._state, self._refused = path / "state.json", path / "refused.jsonl"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: this folder cannot be made ({error.strerror}).") from None
        stored = self._stored()
        if stored is not None and stored.get("job") != job:
            raise OutputError(
                f"{path}: holds the state of another screen: other targets, another library or other "
                "settings. Remove the folder, or name another one with --work."
            )

    def _stored(self) -> dict[str, Any] | None:
        if not self._state.exists():
            return None
        try:
            stored: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
            if stored["version"] != _VERSION:
                raise ValueError(f"version {stored['version']}")
            return stored
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(
                f"{self._state}: this is not the state of a screen, or it is damaged ({error}). Remove the "
                "folder; the screen begins anew."
            ) from None

    def read(self, targets: Sequence[str], top: int) -> ScreenState:
        """Return the state that is stored, or that of a screen that has not begun.

        Args:
            targets: their names.
            top: hits of each.
        """
        stored = self._stored()
        if stored is None:
            self._refused.write_bytes(b"")
            return ScreenState({name: TopList(top) for name in targets})
        with self._refused.open("r+b") as file:
            file.truncate(stored["refused_bytes"])  # what came after the state comes again
        tops = {name: TopList(top, (Hit(*hit) for hit in stored["hits"][name])) for name in targets}
        refused = collections.Counter[str](stored["refused"])
        return ScreenState(tops, stored["rows"], stored["scored"], refused, stored["refused_bytes"])

    def write(self, state: ScreenState) -> None:
        """Store the state; it is there as a whole or the one before it is.

        Raises:
            DiskFullError: no space is left.
        """
        stored = {
            "version": _VERSION,
            "job": self.job,
            "rows": state.rows,
            "scored": state.scored,
            "refused": dict(state.refused),
            "refused_bytes": state.refused_bytes,
            "hits": {
                name: [dataclasses.astuple(hit) for hit in top.best()] for name, top in state.tops.items()
            },
        }
        with atomic_file(self._state, overwrite=True) as file:
            file.write(json.dumps(stored).encode())

    def note_refused(self, state: ScreenState, rejections: Sequence[Rejection]) -> None:
        """Append rows that cannot be used; ``row`` counts within the batch that begins at ``state.rows``."""
        if not rejections:
            return
        lines = "".join(
            json.dumps([one.row + state.rows, one.text, one.code, one.reason]) + "\n" for one in rejections
        )
        with disk_full_as_error(self._refused), self._refused.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        state.refused_bytes += len(lines.encode())

    def refused(self) -> Iterator[Rejection]:
        """Yield all rows that were refused, in their order."""
        with self._refused.open(encoding="utf-8") as file:
            for line in file:
                yield Rejection(*json.loads(line))

    def remove(self) -> None:
        """Remove what is kept; the folder too where nothing else lies in it."""
        for path in (self._state, self._refused):
            path.unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()
