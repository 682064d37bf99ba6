"""Read the table out of a pickled pandas frame without running what a pickle may order.

Only the few functions that rebuild NumPy arrays and pandas frames are known; any other name in the pickle is
refused. Of those, what could still do harm is narrowed: array types are plain (no fields, no objects but in
object columns), and Arrow texts are validated before they are looked at. Nothing here protects against a file
made to exhaust memory beyond the limits on its size.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from hyperpcm.datasets.columns import check_header
from hyperpcm.datasets.input_files import ReadLimits, open_bytes
from hyperpcm.datasets.table import RawTable
from hyperpcm.errors import MissingExtraError, TableError

__all__ = ["is_pickle", "read_pickled_frame"]

_PROTOCOL = b"\x80"
_ARRAY = object()  # NumPy's class in a pickle: may be named, but not called, as it takes bytes for objects
# Where names moved between releases of NumPy and pandas: as written in the pickle → as they are called today.
_MOVED = MappingProxyType(
    {
        "numpy.core.multiarray._reconstruct": "numpy._core.multiarray._reconstruct",
        "numpy.core.numeric._frombuffer": "numpy._core.numeric._frombuffer",
        "pandas.core.frame.DataFrame": "pandas.DataFrame",
        "pandas.core.indexes.base.Index": "pandas.Index",
        "pandas.core.indexes.range.RangeIndex": "pandas.RangeIndex",
        "pandas.core.indexes.numeric.Int64Index": "pandas.Index",
        "pandas.core.internals.blocks.new_block": "pandas._libs.internals._unpickle_block",
        "pandas.core.arrays.string_arrow.ArrowStringArray": "pandas.arrays.ArrowStringArray",
        "pandas.core.arrays.string_.StringDtype": "pandas.StringDtype",
        "__builtin__.slice": "builtins.slice",
        "__builtin__.bytearray": "builtins.bytearray",
    }
)
_KNOWN = frozenset(
    (
        "builtins.bytearray",
        "builtins.slice",
        "_codecs.encode",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.numeric._frombuffer",
        "pandas.DataFrame",
        "pandas.Index",
        "pandas.RangeIndex",
        "pandas.StringDtype",
        "pandas.arrays.ArrowStringArray",
        "pandas._libs.internals._unpickle_block",
        "pandas.core.indexes.base._new_Index",
        "pandas.core.internals.managers.BlockManager",
        "pyarrow.lib._restore_array",
        "pyarrow.lib.chunked_array",
        "pyarrow.lib.py_buffer",
        "pyarrow.lib.type_for_alias",
    )
)
_BROKEN = (
    pickle.UnpicklingError, ArithmeticError, AssertionError, AttributeError, EOFError, ImportError,
    LookupError, MemoryError, NotImplementedError, RecursionError, TypeError, ValueError,
)  # fmt: skip


def is_pickle(path: Path) -> bool:
    """Whether the file begins as a pickle of protocol 2 or later does."""
    with path.open("rb") as file:
        head = file.read(2)
    return head[:1] == _PROTOCOL and len(head) == 2 and 2 <= head[1] <= 5


def read_pickled_frame(path: Path, *, limits: ReadLimits | None = None) -> RawTable:
    """The columns of the pickled pandas frame at ``path``, as texts.

    Raises:
        MissingExtraError: pandas is not installed.
        TableError: the pickle holds anything but one frame of numbers and texts.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError(
            "pandas, which a pickled frame needs (or convert it to CSV),", "pickle"
        ) from error
    limits = limits or ReadLimits()
    with open_bytes(path, limits) as stream:
        content = stream.read()
    try:
        frame = _FrameUnpickler(io.BytesIO(content), path).load()
        if type(frame) is not pd.DataFrame:
            raise TableError(f"{path}: the pickle holds no pandas frame but a {type(frame).__name__}.")
        columns = {str(name): _texts(frame[name].tolist()) for name in frame.columns}
        names = [str(name) for name in frame.columns]
    except _BROKEN as error:
        raise TableError(
            f"{path}: the pickled frame cannot be read ({type(error).__name__}: {error}). Write it as CSV or "
            "Parquet with the pandas that made it."
        ) from error
    header = check_header(names, path)
    rows = len(frame)
    if not rows or rows > limits.max_rows:
        raise TableError(f"{path}: {rows:,} rows; at least 1 and at most {limits.max_rows:,} are read.")
    return RawTable(path, header, dict(zip(header, columns.values(), strict=True)), range(1, rows + 1), "")


