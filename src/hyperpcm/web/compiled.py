"""Compiled targets by id: those used last in memory, more of them as files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import ModelFileError, UnknownIdError
from hyperpcm.target_model import TargetModel

__all__ = ["CompiledTargets", "is_id"]

_ID: Final = re.compile(r"[0-9a-f]{32}")


def is_id(text: str) -> bool:
    """Return whether a text can be an id; nothing else ever becomes part of a path."""
    return _ID.fullmatch(text) is not None


class CompiledTargets:
    """Target models by id, in memory and as files.

    Args:
        folder: of the files; made if need be.
        beside: more folders in which files are looked for, and none is removed.
        in_memory: targets that are kept in memory.
        on_disk: files that are kept; those not used for longest are removed.
        shared: gives a target that shares what it can with those in memory.
    """

    def __init__(
        self,
        folder: Path,
        beside: tuple[Path, ...],
        *,
        in_memory: int,
        on_disk: int,
        shared: Callable[[TargetModel], TargetModel],
    ) -> None:
        self._shared = shared
        self._folder, self._beside = folder, beside
        self._in_memory, self._on_disk = in_memory, on_disk
        self._held: OrderedDict[str, TargetModel] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self.hits = self.misses = 0
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return len(self._held)

    def get(self, id: str, make: Callable[[], TargetModel] | None = None) -> TargetModel:
        """Return the target of an id, made and kept where it is not here yet.

        Args:
            id: as from `hyperpcm.web.served.target_id`.
            make: makes it; None: it has to be here.

        Raises:
            UnknownIdError: it is not here.
        """
        found = self._in_memory_now(id)
        if found is not None:
            return found
        with self._lock:
            making = self._making.setdefault(id, threading.Lock())
        try:
            with making:  # of those that ask for one target at once, the first makes it for all
                found = self._in_memory_now(id)
                return found if found is not None else self._read_or_made(id, make)
        finally:
            with self._lock:
                self._making.pop(id, None)

    def _in_memory_now(self, id: str) -> TargetModel | None:
        with self._lock:
            if id not in self._held:
                return None
            self.hits += 1
            self._held.move_to_end(id)
            return self._held[id]

    def _read_or_made(self, id: str, make: Callable[[], TargetModel] | None) -> TargetModel:
        self.misses += 1
        found = self._read(id)
        if found is None:
            if make is None:
                raise UnknownIdError("there is no compiled target of this id; compile it again.")
            found = make()
            self.add(id, found)
        return self._hold(id, found)

    def add(self, id: str, target: TargetModel) -> None:
        """Keep a target under an id, in memory and as a file."""
        save_target_model(target, self._folder / f"{id}.hpcm", overwrite=True)
        self._hold(id, target)
        self._prune()

    def note(self, id: str, told: Mapping[str, Any]) -> None:
        """Keep what is to be told of a target beside its file, as long as that is kept.

        Args:
            id: of a target that was added.
            told: JSON values.
        """
        with atomic_file(self._folder / f"{id}.json", overwrite=True) as file:
            file.write(json.dumps(told).encode())

    def noted(self, id: str) -> dict[str, Any]:
        """Return what was kept with `note`; nothing where there is none."""
        if not is_id(id):
            return {}
        try:
            found = json.loads((self._folder / f"{id}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def path(self, id: str) -> Path:
        """Return the file of a target.

        Raises:
            UnknownIdError: it is not here.
        """
        found = self._path(id)
        if found is None:
            raise UnknownIdError("there is no compiled target of this id; compile it again.")
        return found

    def _path(self, id: str) -> Path | None:
        if not is_id(id):
            return None
        places = (folder / f"{id}.hpcm" for folder in (self._folder, *self._beside))
        return next((path for path in places if path.is_file()), None)

    def _read(self, id: str) -> TargetModel | None:
        path = self._path(id)
        if path is None:
            return None
        try:
            found = load_target_model(path)
        except (ModelFileError, FileNotFoundError):  # of another version, damaged, or removed meanwhile
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        return found

    def _hold(self, id: str, target: TargetModel) -> TargetModel:
        target = self._shared(target)
        with self._lock:
            self._held[id] = target
            self._held.move_to_end(id)
            while len(self._held) > self._in_memory:
                self._held.popitem(last=False)
        return target

    def _prune(self) -> None:
        with contextlib.suppress(OSError):
            files = sorted(self._folder.glob("*.hpcm"), key=lambda path: path.stat().st_mtime)
            for path in files[: max(0, len(files) - self._on_disk)]:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)
