"""An index of a library: everything that screening needs of its compounds, computed once and kept.

A folder of chunks, each a file with its sha256, and ``index.json``, replaced as a whole after each chunk. So
whatever ends the work, what is there is whole, and the same call goes on from it.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from hyperpcm.datasets.locking import only_run
from hyperpcm.datasets.output_files import atomic_file, remove_unfinished
from hyperpcm.encoders.parallel import Workers
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.errors import ConfigError, HyperpcmError, InputError, OutputError
from hyperpcm.screening.chunk import Chunk, packed_chunk, unpacked_chunk
from hyperpcm.screening.library import prepared_chunks
from hyperpcm.screening.recipe import CompoundRecipe
from hyperpcm.screening.seen import SeenStructures

if TYPE_CHECKING:
    import torch

__all__ = ["LibraryIndex", "LoadedIndex", "build_index"]

ROWS: Final = 4096
"""Rows of one chunk."""

_VERSION: Final = 3
_NAME: Final = "index.json"


class LibraryIndex:
    """An index on the disk, whole or begun.

    Args:
        path: of the folder.
        record: what ``index.json`` holds.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path, self.record = path, record

    @classmethod
    def is_one(cls, path: Path) -> bool:
        """Whether a path is the folder of an index."""
        return (path / _NAME).is_file()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return an index that is whole.

        Raises:
            InputError: it is not an index, damaged, of a newer version, or not finished.
        """
        index = cls(path, _read(path))
        if not index.record["complete"]:
            raise InputError(f"{path}: this index is not finished. Go on: the same hyperpcm index again.")
        return index

    @classmethod
    def begin(cls, path: Path, recipe: CompoundRecipe, source: Mapping[str, Any]) -> Self:
        """Return a new index without rows in a folder that is there; one that was in it is replaced.

        Args:
            path: of the folder.
            recipe: how the compounds of all chunks are prepared.
            source: what tells the library from another (JSON values).

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        record = {"version": _VERSION, "recipe": _recipe(recipe), "library": dict(source)}
        index = cls(path, {**record, "chunks": [], "refused": {}, "complete": False})
        index._write()
        return index

    @property
    def recipe(self) -> CompoundRecipe:
        """How its compounds were prepared.

        Raises:
            ConfigError: its encoder is not available, or would give other numbers here.
        """
        stored = self.record["recipe"]
        recipe = CompoundRecipe(build_encoder(stored["encoder"]), tuple(map(tuple, stored["fingerprints"])))
        if _recipe(recipe) != stored:
            raise ConfigError(
                f"{self.path}: was made with {', '.join(stored['libraries'])}, and here are "
                f"{', '.join(recipe.encoder.libraries())}; numbers may differ. Index the library again."
            )
        return recipe

    @property
    def rows(self) -> int:
        """Rows of the library that are in it, those that were refused among them."""
        return sum(chunk["rows"] for chunk in self.record["chunks"])

    @property
    def refused(self) -> collections.Counter[str]:
        """How many rows were refused, by the code of the reason."""
        return collections.Counter(self.record["refused"])

    @property
    def copies(self) -> int:
        """How many rows have the structure of an earlier row, and are kept as no more than that."""
        return sum(chunk["copies"] for chunk in self.record["chunks"])

    def check_serves(self, needed: CompoundRecipe) -> None:
        """Refuse an index that does not hold what a panel reads.

        Raises:
            ConfigError: another encoder or fingerprint.
        """
        own = self.recipe
        missing = set(needed.fingerprints) - set(own.fingerprints)
        if own.encoder.key() != needed.encoder.key() or missing:
            raise ConfigError(
                f"{self.path}: this index holds {own.encoder.name}, and the targets read "
                f"{needed.encoder.name}, or with other options. Index the library for them: hyperpcm index "
                "LIBRARY --for TARGET."
            )

    def chunks(self, *, skip: int = 0) -> Iterator[Chunk]:
        """Yield what is in it, in the order of the library; every byte is checked.

        Args:
            skip: rows at the start that are left out; whole chunks.

        Raises:
            InputError: a chunk is missing or damaged; the message names it.
        """
        return (read() for read in self.readers(skip=skip))

    def readers(self, *, skip: int = 0) -> Iterator[Callable[[], Chunk]]:
        """Yield what reads each chunk, in any thread; as `chunks`."""
        recipe, done = self.recipe, 0
        for chunk in self.record["chunks"]:
            if done >= skip:
                yield functools.partial(self._chunk, chunk, recipe)
            done += chunk["rows"]

    def _chunk(self, entry: Mapping[str, Any], recipe: CompoundRecipe) -> Chunk:
        path = self.path / entry["file"]
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise ValueError("its sha256 does not fit")
            return unpacked_chunk(content, recipe)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path}: this part of the index is missing or damaged ({error}). Remove the folder and "
                "index the library again."
            ) from None

    def add(self, chunk: Chunk, recipe: CompoundRecipe) -> None:
        """Store the rows that follow; after any end, what was added is there.

        Args:
            chunk: prepared, without copies of structures of earlier chunks.
            recipe: of the index.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left; what was added before is there.
        """
        content = packed_chunk(chunk, recipe)
        name = f"{len(self.record['chunks']):06d}.npz"
        entry = {
            "file": name,
            "rows": chunk.rows,
            "usable": len(chunk.places),
            "copies": len(chunk.copies),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        with atomic_file(self.path / name, overwrite=True) as file:
            file.write(content)
        self.record["chunks"].append(entry)
        refused = self.refused
        refused.update(one.code for one in chunk.rejections)
        self.record["refused"] = dict(refused)
        self._write()

    def repeat(self, chunks: int) -> None:
        """Enter the chunks that are there again and again, without storing any, until there are so many.

        An index to measure with: what it costs to screen is what as many different rows cost.

        Raises:
            ValueError: rows of it were refused, which are counted once.
        """
        if self.record["refused"]:
            raise ValueError("chunks with refused rows cannot be entered again")
        entries = self.record["chunks"]
        self.record["chunks"] = [entries[place % len(entries)] for place in range(chunks)]
        self._write()

    def finish(self) -> None:
        """Say that no rows follow."""
        self.record["complete"] = True
        self._write()

    def _write(self) -> None:
        with atomic_file(self.path / _NAME, overwrite=True) as file:
            file.write(json.dumps(self.record).encode())


class LoadedIndex:
    """An index whose compounds lie in the memory of a device, for one screen after the other.

    Args:
        index: whole.
        device: of the panels that will screen it.

    Raises:
        InputError: a chunk is missing or damaged.
    """

    def __init__(self, index: LibraryIndex, device: torch.device) -> None:
        self.path, self.check_serves = index.path, index.check_serves
        self._chunks = [_moved(chunk, device) for chunk in index.chunks()]

    def readers(self, *, skip: int = 0) -> Iterator[Callable[[], Chunk]]:
        """Yield what gives each chunk, in the order of the library; as `LibraryIndex.readers`."""
        done = 0
        for chunk in self._chunks:
            if done >= skip:
                yield functools.partial(_same, chunk)
            done += chunk.rows


def _same(chunk: Chunk) -> Chunk:
    return chunk


def _moved(chunk: Chunk, device: torch.device) -> Chunk:
    from hyperpcm.screening.tensors import CompoundTensors

    if isinstance(chunk.compounds, CompoundTensors):
        return chunk
    return dataclasses.replace(chunk, compounds=CompoundTensors.of(chunk.compounds, device))


def build_index(
    library: Path,
    path: Path,
    recipe: CompoundRecipe,
    *,
    columns: Mapping[str, str] | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> LibraryIndex:
    """Index a library, or go on with an index of it that was begun.

    A row that cannot be used keeps its place, without an embedding and with the reason. A structure is kept
    once, at its first row; later rows with it keep their place and name.

    Args:
        library: in any form that `compound_parts` takes.
        path: of the folder; made if need be.
        recipe: how compounds are prepared.
        columns: of a table, the columns of roles where names do not tell.
        processes: how many prepare compounds.
        progress: is called with the number of rows done.

    Raises:
        TableError: the library cannot be read or holds no compound.
        InputError: none of its rows can be used, it has changed meanwhile, or what is in the folder is
            damaged.
        OutputError: the folder holds another index or other files, another process writes it, or it cannot
            be written.
        DiskFullError: no space is left; what is there stays.
        ProcessLostError: one of several processes was killed; the same call goes on.
    """
    with only_run(path):
        index = _begun(library, path, recipe, columns)
        if not index.record["complete"]:
            with Workers(processes) as workers:
                seen = SeenStructures()
                start = 0
                for chunk in index.chunks():
                    seen.add(chunk.smiles, [start + place for place in chunk.places])
                    start += chunk.rows
                for chunk in prepared_chunks(
                    library, recipe, workers, rows=ROWS, skip=index.rows, columns=columns
                ):
                    index.add(chunk.without_copies(seen, index.rows), recipe)
                    if progress is not None:
                        progress(index.rows)
            if not any(chunk["usable"] for chunk in index.record["chunks"]):
                raise InputError(f"{library}: none of its {index.rows:,} rows can be indexed.")
            if index.record["library"] != _source(library, columns):
                raise InputError(
                    f"{library}: has changed while it was indexed. Remove {path} and index the library again."
                )
            index.finish()
        return index


def _begun(
    library: Path, path: Path, recipe: CompoundRecipe, columns: Mapping[str, str] | None
) -> LibraryIndex:
    """The index of this library in the folder, or a new one."""
    source = _source(library, columns)
    if not LibraryIndex.is_one(path):
        remove_unfinished(path / _NAME)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise OutputError(f"{path}: is there already and is no index. Choose another name.")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: this folder cannot be made ({error.strerror}).") from None
        return LibraryIndex.begin(path, recipe, source)
    stored = _read(path)
    if (stored["recipe"], stored["library"]) != (_recipe(recipe), source):
        raise OutputError(
            f"{path}: holds the index of another library or for another encoder, or the library has changed. "
            "Choose another name, or remove the folder."
        )
    return LibraryIndex(path, stored)


def _source(library: Path, columns: Mapping[str, str] | None) -> dict[str, Any]:
    """What tells a library from another, or from what it was before."""
    about = library.stat()
    return {
        "name": library.name,
        "size": about.st_size,
        "changed": about.st_mtime_ns,
        "columns": dict(columns or {}),
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((path / _NAME).read_text(encoding="utf-8"))
        if record["version"] > _VERSION:
            raise InputError(
                f"{path}: the index has version {record['version']}; versions up to {_VERSION} can be "
                "read here. Upgrade hyperpcm."
            )
        if record["version"] < _VERSION:
            raise InputError(
                f"{path}: the index has version {record['version']}, which is no longer read. Remove the "
                "folder and index the library again."
            )
        if not {"recipe", "library", "chunks", "refused", "complete"} <= record.keys():
            raise ValueError("entries are missing")
        return record
    except HyperpcmError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: this is not the index of a library, or it is damaged ({error}).") from None


def _recipe(recipe: CompoundRecipe) -> dict[str, Any]:
    return {
        "encoder": recipe.encoder.spec(),
        "libraries": list(recipe.encoder.libraries()),
        "fingerprints": [list(kind) for kind in recipe.fingerprints],
    }
