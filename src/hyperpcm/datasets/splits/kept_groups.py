"""Groups of similar compounds or targets that take long to find, kept on the disk and verified when read.

Groups depend on the structures or sequences, the options and the code alone, not on folds or seed, so all
folds of all runs share them.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.catalog import data_folder
from hyperpcm.datasets.parsed_cache import source_digest, verified_content

__all__ = ["kept_groups"]

logger = logging.getLogger(__name__)

_FORMAT = "groups-1"
_WORTH_KEEPING_S = 1.0


def kept_groups(
    kind: str,
    texts: Sequence[str],
    make: Callable[[], npt.NDArray[np.integer]],
    *,
    options: Mapping[str, float | bool],
    code: Sequence[str],
    worth_keeping_s: float = _WORTH_KEEPING_S,
) -> npt.NDArray[np.int64]:
    """The group of each text, int64 [n]: kept from before, or made now and kept if that took long.

    Args:
        kind: what the groups are, for the file name.
        texts: structures or sequences [n].
        make: makes the groups [n].
        options: what else they depend on.
        code: modules whose source text they depend on.
        worth_keeping_s: work of fewer seconds is not kept.
    """
    path = data_folder() / "groups" / f"{kind}-{_key(kind, texts, options, code)}.groups"
    kept = _load(path, len(texts))
    if kept is not None:
        return kept
    start = time.monotonic()
    made = np.asarray(make(), dtype=np.int64).reshape(-1)
    if time.monotonic() - start >= worth_keeping_s:
        try:
            _save(made, path)
        except OSError as error:
            logger.warning("%s cannot be written (%s); the groups will be made again.", path, error)
    return made


def _key(kind: str, texts: Sequence[str], options: Mapping[str, float | bool], code: Sequence[str]) -> str:
    digest = hashlib.sha256()
    versions = [importlib.metadata.version(name) for name in ("rdkit", "parasail")]
    header = [_FORMAT, kind, json.dumps(dict(options), sort_keys=True), *versions, *map(source_digest, code)]
    for text in (*header, *texts):
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()[:32]


def _load(path: Path, n: int) -> npt.NDArray[np.int64] | None:
    """The kept groups; None if there are none, or if the file is not byte for byte what was kept."""
    array = verified_content(path)
    if array is None:
        return None
    groups: npt.NDArray[np.int64] = np.load(io.BytesIO(array), allow_pickle=False)
    return groups if groups.shape == (n,) else None


def _save(groups: npt.NDArray[np.int64], path: Path) -> None:
    array = io.BytesIO()
    np.save(array, groups, allow_pickle=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        partial.write_bytes(hashlib.sha256(array.getbuffer()).digest() + array.getvalue())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
