"""The embedding store: vectors that were computed once are not computed again.

A vector is filed under the encoder (its cache key) and the content of the item (sha256 of its text), never
under a row number or a name, so one store serves every data set and every run. It is a cache: whatever is
wrong with it, it is repaired or done without, and the vectors returned are those the encoder gives. Only a
full disk is an error.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder, check_items
from hyperpcm.encoders.batches import BatchEncoding, EncodedBatch, Tally
from hyperpcm.encoders.database import Database, Holding
from hyperpcm.encoders.kept_arrays import KeptArrays
from hyperpcm.encoders.parallel import Workers
from hyperpcm.encoders.store_files import arrays_folder
from hyperpcm.public_files.folder import data_folder

__all__ = ["EmbeddingStore", "StoreInfo", "usual_store"]

logger = logging.getLogger(__name__)

BATCH: Final = 1024
"""Items looked up, computed and written at a time: memory beside the output is bounded by this."""


def usual_store() -> Path:
    """The file that the program uses where it is told no other: in the data folder."""
    return data_folder() / "embeddings" / "embeddings.sqlite"


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

    Attributes:
        tally: what was read and computed since the store was opened.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        file = None if path is None else Path(path)
        with suppress(OSError):  # a folder that may not be entered is found out when it is opened
            if file is not None and file.is_dir():
                file = file / "embeddings.sqlite"
        self._database = Database(file)
        self._arrays: KeptArrays | None = None
        self.tally = Tally()

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
            self._arrays = KeptArrays(None if path is None else arrays_folder(path))
        return self._arrays

    def close(self) -> None:
        """Close the file; what was in memory is lost. Afterwards every vector is computed."""
        self._database.close()

    def encode(
        self,
        encoder: Encoder,
        items: Sequence[str],
        progress: Callable[[int], None] | None = None,
        *,
        processes: int = 1,
    ) -> npt.NDArray[np.float32]:
        """Give what ``encoder.encode(items)`` gives, computing only what is not stored yet.

        Repeated items are computed once. New vectors are written in batches, so an interrupted call has
        lost a few batches at most. Encoders that are joined are kept apart, so that a part is found whatever
        it is joined with.

        Args:
            encoder: which embedding.
            items: SMILES or sequences, as the encoder reads them.
            progress: is called with the number of different items done so far, after every batch.
            processes: how many compute; see `hyperpcm.encoders.parallel.Workers`. The vectors are the same.

        Returns:
            float32 [n, width] in the order of the items.

        Raises:
            InputError: an item that the encoder refuses; earlier batches stay stored.
            DiskFullError: no space is left for new vectors.
            ProcessLostError: one of several processes was killed.

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
        cuts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        batches = (([items[row] for row in cut], cut.tolist()) for cut in cuts)
        done = 0
        with Workers(processes) as workers:
            encoding = BatchEncoding(self._database, encoder, workers, self.tally)
            for cut, batch in zip(cuts, encoding.run(batches), strict=True):
                if batch.refused:
                    raise batch.refused[min(batch.refused)]
                output[cut] = batch.vectors
                done += len(cut)
                if progress is not None:
                    progress(done)
        if len(rows) < len(items):
            for row, item in enumerate(items):
                if first[item] != row:
                    output[row] = output[first[item]]
        return output

    def encode_batches(
        self, encoder: Encoder, batches: Iterable[Sequence[str]], *, workers: Workers | None = None
    ) -> Iterator[EncodedBatch]:
        """Encode a stream of batches, in its order, holding only those that are under way.

        An item that the encoder refuses does not stop the stream: its vector is NaN, and its reason is given.

        Args:
            encoder: which embedding.
            batches: about a thousand SMILES or sequences each; items may repeat.
            workers: who computes; by default this process.

        Raises:
            InputError: an item that is blank or holds white space.
            DiskFullError: no space is left for new vectors; earlier batches stay stored.
            ProcessLostError: one of several processes was killed.
        """
        orders: deque[list[int]] = deque()

        def different() -> Iterator[tuple[list[str], None]]:
            for batch in batches:
                check_items(batch)
                places = {item: place for place, item in enumerate(dict.fromkeys(batch))}
                orders.append([places[item] for item in batch])
                yield list(places), None

        encoding = BatchEncoding(self._database, encoder, workers or Workers(), self.tally)
        for batch in encoding.run(different()):
            order = orders.popleft()
            refused = {row: batch.refused[place] for row, place in enumerate(order) if place in batch.refused}
            repeats = len(order) > len(batch.vectors)
            yield EncodedBatch(batch.vectors[order] if repeats else batch.vectors, refused)

    def info(self) -> StoreInfo:
        """Count what is stored, by encoder; reads through the index of the whole file."""
        return StoreInfo(
            path=self._database.path,
            file_bytes=self._database.file_bytes(),
            holdings=self._database.holdings(),
            found=self.tally.found,
            computed=self.tally.computed,
            repaired=self.tally.repaired,
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
