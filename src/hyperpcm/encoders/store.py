"""The embedding store: vectors that were computed once are not computed again.

A vector is filed under the encoder (its cache key) and the content of the item (sha256 of its text), never
under a row number or a name, so one store serves every data set and every run. It is a cache: whatever is
wrong with it, it is repaired or done without, and the vectors returned are those the encoder gives. Only a
full disk is an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder, check_items
from hyperpcm.encoders.database import Blob, Database, Holding
from hyperpcm.encoders.kept_arrays import KeptArrays

__all__ = ["EmbeddingStore", "StoreInfo"]

logger = logging.getLogger(__name__)

BATCH: Final = 1024
"""Items looked up, computed and written at a time: memory beside the output is bounded by this."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds and what it did since it was opened.

    Attributes:
        path: the file; None when the store is in memory.
        file_bytes: size of the file and its write-ahead log; 0 in memory.
        holdings: rows and bytes of each encoder, largest first.
        found: vectors that were read.
        computed: vectors that were computed.
        repaired: vectors that were read damaged and hence computed again; they are among `computed`.
    """

    path: Path | None
    file_bytes: int
    holdings: tuple[Holding, ...]
    found: int
    computed: int
    repaired: int


class EmbeddingStore:
    """A content-addressed cache of embeddings, on disk or in memory.

    Safe for several processes and threads at once, and for processes that are killed. The folder is made
    if need be. If the file cannot be used (a read-only folder, a network file system), a warning is logged
    and every vector is computed; a damaged file or one of another program or version is moved aside, with
    a warning, and begun anew.

    Args:
        path: the SQLite file, or an existing folder that holds or is to hold ``embeddings.sqlite``; None
            keeps the vectors in memory until the store is closed.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        file = None if path is None else Path(path)
        with suppress(OSError):  # a folder that may not be entered is found out when it is opened
            if file is not None and file.is_dir():
                file = file / "embeddings.sqlite"
        self._database = Database(file)
        self._arrays: KeptArrays | None = None
        self._found = self._computed = self._repaired = 0

    def __enter__(self) -> EmbeddingStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def path(self) -> Path | None:
        """The file in use; None when the store is in memory or its file cannot be used."""
        return self._database.path

    @property
    def arrays(self) -> KeptArrays:
        """Whole arrays: in the folder ``<file>-arrays`` beside the file in use, else in memory."""
        if self._arrays is None:
            path = self.path
            self._arrays = KeptArrays(None if path is None else path.with_name(f"{path.name}-arrays"))
        return self._arrays

    def close(self) -> None:
        """Close the file; what was in memory is lost. Afterwards every vector is computed."""
        self._database.close()

    def encode(
        self, encoder: Encoder, items: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> npt.NDArray[np.float32]:
        """Give what ``encoder.encode(items)`` gives, computing only what is not stored yet.

        Repeated items are computed once. New vectors are written in batches, so an interrupted call has
        lost one batch at most. Encoders that are joined are kept apart, so that a part is found whatever it
        is joined with.

        Args:
            encoder: which embedding.
            items: SMILES or sequences, as the encoder reads them.
            progress: is called with the number of different items done so far, after every batch.

        Returns:
            float32 [n, width] in the order of the items.

        Raises:
            InputError: an item that the encoder refuses; earlier batches stay stored.
            DiskFullError: no space is left for new vectors.

        Example:
            >>> from hyperpcm.encoders import EmbeddingStore, target_encoder
            >>> with EmbeddingStore() as store:
            ...     vectors = store.encode(target_encoder("composition"), ["MKTAYIAKQR", "MKTAYIAKQR"])
            ...     vectors.shape, store.info().computed
            ((2, 429), 1)
        """
        check_items(items)
        first: dict[str, int] = {}
        for row, item in enumerate(items):
            first.setdefault(item, row)
        rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))
        output = np.empty((len(items), encoder.width), dtype=np.float32)
        parts = encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)
        keys = [part.cache_key() for part in parts]
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            left = 0
            for part, key in zip(parts, keys, strict=True):
                vectors = self._encode_batch(part, key, [items[row] for row in batch], batch)
                output[batch, left : left + part.width] = vectors
                left += part.width
            if progress is not None:
                progress(start + len(batch))
        if len(rows) < len(items):
            for row, item in enumerate(items):
                if first[item] != row:
                    output[row] = output[first[item]]
        return output

    def _encode_batch(
        self, encoder: Encoder, cache_key: str, items: list[str], rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Read, compute and write one batch of different items: float32 [n, width]."""
        digests = [hashlib.sha256(item.encode("utf-8", "surrogatepass")).digest() for item in items]
        blobs = self._database.read(cache_key, digests)
        vectors = np.empty((len(items), encoder.width), dtype=np.float32)
        missing = []
        for row, digest in enumerate(digests):
            vector = None
            if digest in blobs:
                vector = blobs[digest].vector(cache_key, digest, encoder.width)
                self._repaired += vector is None
            if vector is None:
                missing.append(row)
            else:
                vectors[row] = vector
        self._found += len(items) - len(missing)
        if missing:
            vectors[missing] = encoder.encode(
                [items[row] for row in missing], numbers=[int(rows[row]) for row in missing]
            )
            self._computed += len(missing)
            fresh = {
                digests[row]: Blob.of(vectors[row], cache_key, digests[row], compress=encoder.sparse)
                for row in missing
            }
            self._database.write(encoder, fresh)
        return vectors

    def info(self) -> StoreInfo:
        """Count what is stored, by encoder; reads through the index of the whole file."""
        return StoreInfo(
            path=self._database.path,
            file_bytes=self._database.file_bytes(),
            holdings=self._database.holdings(),
            found=self._found,
            computed=self._computed,
            repaired=self._repaired,
        )

    def prune(self, keep: Iterable[Encoder] = ()) -> int:
        """Remove the vectors of all encoders but these, and give the space back to the disk.

        Args:
            keep: encoders whose vectors stay; none empties the store. Vectors that one of them made with
                another version of its libraries go too.

        Returns:
            Number of vectors removed.
        """
        removed = self._database.remove_all_but([encoder.cache_key() for encoder in keep])
        logger.info("%d stored embeddings removed", removed)
        return removed
