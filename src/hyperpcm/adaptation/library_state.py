"""A library as one target sees it before anything is measured, kept on the disk: one pass, many corrections.

Scores, profiles and fingerprints do not change when measurements come in; what measurements add is a product
with few columns. A folder of parts, each a file with its sha256, and ``state.json``, replaced as a whole
after each part: whatever ends the pass, the same call goes on from what is there.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.suggest_compounds import CompoundScorer, ScoredCompounds
from hyperpcm.datasets.locking import only_run
from hyperpcm.datasets.output_files import atomic_file, remove_unfinished
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import InputError, OutputError
from hyperpcm.screening.chunk import Chunk, Copy, packed_rows, packed_texts, unpacked_rows, unpacked_texts
from hyperpcm.screening.library import prepared_chunks
from hyperpcm.screening.library_index import LibraryIndex
from hyperpcm.screening.seen import SeenStructures
from hyperpcm.screening.threads import in_threads
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.adapting import unadapted

__all__ = ["LibraryState", "scored_library", "state_folder", "target_digest"]

ROWS: Final = 4096
"""Rows of one part of a library that is no index."""

_VERSION: Final = 2
_NAME: Final = "state.json"
_OF_PARTS: Final = MappingProxyType({"file": str, "rows": int, "usable": int, "copies": int, "sha256": str})


class LibraryState:
    """The pass over a library, whole or begun; a pool of compounds to choose from.

    Args:
        path: of the folder.
        record: what ``state.json`` holds.
        resumed: rows that were there before.
    """

    def __init__(self, path: Path, record: dict[str, Any], *, resumed: int = 0) -> None:
        self.path, self.record, self.resumed = path, record, resumed

    def __len__(self) -> int:
        return sum(part["usable"] for part in self.record["parts"])

    @property
    def rows(self) -> int:
        """Rows of the library, copies and those that were refused among them."""
        return sum(part["rows"] for part in self.record["parts"])

    @property
    def refused(self) -> collections.Counter[str]:
        """How many rows were refused, by the code of the reason."""
        return collections.Counter(self.record["refused"])

    def blocks(self) -> Iterator[ScoredCompounds]:
        """Yield all compounds in the order of the library; every byte is checked.

        Raises:
            InputError: a part is missing or damaged.
        """
        return (self._part(part) for part in self.record["parts"] if part["usable"] or part["copies"])

    def taken(self, places: npt.NDArray[np.integer]) -> ScoredCompounds:
        """Return some compounds, in the order given; only the parts that hold them are read.

        Raises:
            InputError: as `blocks`.
        """
        order = np.argsort(places, kind="stable")
        ascending, start, found = np.asarray(places)[order], 0, list[ScoredCompounds]()
        for part in self.record["parts"]:
            own = ascending[(ascending >= start) & (ascending < start + part["usable"])]
            if len(own) or (not found and part is self.record["parts"][-1]):
                found.append(self._part(part).taken(own - start))
            start += part["usable"]
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return ScoredCompounds.joined(found).taken(back)

    def _part(self, entry: Mapping[str, Any]) -> ScoredCompounds:
        path = self.path / entry["file"]
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise ValueError("its sha256 does not fit")
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return ScoredCompounds(
                rows=arrays["rows"],
                smiles=unpacked_texts("smiles", arrays),
                names=unpacked_texts("names", arrays),
                scores=arrays["scores"],
                profiles=arrays["profiles"],
                bits=unpacked_rows("bits", arrays, self.record["fingerprint"][1]),
                copies=tuple(
                    Copy(row, first, name)
                    for row, first, name in zip(
                        arrays["copies"][:, 0].tolist(),
                        arrays["copies"][:, 1].tolist(),
                        unpacked_texts("copy_names", arrays),
                        strict=True,
                    )
                ),
            )
        except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path}: this part of the scored library is missing or damaged ({error}). Remove the folder "
                f"{self.path}; it is made again."
            ) from None

    def add(self, compounds: ScoredCompounds, chunk: Chunk) -> None:
        """Store the rows that follow; after any end, what was added is there.

        Args:
            compounds: of them.
            chunk: that they come from.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left; what was added before is there.
        """
        arrays: dict[str, npt.NDArray[Any]] = {
            "rows": compounds.rows,
            "scores": compounds.scores,
            "profiles": compounds.profiles,
            **packed_texts("smiles", compounds.smiles),
            **packed_texts("names", compounds.names),
            **packed_rows("bits", compounds.bits),
            "copies": np.array([(one.place, one.first) for one in compounds.copies], dtype=np.int64).reshape(
                -1, 2
            ),
            **packed_texts("copy_names", [one.name for one in compounds.copies]),
        }
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        content, name = stream.getvalue(), f"{len(self.record['parts']):06d}.npz"
        with atomic_file(self.path / name, overwrite=True) as file:
            file.write(content)
        entry = {"file": name, "rows": chunk.rows, "usable": len(compounds), "copies": len(compounds.copies)}
        self.record["parts"].append(entry | {"sha256": hashlib.sha256(content).hexdigest()})
        refused = self.refused
        refused.update(one.code for one in chunk.rejections)
        self.record["refused"] = dict(refused)
        self.write()

    def write(self) -> None:
        """Store the record."""
        with atomic_file(self.path / _NAME, overwrite=True) as file:
            file.write(json.dumps(self.record).encode())


def state_folder(library: Path, target: TargetModel) -> Path:
    """Return the folder beside a library that its state for one target lies in, whatever was measured."""
    return library.with_name(f"{library.name}.scored") / target_digest(target)[:16]


def target_digest(target: TargetModel) -> str:
    """Return the sha256 of a target, without its history and what it has learned from measurements."""
    tensors, header = unadapted(target).state()
    told = {key: value for key, value in header.items() if key != "provenance"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        array = np.ascontiguousarray(tensor.numpy())
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def scored_library(
    target: TargetModel,
    library: Path | LibraryIndex,
    folder: Path,
    *,
    columns: Mapping[str, str] | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> LibraryState:
    """Return the library as the target sees it before anything is measured: from the folder, or in one pass.

    A pass that was begun is gone on with. What is there for another target, or a library that has changed
    since, is made anew. Memory is that of a few thousand compounds, and 24 bytes of each.

    Args:
        target: adapted or not.
        library: compounds, in any form that `compound_parts` takes, or the index of a library.
        folder: made if need be.
        columns: of a table, the columns of roles where names do not tell.
        processes: how many prepare compounds; threads that score the compounds of an index.
        progress: is called with the number of rows done.

    Raises:
        TableError: the library cannot be read or holds no compound.
        ConfigError: the index does not hold what the target reads, or the target reads graphs.
        InputError: none of its rows can be used, the index is damaged, or the library changed meanwhile.
        OutputError: the folder holds other files, another process writes it, or it cannot be written.
        DiskFullError: no space is left; what is there stays.
    """
    scorer = CompoundScorer(target)
    if isinstance(library, LibraryIndex):
        library.check_serves(scorer.recipe)
    job = {
        "version": _VERSION,
        "target": target_digest(target),
        "library": _identity(library, columns),
        "fingerprint": list(scorer.fingerprint),
        "libraries": list(scorer.recipe.encoder.libraries()),
        "rows": ROWS,
    }
    with only_run(folder):
        state = _begun(folder, job)
        if state.record["complete"]:
            return state
        for compounds, chunk in _scored(scorer, library, state, columns, processes):
            state.add(compounds, chunk)
            if progress is not None:
                progress(state.rows)
        source = library if isinstance(library, Path) else library.path
        if not len(state):
            raise InputError(f"{source}: none of its {state.rows:,} rows can be scored.")
        if _identity(library, columns) != job["library"]:
            raise InputError(f"{source}: has changed while it was scored. Do the same again.")
        state.record["complete"] = True
        state.write()
        return state


def _begun(folder: Path, job: Mapping[str, Any]) -> LibraryState:
    """What is in the folder for this job, or a new state."""
    stored = _read(folder)
    if stored is not None and {key: stored.get(key) for key in job} == job:
        return LibraryState(folder, stored, resumed=sum(part["rows"] for part in stored["parts"]))
    remove_unfinished(folder / _NAME)
    if stored is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: is there already and holds something else. Choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror}).") from None
    state = LibraryState(folder, {**job, "parts": [], "refused": {}, "complete": False})
    state.write()
    for part in [] if stored is None else stored["parts"]:  # no record names them any more
        (folder / part["file"]).unlink(missing_ok=True)
    return state


def _read(folder: Path) -> dict[str, Any] | None:
    if not (folder / _NAME).is_file():
        return None
    try:
        record: dict[str, Any] = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        if not {"version", "parts", "refused", "complete"} <= record.keys():
            raise ValueError("entries are missing")
        for part in record["parts"]:
            _check_part(part, is_current=record["version"] == _VERSION)
        return record
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"{folder}: this is not a scored library, or it is damaged ({error}). Remove the folder; it is "
            "made again."
        ) from None


def _check_part(part: Mapping[str, Any], *, is_current: bool) -> None:
    """Refuse what is no entry of a part; of one of another version only the file is read.

    Raises:
        ValueError: something is missing, of another type, or no file of the folder.
    """
    for name, kind in _OF_PARTS.items():
        if type(part.get(name)) is not kind and (is_current or name == "file"):
            raise ValueError(f"a part without {name}")
    if Path(part["file"]).name != part["file"]:
        raise ValueError(f"a part in another folder, {part['file']!r}")


def _identity(library: Path | LibraryIndex, columns: Mapping[str, str] | None) -> str:
    """The sha256 that tells a library from another, or from what it was before."""
    if isinstance(library, LibraryIndex):
        told: Any = library.record
    else:
        about = library.stat()
        told = [library.name, about.st_size, about.st_mtime_ns, dict(columns or {})]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _scored(
    scorer: CompoundScorer,
    library: Path | LibraryIndex,
    state: LibraryState,
    columns: Mapping[str, str] | None,
    processes: int,
) -> Iterator[tuple[ScoredCompounds, Chunk]]:
    """What is still to be done of a library, chunk by chunk."""
    if isinstance(library, LibraryIndex):
        readers = _with_starts(library, state.rows)
        yield from in_threads(functools.partial(_read_chunk, scorer), readers, processes)
        return
    seen = SeenStructures()
    for block in state.blocks():
        seen.add(block.smiles, block.rows.tolist())
    start = state.rows
    with Workers(processes) as workers:
        for given in prepared_chunks(library, scorer.recipe, workers, rows=ROWS, skip=start, columns=columns):
            chunk = given.without_copies(seen, start)
            yield scorer.of_chunk(chunk, start), chunk
            start += chunk.rows


def _with_starts(index: LibraryIndex, skip: int) -> Iterator[tuple[Callable[[], Chunk], int]]:
    """What reads each chunk of an index, and the row that it begins with."""
    start = skip
    chunks = iter(entry["rows"] for entry in index.record["chunks"])
    done = 0
    while done < skip:
        done += next(chunks)
    for read, rows in zip(index.readers(skip=skip), chunks, strict=True):
        yield read, start
        start += rows


def _read_chunk(
    scorer: CompoundScorer, item: tuple[Callable[[], Chunk], int]
) -> tuple[ScoredCompounds, Chunk]:
    read, start = item
    chunk = read()
    return scorer.of_chunk(chunk, start), chunk
