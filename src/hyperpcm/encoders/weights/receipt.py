"""The receipt beside fetched weights: where each file came from and what it must be."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hyperpcm.encoders.weights.model_files import FileRecord, content_of, record_of
from hyperpcm.errors import disk_full_as_error

__all__ = ["Receipt"]

_FILE: Final = "receipt.json"


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What was brought, once, and is verified ever after.

    Attributes:
        repository: name on the hub.
        commit: 40 hex digits; None where a folder was brought whose commit nobody stated.
        origin: ``hub``, ``mirror`` or the folder it was copied from.
        files: sha256 and size of every file, by name.
    """

    repository: str
    commit: str | None
    origin: str
    files: Mapping[str, FileRecord]

    @property
    def content(self) -> str:
        """What tells these files from others: see `content_of`."""
        return content_of(self.files)

    @property
    def revision(self) -> str:
        """The commit for people; the content where it is not known."""
        return self.commit or f"an unstated commit (content {self.content[:12]})"

    @classmethod
    def read(cls, folder: Path) -> Receipt | None:
        """The receipt of a folder; None where there is none that can be read."""
        try:
            noted = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            files = {str(name): FileRecord(str(one[0]), int(one[1])) for name, one in noted["files"].items()}
            return cls(str(noted["repository"]), noted["commit"], str(noted["origin"]), files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None

    def write(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        noted = {
            "repository": self.repository,
            "commit": self.commit,
            "origin": self.origin,
            "content": self.content,
            "files": {name: [one.sha256, one.size] for name, one in sorted(self.files.items())},
        }
        partial = folder / f".{_FILE}.{secrets.token_hex(4)}.part"
        with disk_full_as_error(folder / _FILE):
            partial.write_text(json.dumps(noted, indent=1), encoding="utf-8")
            partial.replace(folder / _FILE)

    @staticmethod
    def remove(folder: Path) -> None:
        """Take the receipt away: what is in the folder counts as nothing until a new one is written."""
        (folder / _FILE).unlink(missing_ok=True)

    def is_there(self, folder: Path) -> bool:
        """Whether every file is in the folder with its size; nothing is read."""
        return all(_size(folder / name) == one.size for name, one in self.files.items())

    def damaged(self, folder: Path) -> Path | None:
        """The first file that is missing or altered; None where all are what they were. Reads them all."""
        for name, one in self.files.items():
            path = folder / name
            if _size(path) != one.size or record_of(path) != one:
                return path
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
