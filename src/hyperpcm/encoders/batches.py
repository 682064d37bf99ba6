"""Batches of vectors on their way: looked up, computed where they are missing, and stored."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder
from hyperpcm.encoders.database import Blob, Database
from hyperpcm.encoders.parallel import Workers
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import InvalidSequenceError, InvalidSmilesError

__all__ = ["BatchEncoding", "EncodedBatch", "Refusal", "Tally"]

CHUNK: Final = 256
"""Items of one task."""

Refusal = InvalidSmilesError | InvalidSequenceError
"""Why an encoder does not take an item."""


@dataclasses.dataclass(frozen=True, eq=False)
class EncodedBatch:
    """Vectors of one batch.

    Attributes:
        vectors: float32 [n, width], in the order of the items; NaN where the item was refused.
        refused: the reason of each item that the encoder does not take, by its position in the batch.
    """

    vectors: npt.NDArray[np.float32]
    refused: Mapping[int, Refusal]


@dataclasses.dataclass
class Tally:
    """Vectors that were read, computed, and among the latter those that were read damaged."""

    found: int = 0
    computed: int = 0
    repaired: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class _Lookup:
    """One part's vectors of a batch: what was stored, and the chunks under way of what was not."""

    vectors: npt.NDArray[np.float32]
    chunks: list[tuple[list[int], Callable[[], _Chunk]]]


@dataclasses.dataclass(frozen=True, eq=False)
class _Chunk:
    """What a task gives back: vectors as they are, or the flat places of what is not zero and the values.

    Attributes:
        vectors: float32 [n, width]; None where they are mostly zeros.
        places: uint32 [k], then.
        values: float32 [k], then.
        refused: reasons by position in the chunk.
        blobs: what is to be stored, by digest of the item.
    """

    vectors: npt.NDArray[np.float32] | None
    places: npt.NDArray[np.uint32] | None
    values: npt.NDArray[np.float32] | None
    refused: dict[int, Refusal]
    blobs: dict[bytes, Blob]

    def unpacked(self, rows: int, width: int) -> npt.NDArray[np.float32]:
        """The vectors, float32 [n, width]."""
        if self.vectors is not None:
            return self.vectors
        full = np.zeros(rows * width, dtype=np.float32)
        full[self.places] = self.values
        return full.reshape(rows, width)


class BatchEncoding:
    """Gives the vectors of batches in their order; with several processes, later ones are begun meanwhile.

    Args:
        database: where vectors are looked up and stored; only this process writes to it.
        encoder: which embedding; the parts of a joined one are kept apart.
        workers: who computes.
        tally: is counted up.
    """

    def __init__(self, database: Database, encoder: Encoder, workers: Workers, tally: Tally) -> None:
        self._database, self._encoder, self._workers, self._tally = database, encoder, workers, tally
        parts = encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)
        self._parts = [(part, part.cache_key(), _portable(part)) for part in parts]

    def run(self, batches: Iterable[tuple[Sequence[str], list[int] | None]]) -> Iterator[EncodedBatch]:
        """Encode batches of different items, each with the numbers that reasons call them by, if any."""
        waiting: deque[list[_Lookup]] = deque()
        for items, numbers in batches:
            waiting.append([self._begun(*part, items, numbers) for part in self._parts])
            while waiting and self._enough(waiting):
                yield self._finished(waiting.popleft())
        while waiting:
            yield self._finished(waiting.popleft())

    def _enough(self, waiting: deque[list[_Lookup]]) -> bool:
        """Whether the first batch needs no waiting, or those after it keep all workers busy."""
        tasks = [sum(len(lookup.chunks) for lookup in lookups) for lookups in waiting]
        return tasks[0] == 0 or sum(tasks[1:]) >= self._workers.ahead or len(tasks) > self._workers.ahead

    def _begun(
        self,
        part: Encoder,
        key: str,
        portable: Encoder | str,
        items: Sequence[str],
        numbers: list[int] | None,
    ) -> _Lookup:
        """Read what is stored, and begin to compute the rest."""
        digests = [_digest(item) for item in items]
        blobs = self._database.read(key, digests)
        vectors = np.empty((len(items), part.width), dtype=np.float32)
        missing = []
        for row, digest in enumerate(digests):
            vector = blobs[digest].vector(key, digest, part.width) if digest in blobs else None
            if vector is None:
                self._tally.repaired += digest in blobs
                missing.append(row)
            else:
                vectors[row] = vector
        self._tally.found += len(items) - len(missing)
        chunks = []
        for start in range(0, len(missing), CHUNK):
            rows = missing[start : start + CHUNK]
            texts = [items[row] for row in rows]
            names = None if numbers is None else [numbers[row] for row in rows]
            chunks.append((rows, self._workers.submit(_encode_chunk, portable, key, texts, names)))
        return _Lookup(vectors, chunks)

    def _finished(self, lookups: list[_Lookup]) -> EncodedBatch:
        """Wait for what is computed, store it, and put the parts side by side."""
        refused: dict[int, Refusal] = {}
        for (part, _, _), lookup in zip(self._parts, lookups, strict=True):
            fresh: dict[bytes, Blob] = {}
            for rows, result in lookup.chunks:
                chunk = result()
                lookup.vectors[rows] = chunk.unpacked(len(rows), part.width)
                refused.update({rows[place]: reason for place, reason in chunk.refused.items()})
                self._tally.computed += len(rows) - len(chunk.refused)
                fresh.update(chunk.blobs)
            if fresh:
                self._database.write(part, fresh)
        made = [lookup.vectors for lookup in lookups]
        vectors = made[0] if len(made) == 1 else np.concatenate(made, axis=1)
        if refused:
            vectors[list(refused)] = np.nan
        return EncodedBatch(vectors, refused)


