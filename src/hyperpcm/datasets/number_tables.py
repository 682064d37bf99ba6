"""Parquet files of numbers as they are: typed columns out of arrays and back, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import OutputError, TableError

__all__ = ["read_numbers", "write_numbers"]

Column: TypeAlias = npt.NDArray[Any] | Sequence[str]


def write_numbers(path: Path, columns: Mapping[str, Column]) -> None:
    """Write columns of one length with the types they have, zstd-compressed, with page checksums.

    A file that is there is replaced when the new one is whole; the folder is made.

    Args:
        path: ends in ``.parquet``.
        columns: name → numeric array [n] of any dtype, or n texts.

    Raises:
        OutputError: columns of unequal length; a folder that cannot be written to.
        DiskFullError: no space is left.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise OutputError(f"{path}: columns of unequal length: {lengths}.")
    arrays = {
        name: pa.array(column)
        if isinstance(column, np.ndarray)
        else pa.array(list(column), pa.string()).dictionary_encode()
        for name, column in columns.items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: its folder cannot be made ({error.strerror}).") from error
    with atomic_file(path, overwrite=True) as stream:
        pq.write_table(pa.table(arrays), stream, compression="zstd", write_page_checksum=True)


def read_numbers(path: Path, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read such a file.

    Args:
        path: the file.
        kinds: name of each wanted column → NumPy scalar type, or ``str``.

    Returns:
        An array of that type for each number column, a list for each text column.

    Raises:
        TableError: no such file, damage, a missing column, one of another kind or one with holes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TableError(f"{path}: no numbers can be read from it ({first}). Make it again.") from error
    missing = [name for name in kinds if name not in table.column_names]
    if missing:
        raise TableError(f"{path}: missing columns: {', '.join(missing)}.")
    found: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = table.column(name)
        if column.null_count:
            raise TableError(f"{path}: column {name!r} has {column.null_count} empty cells.")
        if kind is str:
            found[name] = [str(value) for value in column.to_pylist()]
            continue
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise TableError(f"{path}: column {name!r} holds {column.type}; numbers are expected.")
        found[name] = np.asarray(column.to_numpy()).astype(kind)
    return found
