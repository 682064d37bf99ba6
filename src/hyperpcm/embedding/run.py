"""From a file of compounds or proteins to vectors in the store, and in a file if one is asked for."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.vector_output import VectorWriter
from hyperpcm.embedding.rows import Rows, read_rows
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.batches import EncodedBatch
from hyperpcm.encoders.parallel import Workers
from hyperpcm.encoders.store import EmbeddingStore
from hyperpcm.errors import InputError, Rejection

__all__ = ["Embedded", "embed_file"]


@dataclasses.dataclass(frozen=True, slots=True)
class Embedded:
    """What became of a file.

    Attributes:
        rows: rows of the file.
        embedded: rows that have a vector; the others were refused.
        computed: vectors that were computed, of each encoder.
        found: vectors that were in the store, of each encoder.
    """

    rows: int
    embedded: int
    computed: int
    found: int


def embed_file(
    path: Path,
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    out: Path | None = None,
    columns: Mapping[str, str] | None = None,
    processes: int = 1,
    overwrite: bool = False,
    refused: Callable[[list[Rejection]], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Embedded:
    """Embed every row of a file; the store keeps the vectors, so that an interrupted run goes on from there.

    The file is read, computed and written in batches of about a thousand rows, and few of them are in memory
    at a time. Compounds are standardised, as training and scoring do. A row that cannot be used keeps its
    place in `out`, without a vector.

    Args:
        path: compounds or proteins, as the encoder reads them.
        encoder: which embedding.
        store: takes the vectors.
        out: a ``.parquet`` or ``.npy`` file for them, in the order of the rows; see `VectorWriter`.
        columns: of a table, the columns of roles where names do not tell.
        processes: how many standardise and compute.
        overwrite: whether `out` may be replaced.
        refused: is called with rows that cannot be used, in their order, as they are met.
        progress: is called with the number of rows done.

    Raises:
        TableError: the file cannot be read or holds no row.
        InputError: none of its rows can be used; there is no `out` then.
        OutputError: `out` may not be written.
        DiskFullError: no space is left; what is stored stays.
        ProcessLostError: one of several processes was killed.
    """
    computed, found = store.tally.computed, store.tally.found
    rows = embedded = 0
    with contextlib.ExitStack() as stack:
        writer = None
        if out is not None:
            about = {"encoder": json.dumps(encoder.spec())}
            writer = VectorWriter(out, encoder.width, about=about, overwrite=overwrite, inputs=[path])
            stack.enter_context(writer)
        workers = stack.enter_context(Workers(processes))
        for batch, vectors, rejections in _encoded(path, encoder, store, workers, columns):
            rows += len(batch.names)
            embedded += len(batch.names) - len(rejections)
            if refused is not None and rejections:
                refused(rejections)
            if writer is not None:
                writer.write(batch.names, batch.texts, vectors)
            if progress is not None:
                progress(rows)
        if not embedded:
            raise InputError(f"{path}: none of its {rows:,} rows can be embedded.")
    return Embedded(rows, embedded, store.tally.computed - computed, store.tally.found - found)


def _encoded(
    path: Path,
    encoder: Encoder,
    store: EmbeddingStore,
    workers: Workers,
    columns: Mapping[str, str] | None,
) -> Iterator[tuple[Rows, npt.NDArray[np.float32], list[Rejection]]]:
    """Each batch of rows with a vector for every one of them, NaN for those refused, and the refusals."""
    waiting: deque[Rows] = deque()

    def texts(batches: Iterable[Rows]) -> Iterator[list[str]]:
        for batch in batches:
            waiting.append(batch)
            yield [text for text in batch.texts if text is not None]

    read = read_rows(path, encoder.side, workers, columns=columns)
    for made in store.encode_batches(encoder, texts(read), workers=workers):
        yield _aligned(waiting.popleft(), made, encoder.width)


def _aligned(
    batch: Rows, made: EncodedBatch, width: int
) -> tuple[Rows, npt.NDArray[np.float32], list[Rejection]]:
    usable = [row for row, text in enumerate(batch.texts) if text is not None]
    if len(usable) == len(batch.texts) and not made.refused:
        return batch, made.vectors, batch.rejections
    vectors = np.full((len(batch.texts), width), np.nan, dtype=np.float32)
    vectors[usable] = made.vectors
    rejections, texts = list(batch.rejections), list(batch.texts)
    for place, error in made.refused.items():
        row = usable[place]
        rejections.append(Rejection(batch.start + row, (texts[row] or "")[:200], error.code, error.reason))
        texts[row] = None
    rejections.sort(key=lambda one: one.row)
    return dataclasses.replace(batch, texts=texts), vectors, rejections
