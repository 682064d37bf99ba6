"""The plan of a screen in shards: which rows each shard has, for which targets, under which settings.

``manifest.json`` holds all of it. What it stands for has a fingerprint, the job, that every receipt repeats,
so that results of another plan are never mixed in.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import HyperpcmError, InputError

__all__ = ["LibraryFacts", "Plan", "PlannedTarget", "Settings", "Shard"]

_VERSION: Final = 1
_NAME: Final = "manifest.json"


@dataclasses.dataclass(frozen=True)
class Shard:
    """Some rows of a library that are screened together.

    Attributes:
        first: its first row in the library, from 0.
        rows: how many rows it has.
        sha256: of the file in which they are laid aside; empty where they are chunks of an index.
    """

    first: int
    rows: int
    sha256: str = ""


@dataclasses.dataclass(frozen=True)
class PlannedTarget:
    """A compiled target.

    Attributes:
        name: what its hits are called by.
        path: of its file, absolute.
        sha256: of its content.
    """

    name: str
    path: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class LibraryFacts:
    """What a library was when the screen was planned.

    Attributes:
        path: of the file or the index, absolute.
        size: bytes of the file, or of the ``index.json`` of an index.
        changed: time of its last change, in nanoseconds.
        index_sha256: of the ``index.json``; empty for a file.
    """

    path: str
    size: int
    changed: int
    index_sha256: str = ""

    @classmethod
    def of(cls, library: Path) -> Self:
        """Return what a library is now; a folder is taken for an index."""
        is_index = library.is_dir()
        file = library / "index.json" if is_index else library
        about = file.stat()
        seal = hashlib.sha256(file.read_bytes()).hexdigest() if is_index else ""
        return cls(str(library.resolve()), about.st_size, about.st_mtime_ns, seal)

    def same_content(self, other: LibraryFacts) -> bool:
        """Whether both are one library, by the seal of an index or by size and time of a file."""
        if self.index_sha256 or other.index_sha256:
            return self.index_sha256 == other.index_sha256
        return (self.size, self.changed) == (other.size, other.changed)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides the hits beside library and targets.

    Attributes:
        top: hits of each target.
        only: names of the filters that a hit has to pass.
        actives: standardised structures that hits have to be unlike.
        most_similar: largest Tanimoto similarity of a hit to one of them.
        columns: of a table, the columns of roles where names do not tell.
        rows: least rows of a shard but the last.
    """

    top: int
    only: tuple[str, ...] = ()
    actives: tuple[str, ...] = ()
    most_similar: float = 1.0
    columns: tuple[tuple[str, str], ...] = ()
    rows: int = 65_536


@dataclasses.dataclass(frozen=True)
class Plan:
    """A screen in shards.

    Attributes:
        library: what is screened.
        targets: for what.
        quantity: what a score means.
        settings: what decides the hits.
        shards: all rows of the library, in their order.
    """

    library: LibraryFacts
    targets: tuple[PlannedTarget, ...]
    quantity: Quantity
    settings: Settings
    shards: tuple[Shard, ...]

    @property
    def rows(self) -> int:
        """Rows of the library."""
        return sum(shard.rows for shard in self.shards)

    @property
    def job(self) -> str:
        """The sha256 that stands for what is screened and how; paths do not count."""
        stored = self._stored()
        about = stored["library"]
        about = {"index": about["index_sha256"]} if about["index_sha256"] else {"size": about["size"]}
        targets = [[one.name, one.sha256] for one in self.targets]
        facts = [_VERSION, about, targets, stored["quantity"], stored["settings"], stored["shards"]]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Store the plan; it is there as a whole or not at all.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        stored = {"version": _VERSION, "job": self.job, **self._stored()}
        with atomic_file(folder / _NAME, overwrite=True) as file:
            file.write(json.dumps(stored, indent=1).encode())

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Whether a folder holds a plan."""
        return (folder / _NAME).is_file()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the plan in a folder.

        Raises:
            InputError: there is none, or it is damaged or of a newer version.
        """
        path = folder / _NAME
        if not path.is_file():
            raise InputError(f"{folder}: holds no plan of a screen. Make one: hyperpcm screen plan.")
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["version"] > _VERSION:
                raise InputError(
                    f"{path}: this plan has version {stored['version']}; versions up to {_VERSION} can be "
                    "read here. Upgrade hyperpcm."
                )
            plan = cls._of(stored)
            if plan.job != stored["job"]:
                raise ValueError("its content does not fit its fingerprint")
            return plan
        except HyperpcmError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: this is not the plan of a screen, or it is damaged ({error}). Plan again, in "
                "another folder."
            ) from None

    def _stored(self) -> dict[str, Any]:
        stored: dict[str, Any] = dataclasses.asdict(self)
        stored["shards"] = [[one.first, one.rows, one.sha256] for one in self.shards]
        return stored

    @classmethod
    def _of(cls, stored: Mapping[str, Any]) -> Self:
        given = stored["settings"]
        texts = {name: tuple(given[name]) for name in ("only", "actives")}
        settings = Settings(**{**given, **texts, "columns": tuple(map(tuple, given["columns"]))})
        return cls(
            LibraryFacts(**stored["library"]),
            tuple(PlannedTarget(**one) for one in stored["targets"]),
            Quantity(**stored["quantity"]),
            settings,
            tuple(Shard(*one) for one in stored["shards"]),
        )
