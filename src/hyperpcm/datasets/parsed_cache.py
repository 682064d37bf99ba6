"""Keep a parsed table beside its raw files, so that standardising a large set is paid for once.

One file: the sha256 of the rest, then an ``.npz`` archive of arrays as they are and of texts as UTF-8 JSON in
a byte array; no pickle. Its key enters the file name, so another raw file, reader, standardisation or RDKit
version never meets an old table, and nothing of a damaged file is looked at.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.errors import Rejection

__all__ = ["cache_key", "parsed_once", "source_digest", "verified_content"]

logger = logging.getLogger(__name__)

_FORMAT = "parsed-2"
_DIGEST_BYTES = hashlib.sha256().digest_size
_CODE = (
    "hyperpcm.chem.reading",
    "hyperpcm.chem.standardisation",
    "hyperpcm.protein.sequence",
    "hyperpcm.datasets.assembly",
)

_ARRAYS = ("compound_index", "target_index", "values", "relations")
_TEXTS = ("compounds", "targets", "compound_names", "target_names", "notes")


def cache_key(name: str, reader: str, sha256: Sequence[str]) -> str:
    """Hex key of the table that the module ``reader`` makes of raw files with these hashes.

    It holds the source text of the reader and of the standardisation: a change to either makes a new table.
    """
    code = [source_digest(module) for module in (*_CODE, reader)]
    parts = [_FORMAT, name, importlib.metadata.version("rdkit"), *code, *sha256]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def source_digest(module: str) -> str:
    """Sha256 (hex) of the source text of a module."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module} has no file.")
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()


def parsed_once(folder: Path, key: str, read: Callable[[], Interactions]) -> Interactions:
    """What ``read`` gives, kept in ``folder`` under ``key`` and taken from there the next time.

    A damaged file is rebuilt. Where the folder cannot be written, a warning is logged and the table is given
    all the same.
    """
    path = folder / f"parsed-{key}.table"
    found = _load(path)
    if found is not None:
        return found
    table = read()
    try:
        _save(table, path)
    except OSError as error:
        logger.warning("%s cannot be written (%s); the table will be parsed again next time.", path, error)
    return table


def _save(table: Interactions, path: Path) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {field: getattr(table, field) for field in _ARRAYS}
    if table.year is not None:
        arrays["year"] = table.year
    if table.binned is not None:
        arrays["binned"] = table.binned
    folds = list(table.folds)
    arrays |= {f"fold_{place}": table.folds[name] for place, name in enumerate(folds)}
    texts = {field: getattr(table, field) for field in _TEXTS} | {
        "name": table.name,
        "quantity": dataclasses.asdict(table.quantity),
        "folds": folds,
        "rejections": [dataclasses.astuple(rejection) for rejection in table.rejections],
    }
    arrays["texts"] = np.frombuffer(json.dumps(texts, ensure_ascii=False).encode(), dtype=np.uint8)
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)  # type: ignore[arg-type]  # the stub takes the names for options
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with partial.open("xb") as file:
            file.write(hashlib.sha256(archive.getbuffer()).digest())
            file.write(archive.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def verified_content(path: Path) -> bytes | None:
    """What follows the digest in a kept file; ``None`` if there is none, or if it is not what was kept."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        logger.warning("%s cannot be read (%s) and is made again.", path, error)
        return None
    digest, kept = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(kept).digest() != digest:
        logger.warning("%s is damaged and is made again.", path)
        return None
    return kept


def _load(path: Path) -> Interactions | None:
    archive = verified_content(path)
    if archive is None:
        return None
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        return _rebuilt(dict(arrays))


def _rebuilt(arrays: dict[str, npt.NDArray[Any]]) -> Interactions:
    texts = json.loads(arrays["texts"].tobytes().decode())
    return Interactions(
        name=texts["name"],
        quantity=Quantity(**texts["quantity"]),
        compounds=tuple(texts["compounds"]),
        targets=tuple(texts["targets"]),
        compound_names=tuple(texts["compound_names"]),
        target_names=tuple(texts["target_names"]),
        notes=tuple(texts["notes"]),
        compound_index=arrays["compound_index"],
        target_index=arrays["target_index"],
        values=arrays["values"],
        relations=arrays["relations"],
        year=arrays.get("year"),
        binned=arrays.get("binned"),
        folds={name: arrays[f"fold_{place}"] for place, name in enumerate(texts["folds"])},
        rejections=tuple(Rejection(*fields) for fields in texts["rejections"]),
    )
