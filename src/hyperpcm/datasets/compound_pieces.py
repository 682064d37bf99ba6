"""Compounds laid aside as they were read: the same pieces come back, whatever file they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.datasets.compound_files import CompoundList
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import InputError, Rejection

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_pieces", "write_pieces"]

_COLUMNS: Final = ("smiles", "name", "text", "code", "reason")  # the last three of a refused row


def write_pieces(path: Path, pieces: Iterable[CompoundList]) -> None:
    """Write pieces of a list of compounds, each as a row group of a Parquet file with page checksums.

    Equal pieces give equal bytes; a file that is there is replaced.

    Args:
        path: of the file.
        pieces: as from `compound_parts`.

    Raises:
        OutputError: the file cannot be written.
        DiskFullError: no space is left; nothing half-written carries the name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
    with (
        atomic_file(path, overwrite=True) as file,
        pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for piece in pieces:
            columns: list[list[str | None]] = [[None] * len(piece.smiles) for _ in _COLUMNS]
            columns[0], columns[1] = list(piece.smiles), list(piece.names)
            for one in piece.rejections:
                for column, value in zip(columns[2:], (one.text, one.code, one.reason), strict=True):
                    column[one.row] = value
            writer.write_table(_table(columns, schema), row_group_size=max(1, len(piece.smiles)))


def _table(columns: list[list[str | None]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema)


def read_pieces(path: Path) -> Iterator[CompoundList]:
    """Yield what `write_pieces` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.metadata.num_row_groups):
                yield _piece(file.read_row_group(group).to_pydict())
    except (pa.ArrowException, OSError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: this part of the library is missing or damaged ({first}).") from None


def _piece(columns: dict[str, list[Any]]) -> CompoundList:
    refused = zip(columns["text"], columns["code"], columns["reason"], strict=True)
    return CompoundList(
        columns["smiles"],
        columns["name"],
        [
            Rejection(row, text, code, reason)
            for row, (text, code, reason) in enumerate(refused)
            if code is not None
        ],
    )
