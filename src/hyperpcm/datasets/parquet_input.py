"""Reading columns of a Parquet file as text, one row group at a time, with its page checksums verified."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperpcm.datasets.columns import check_header
from hyperpcm.datasets.input_files import GZIP_MAGIC, ReadLimits, open_bytes
from hyperpcm.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["parquet_column_parts", "read_parquet_columns"]

_BATCH = 65_536
_KNOWN = 100_000  # different texts that are shared between rows
_RATIO_FLOOR = 16 * 2**20


def read_parquet_columns(
    path: Path, *, choose: Callable[[tuple[str, ...]], Collection[str]] | None, limits: ReadLimits
) -> tuple[tuple[str, ...], dict[str, list[str | None]], int]:
    """The names of all columns, the chosen columns as text, and the number of rows of a Parquet file.

    Text, numbers, truth values, dates and dictionaries of text are read; a number becomes the shortest text
    that gives it back, an empty text and null become ``None``. Pages that carry checksums (all of ours do)
    are verified.

    Raises:
        TableError: a truncated or damaged file, one with no rows, a chosen column of a nested or binary type,
            content beyond the limits.
    """
    header: tuple[str, ...] = ()
    columns: dict[str, list[str | None]] = {}
    for names, part in parquet_column_parts(path, choose=choose, limits=limits, rows=_BATCH):
        header = names
        for name, cells in part.items():
            columns.setdefault(name, []).extend(cells)
    rows = max((len(column) for column in columns.values()), default=0)
    return header, columns, rows


def parquet_column_parts(
    path: Path,
    *,
    choose: Callable[[tuple[str, ...]], Collection[str]] | None,
    limits: ReadLimits,
    rows: int,
) -> Iterator[tuple[tuple[str, ...], dict[str, list[str | None]]]]:
    """The same piece by piece: the names of all columns, and at most so many rows of the chosen ones.

    Raises:
        TableError: as `read_parquet_columns`; damage is found when its piece is read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = _source(path, limits)
        schema = pq.read_schema(source)
        header = check_header(schema.names, path)
        wanted = list(header) if choose is None else [name for name in header if name in set(choose(header))]
        kinds = {name: _kind(schema.field(header.index(name)).type, name, path) for name in wanted}
        stored = {name: schema.names[header.index(name)] for name in wanted}
        texts = [stored[name] for name in wanted if kinds[name] == "text"]
        with pq.ParquetFile(
            _source(path, limits), read_dictionary=texts, page_checksum_verification=True, pre_buffer=False
        ) as file:
            _check_size(file.metadata, set(stored.values()), path, limits)
            count = 0
            for part in _read_batches(file, stored, path, limits, rows):
                count += len(next(iter(part.values()), ()))
                yield header, part
            expected = file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TableError(
            f"{path}: the Parquet file is truncated or damaged ({first}). Copy, download or write it again."
        ) from error
    if stored and count != expected:
        raise TableError(
            f"{path}: the Parquet file is damaged: it holds {count:,} rows and announces {expected:,}."
        )
    if not expected:
        raise TableError(f"{path}: no rows.")


def _source(path: Path, limits: ReadLimits) -> Any:
    """The path itself, or the inflated content of a gzip file."""
    with path.open("rb") as stream:
        packed = stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if not packed:
        return path
    with open_bytes(path, limits) as content:
        return io.BytesIO(content.read())


def _kind(data_type: pa.DataType, name: str, path: Path) -> str:
    """``text`` or ``plain`` (numbers, truth values, dates, nulls)."""
    import pyarrow.types as kinds

    inner = data_type.value_type if kinds.is_dictionary(data_type) else data_type
    if kinds.is_string(inner) or kinds.is_large_string(inner) or kinds.is_string_view(inner):
        return "text"
    plain: Iterable[Callable[[pa.DataType], bool]] = (
        kinds.is_integer, kinds.is_floating, kinds.is_boolean, kinds.is_decimal, kinds.is_temporal,
        kinds.is_null,
    )  # fmt: skip
    if any(is_kind(inner) for is_kind in plain):
        return "plain"
    remedy = (
        "Write it as text (UTF-8)." if "binary" in str(inner) else "Write one text or number in each cell."
    )
    raise TableError(
        f"{path}: column {name!r} is of the Parquet type {data_type}, which is not read. {remedy}"
    )


def _check_size(metadata: Any, names: set[str], path: Path, limits: ReadLimits) -> None:
    if metadata.num_rows > limits.max_rows:
        raise TableError(f"{path}: more than {limits.max_rows:,} rows. Split it, or raise max_rows.")
    total = 0
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        for place in range(chunks.num_columns):
            chunk = chunks.column(place)
            total += chunk.total_uncompressed_size if chunk.path_in_schema in names else 0
    ratio = total / path.stat().st_size
    if total > limits.max_uncompressed or (total > _RATIO_FLOOR and ratio > limits.max_ratio):
        raise TableError(
            f"{path}: inflates {ratio:.0f}-fold to {total:,} bytes (limits {limits.max_ratio:g} and "
            f"{limits.max_uncompressed:,}). Look at it, split it, or raise max_uncompressed or max_ratio."
        )


def _read_batches(
    file: Any, stored: dict[str, str], path: Path, limits: ReadLimits, rows: int
) -> Iterator[dict[str, list[str | None]]]:
    known: dict[str, str | None] = {"": None}
    for group in range(file.metadata.num_row_groups):
        for batch in file.iter_batches(rows, row_groups=[group], columns=list(stored.values())):
            yield {
                name: _as_text(batch.column(inside), known, name, path, limits)
                for name, inside in stored.items()
            }
            if len(known) > _KNOWN:
                known = {"": None}


def _as_text(
    array: pa.Array, known: dict[str, str | None], name: str, path: Path, limits: ReadLimits
) -> list[str | None]:
    import pyarrow.types as kinds

    if not kinds.is_dictionary(array.type):
        return [_cell(value) for value in array.to_pylist()]
    values: list[str | None] = [
        known.setdefault(text, text) for text in map(_cell, array.dictionary.to_pylist()) if text
    ]
    if len(values) != len(array.dictionary):  # an empty or null entry: keep the places
        values = [None if not text else known[text] for text in map(_cell, array.dictionary.to_pylist())]
    longest = max((len(text) for text in values if text), default=0)
    if longest > limits.max_cell:
        raise TableError(
            f"{path}: column {name!r} holds a cell of {longest:,} characters, more than "
            f"{limits.max_cell:,}. Shorten it."
        )
    return [None if place is None else values[place] for place in array.indices.to_pylist()]


def _cell(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
