"""Writing tables of results: whole or not at all, and harmless when a spreadsheet opens them.

A text that a spreadsheet would run as a formula is written to CSV and TSV with an apostrophe before it, which
the reader of this package takes off again; numbers are never touched. Parquet keeps every text as it is and
carries page checksums, so that damage is found when it is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.output_files import atomic_file, check_output, finish
from hyperpcm.datasets.table import FORMULA_START
from hyperpcm.errors import OutputError

__all__ = ["TableWriter", "check_output", "write_table"]

Column = Sequence[object] | npt.NDArray[Any]
_KINDS = (bool, int, float, str)
_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # what UTF-8 or text readers do not hold


@dataclasses.dataclass
class _Delimited:
    """Writes batches as CSV or TSV."""

    stream: BinaryIO
    names: tuple[str, ...]
    kinds: tuple[type, ...]
    delimiter: str

    def __post_init__(self) -> None:
        self._text = io.TextIOWrapper(self.stream, encoding="utf-8", newline="")
        # The csv module leaves a lone carriage return unquoted, which readers take for a line end.
        self._special = re.compile(f'["\r\n{re.escape(self.delimiter)}]')
        self._write_rows([[_harmless(name) for name in self.names]])

    def write(self, columns: Sequence[Column]) -> None:
        cells = [_cells(column, kind) for column, kind in zip(columns, self.kinds, strict=True)]
        self._write_rows(zip(*cells, strict=True))

    def _write_rows(self, rows: Iterable[Sequence[str]]) -> None:
        special, delimiter = self._special, self.delimiter
        for row in rows:
            cells = ['"' + cell.replace('"', '""') + '"' if special.search(cell) else cell for cell in row]
            self._text.write((delimiter.join(cells) or '""') + "\n")  # an empty line would be no row

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


@dataclasses.dataclass
class _Parquet:
    """Writes batches as row groups with page checksums."""

    stream: BinaryIO
    names: tuple[str, ...]
    kinds: tuple[type, ...]

    def __post_init__(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
        self._schema = pa.schema(
            [(name, types[kind]) for name, kind in zip(self.names, self.kinds, strict=True)]
        )
        self._writer = pq.ParquetWriter(
            self.stream, self._schema, compression="zstd", write_page_checksum=True
        )

    def write(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        arrays = [
            pa.array(_plain(column, kind), type=field.type)
            for column, kind, field in zip(columns, self.kinds, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class TableWriter:
    """Writes a table batch by batch; the file appears at its path when the ``with`` block ends well.

    The ending of the name says the format: ``.csv``, ``.tsv`` (each also ``.gz``) or ``.parquet``. ``None``
    and NaN become empty cells (null in Parquet). Half surrogates and NUL, which no text file holds, are
    written as ``\\udc80`` and ``\\x00``.

    Args:
        path: where the table goes.
        schema: name and kind (``str``, ``float``, ``int`` or ``bool``) of each column.
        overwrite: whether a file that is there may be replaced.
        inputs: files that are being read, and must not be replaced even then.

    Raises:
        OutputError: as `check_output`; an unknown ending; a column without a name or of another kind; on
            `write`, columns that are missing, unequal in length or of another kind than announced.
        DiskFullError: no space is left; nothing half-written carries the name.
    """

    def __init__(
        self, path: Path, schema: Mapping[str, type], *, overwrite: bool = False, inputs: Iterable[Path] = ()
    ) -> None:
        self.path, self.rows = Path(path), 0
        self._names, self._kinds, self._overwrite = tuple(schema), tuple(schema.values()), overwrite
        check_output(self.path, overwrite=overwrite, inputs=inputs)
        if not self.path.name.lower().endswith(_ENDINGS):
            raise OutputError(f"{self.path}: the name must end in one of {', '.join(_ENDINGS)}.")
        if not schema or any(not name.strip() or name != name.strip() for name in schema):
            raise OutputError(f"{self.path}: every column needs a name without white space at its ends.")
        if odd := [name for name, kind in schema.items() if kind not in _KINDS]:
            raise OutputError(f"{self.path}: column {odd[0]!r} is neither of text, numbers nor truth values.")
        self._open = contextlib.ExitStack()
        self._sink: _Delimited | _Parquet | None = None

    def __enter__(self) -> Self:
        """Open the file beside its final place."""
        name = self.path.name.lower()
        with contextlib.ExitStack() as stack:
            stream: Any = stack.enter_context(atomic_file(self.path, overwrite=self._overwrite))
            if name.endswith(".gz"):  # no time stamp: equal tables are equal files
                stream = stack.enter_context(gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0))
            if name.endswith(".parquet"):
                self._sink = _Parquet(stream, self._names, self._kinds)
            else:
                delimiter = "," if name.removesuffix(".gz").endswith(".csv") else "\t"
                self._sink = _Delimited(stream, self._names, self._kinds, delimiter)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file and give it its name, or remove it."""
        sink, self._sink = self._sink, None
        finish(self._open, sink, error)

    def write(self, columns: Mapping[str, Column]) -> None:
        """Add rows: one sequence or array [k] for each column of the schema."""
        if self._sink is None:
            raise OutputError(f"{self.path}: the table is not open; write within its 'with' block.")
        if set(columns) != set(self._names):
            differing = ", ".join(sorted(set(columns) ^ set(self._names)))
            raise OutputError(f"{self.path}: columns missing or not announced: {differing}.")
        lengths = {name: len(columns[name]) for name in self._names}
        if len(set(lengths.values())) > 1:
            raise OutputError(f"{self.path}: columns of unequal length: {lengths}.")
        try:
            self._sink.write([columns[name] for name in self._names])
        except (TypeError, ValueError, OverflowError) as error:
            raise OutputError(
                f"{self.path}: a column holds values of another kind than announced: {error}"
            ) from error
        self.rows += lengths[self._names[0]]