def _portable(encoder: Encoder) -> Encoder | str:
    """What a worker makes the encoder from: its spec as JSON, so that it keeps loaded weights; or itself."""
    entry = ENCODERS.get(encoder.name)
    if entry is not None and type(encoder).__name__ == entry.class_name:
        return json.dumps(encoder.spec())
    return encoder


@functools.lru_cache(maxsize=8)
def _built(spec: str) -> Encoder:
    return build_encoder(json.loads(spec))


def _encode_chunk(portable: Encoder | str, key: str, items: list[str], numbers: list[int] | None) -> _Chunk:
    """Encode some different items and pack what is to be stored; runs in a worker."""
    encoder = _built(portable) if isinstance(portable, str) else portable
    try:
        vectors, refused = encoder.encode(items, numbers=numbers), dict[int, Refusal]()
    except (InvalidSmilesError, InvalidSequenceError):
        vectors, refused = _one_by_one(encoder, items, numbers)
    blobs = {}
    for place, item in enumerate(items):
        if place not in refused:
            digest = _digest(item)
            blobs[digest] = Blob.of(vectors[place], key, digest, compress=encoder.sparse)
    if not encoder.sparse:
        return _Chunk(vectors, None, None, refused, blobs)
    flat = vectors.reshape(-1)
    places = np.flatnonzero(flat.view(np.uint32)).astype(np.uint32)  # by bits: a negative zero stays one
    return _Chunk(None, places, flat[places], refused, blobs)


def _one_by_one(
    encoder: Encoder, items: list[str], numbers: list[int] | None
) -> tuple[npt.NDArray[np.float32], dict[int, Refusal]]:
    """The vectors of the items that are taken, NaN for the others, and why not."""
    vectors, refused = np.full((len(items), encoder.width), np.nan, dtype=np.float32), dict[int, Refusal]()
    for place, item in enumerate(items):
        try:
            vectors[place] = encoder.encode([item], numbers=[place if numbers is None else numbers[place]])[0]
        except (InvalidSmilesError, InvalidSequenceError) as error:
            plain = error.__cause__ if numbers is None else None  # what the encoder said, without a number
            refused[place] = plain if isinstance(plain, Refusal) else error
    return vectors, refused


def _digest(item: str) -> bytes:
    return hashlib.sha256(item.encode("utf-8", "surrogatepass")).digest()