class _FrameUnpickler(pickle._Unpickler):
    """Unpickles frames and nothing else; in Python, so that a state can be looked at before it is set."""

    dispatch = dict(pickle._Unpickler.dispatch)  # noqa: RUF012  # the table of opcodes, as in the base

    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """One of the known functions, or its harmless form; TableError for any other."""
        found = f"{module}.{name}"
        known = _MOVED.get(found, found)
        if known not in _KNOWN:
            raise TableError(
                f"{self._path}: the pickle asks for {found}, which is no part of a table of numbers and "
                "texts. It was not run. If you trust the file, write it as CSV or Parquet with the program "
                "that made it."
            )
        if known == "numpy.ndarray":
            return _ARRAY
        if known in _NARROWED:
            return _NARROWED[known]
        module, _, name = known.rpartition(".")
        return super().find_class(module, name)

    def load_build(self) -> None:
        """Set the state of an object that has one of its own, in the way of its own class."""
        state, made = self.stack[-1], self.stack[-2]  # type: ignore[attr-defined]  # not in the stub
        kind = type(made)
        allowed = kind in (np.ndarray, np.dtype) or isinstance(made, np.dtype) or _is_pandas(kind)
        if not allowed:
            raise TableError(
                f"{self._path}: the pickle alters a {kind.__name__}, which a table has no need of."
            )
        if isinstance(made, np.dtype) and not _is_own_state(made, state):
            raise TableError(
                f"{self._path}: the pickle holds an array of records or of a forged type, not of numbers or "
                "texts."
            )
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]  # not in the stub

    dispatch[pickle.BUILD[0]] = load_build  # type: ignore[assignment]  # called with self, as all of them


def _is_pandas(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in (
        "ArrowStringArray", "BlockManager", "DataFrame", "StringDtype",
    )  # fmt: skip


def _plain_dtype(name: object, *_: object) -> Any:
    dtype = np.dtype(str(name)) if isinstance(name, str) else None
    if (
        dtype is None
        or dtype.kind not in "biufOUSM"
        or dtype.fields is not None
        or dtype.subdtype is not None
    ):
        raise ValueError(f"array type {name!r}")
    return np.dtype(dtype, copy=True)  # its state is set afterwards: not on the type that all arrays share


def _is_own_state(dtype: Any, state: object) -> bool:
    """Whether a state leaves an array type plain: no fields, its own sizes, objects only where it has any.

    NumPy takes sizes and flags as they stand, so that others would have it read bytes as addresses.
    """
    if not isinstance(state, tuple) or len(state) < 8 or any(part is not None for part in state[2:5]):
        return False
    return state[5:7] in ((-1, -1), (dtype.itemsize, dtype.alignment)) and state[7] == dtype.flags


def _plain_array(kind: object, *_: object) -> Any:
    if kind is not _ARRAY:
        raise ValueError("an array of another class than NumPy's")
    return np.ndarray.__new__(np.ndarray, (0,), dtype="i1")


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any, axis_order: Any = None) -> Any:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise ValueError("a buffer of objects")
    flat = np.frombuffer(buffer, dtype=dtype)
    if order == "K" and axis_order is not None:
        return flat.reshape(shape, order="C").transpose(axis_order)
    return flat.reshape(shape, order=order)


def _encoded(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes in another encoding than pickles use")
    return text.encode("latin1")


def _index(kind: Any, state: Any) -> Any:
    import pandas as pd

    if kind not in (pd.Index, pd.RangeIndex) or not isinstance(state, dict):
        raise ValueError("an index of another kind than plain or range")
    return kind(**{name: state[name] for name in ("data", "start", "stop", "step", "name") if name in state})


def _valid_arrow(data: Any) -> Any:
    import pyarrow as pa

    array = pa.lib._restore_array(data)
    array.validate(full=True)
    return array


_NARROWED: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "numpy.dtype": _plain_dtype,
        "numpy._core.multiarray._reconstruct": _plain_array,
        "numpy._core.numeric._frombuffer": _from_buffer,
        "_codecs.encode": _encoded,
        "pandas.core.indexes.base._new_Index": _index,
        "pyarrow.lib._restore_array": _valid_arrow,
    }
)


def _texts(values: list[object]) -> list[str | None]:
    """Each cell as text; what is missing (None, NaN, pandas.NA) as None."""
    return [
        None if value is None or value != value or str(value) == "<NA>" else str(value) or None
        for value in values
    ]