def write_table(
    path: Path, columns: Mapping[str, Column], *, overwrite: bool = False, inputs: Iterable[Path] = ()
) -> None:
    """Write a whole table; see `TableWriter`. The kind of each column is told by its values.

    Raises:
        OutputError: as `TableWriter`; a column of mixed kinds.
        DiskFullError: no space is left.
    """
    schema = {name: _kind_of(column, name, Path(path)) for name, column in columns.items()}
    with TableWriter(path, schema, overwrite=overwrite, inputs=inputs) as writer:
        writer.write(columns)


def _kind_of(column: Column, name: str, path: Path) -> type:
    """The kind of a column: text if it holds no value, float if ints and floats mix."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        return {"b": bool, "f": float}.get(column.dtype.kind, int)
    found = {type(value.item() if isinstance(value, np.generic) else value) for value in column} - {
        type(None)
    }
    if found <= {str}:
        return str
    if found == {int, float}:
        return float
    if len(found) != 1 or not found <= set(_KINDS):
        raise OutputError(
            f"{path}: column {name!r} mixes {', '.join(sorted(kind.__name__ for kind in found))}."
        )
    return found.pop()


def _plain(column: Column, kind: type) -> list[Any]:
    """Python values of one kind; NaN and ``None`` are ``None``."""
    values: list[Any] = column.tolist() if isinstance(column, np.ndarray) else list(column)
    if kind is str:
        return [None if value is None else _encodable(_text(value)) for value in values]
    if kind is float:
        return [None if value is None or value != value else float(value) for value in values]
    if any(value is not None and not isinstance(value, (kind, np.generic)) for value in values):
        raise TypeError(f"{kind.__name__} expected")
    return [None if value is None else kind(value) for value in values]


def _cells(column: Column, kind: type) -> list[str]:
    """Cells of a CSV: harmless text, the shortest number that gives the value back, truth values."""
    if kind is str:
        return ["" if value is None else _harmless(_text(value)) for value in column]
    if kind is float and isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return ["" if value != value else str(value) for value in column]
    plain = _plain(column, kind)
    if kind is bool:
        return [{None: "", True: "true", False: "false"}[value] for value in plain]
    return ["" if value is None else repr(value) for value in plain]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, and found {value!r}")
    return str(value)


def _encodable(text: str) -> str:
    return _NO_TEXT.sub(lambda found: ascii(found[0])[1:-1], text) if _NO_TEXT.search(text) else text


def _harmless(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it as a formula."""
    text = _encodable(text)
    return "'" + text if FORMULA_START.match(text) else text
