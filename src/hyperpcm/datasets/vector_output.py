"""Writing embeddings as they come: a Parquet table of texts and vectors, or a NumPy array."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.output_files import atomic_file, check_output, finish
from hyperpcm.errors import OutputError

__all__ = ["VectorWriter"]

_GROUP_BYTES: Final = 32 << 20
"""Vectors of one row group of a Parquet file: what a reader has to hold at once."""

_Texts = Sequence[str | None]


class _Sink(Protocol):
    def write(self, names: Sequence[str], texts: _Texts, vectors: npt.NDArray[np.float32]) -> None: ...

    def close(self) -> None: ...


class _ParquetSink:
    """Columns ``id``, ``text`` and ``embedding``; row groups of about 32 MB, page checksums."""

    def __init__(self, stream: BinaryIO, width: int, about: dict[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._width = width
        self._schema = pa.schema(
            [
                ("id", pa.string()),
                ("text", pa.string()),
                ("embedding", pa.list_(pa.float32(), width)),
            ],
            metadata={f"hyperpcm.{name}": value for name, value in about.items()},
        )
        self._writer = pq.ParquetWriter(
            stream,
            self._schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )
        self._waiting: list[Any] = []
        self._rows, self._group = 0, max(1, _GROUP_BYTES // (4 * width))

    def write(self, names: Sequence[str], texts: _Texts, vectors: npt.NDArray[np.float32]) -> None:
        import pyarrow as pa

        missing = np.fromiter((text is None for text in texts), dtype=bool, count=len(texts))
        values = pa.array(np.ascontiguousarray(vectors).reshape(-1))
        column = pa.FixedSizeListArray.from_arrays(values, self._width, mask=pa.array(missing))
        table = pa.Table.from_arrays(
            [pa.array(names, pa.string()), pa.array(texts, pa.string()), column], schema=self._schema
        )
        self._waiting.append(table)
        self._rows += len(names)
        if self._rows >= self._group:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=self._rows)
            self._waiting, self._rows = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


class _ArraySink:
    """The vectors alone, one row for each row of the input; the number of rows is set at the end."""

    def __init__(self, stream: BinaryIO, width: int) -> None:
        self._stream, self._width, self._rows = stream, width, 0
        self._head = self._header()

    def _header(self) -> int:
        # NumPy leaves room in the header for the first number to grow, so that it can be written again.
        shape = {"descr": "<f4", "fortran_order": False, "shape": (self._rows, self._width)}
        self._stream.seek(0)
        np.lib.format.write_array_header_1_0(self._stream, shape)
        return self._stream.tell()

    def write(self, names: Sequence[str], texts: _Texts, vectors: npt.NDArray[np.float32]) -> None:
        del names, texts  # an array has no place for them
        self._stream.write(np.ascontiguousarray(vectors, dtype="<f4").data)
        self._rows += len(vectors)

    def close(self) -> None:
        if self._header() != self._head:
            raise RuntimeError("the header of a NumPy array changed its length as rows were added")
        self._stream.seek(0, 2)


class VectorWriter:
    """Writes embeddings batch by batch; the file appears at its path when the ``with`` block ends well.

    The ending of the name says the format. ``.parquet``: columns ``id``, ``text`` and ``embedding``, a list
    of float32 of fixed size; a row without a vector has null for text and embedding. ``.npy``: an array
    float32 [rows, width]; a row without a vector is NaN.

    Args:
        path: where the file goes.
        width: length of each vector.
        about: is noted in the Parquet file, under names that begin with ``hyperpcm.``.
        overwrite: whether a file that is there may be replaced.
        inputs: files that are being read, and must not be replaced even then.

    Raises:
        OutputError: as `check_output`; an unknown ending.
        DiskFullError: no space is left; nothing half-written carries the name.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        *,
        about: dict[str, str] | None = None,
        overwrite: bool = False,
        inputs: Iterable[Path] = (),
    ) -> None:
        self.path, self.width, self._about, self._overwrite = Path(path), width, about or {}, overwrite
        check_output(self.path, overwrite=overwrite, inputs=inputs)
        if not self.path.name.lower().endswith((".parquet", ".npy")):
            raise OutputError(f"{self.path}: the name must end in .parquet or .npy.")
        self._open = contextlib.ExitStack()
        self._sink: _Sink | None = None

    def __enter__(self) -> Self:
        """Open the file beside its final place."""
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(atomic_file(self.path, overwrite=self._overwrite))
            if self.path.name.lower().endswith(".npy"):
                self._sink = _ArraySink(stream, self.width)
            else:
                self._sink = _ParquetSink(stream, self.width, self._about)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file and give it its name, or remove it."""
        sink, self._sink = self._sink, None
        finish(self._open, sink, error)

    def write(self, names: Sequence[str], texts: _Texts, vectors: npt.NDArray[np.float32]) -> None:
        """Add rows.

        Args:
            names: of each row.
            texts: what was encoded; ``None`` where there is no vector.
            vectors: float32 [n, width]; NaN where there is none.
        """
        if self._sink is None:
            raise OutputError(f"{self.path}: the file is not open; write within its 'with' block.")
        if not len(names) == len(texts) == len(vectors):
            raise OutputError(
                f"{self.path}: {len(names)} names, {len(texts)} texts and {len(vectors)} vectors."
            )
        self._sink.write(names, texts, vectors)
