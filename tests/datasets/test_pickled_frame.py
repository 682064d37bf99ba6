"""A pickled frame gives its cells; a pickle that orders anything else is refused and nothing of it is run."""

from __future__ import annotations

import builtins
import datetime
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperpcm.datasets.pickled_frame import is_pickle, read_pickled_frame
from hyperpcm.errors import TableError


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "MID": ["a", "b", None],
            "Bioactivity": [5.5, 6.25, float("nan")],
            "Year": [2001, 2013, 2012],
            "lpo": np.array([1, 9, -1], dtype=np.int8),
        },
        index=[5, 3, 4],
    )


CELLS = {
    "MID": ["a", "b", None],
    "Bioactivity": ["5.5", "6.25", None],
    "Year": ["2001", "2013", "2012"],
    "lpo": ["1", "9", "-1"],
}


class Orders:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write(path: Path, made: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(made, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("texts", ["string", "object"])
def test_frames_that_pandas_writes_are_read(tmp_path: Path, protocol: int, texts: str):
    given = frame()
    if texts == "object":
        given["MID"] = given["MID"].astype(object)
        given.columns = given.columns.astype(object)
    path = write(tmp_path / "frame.pickle", given, protocol)
    assert is_pickle(path)
    table = read_pickled_frame(path)
    assert table.header == tuple(CELLS)
    assert {name: list(column) for name, column in table.columns.items()} == CELLS


def test_a_frame_written_under_the_older_names_is_read(tmp_path: Path):
    given = frame()
    given["MID"] = given["MID"].astype(object)
    given.columns = given.columns.astype(object)
    content = pickle.dumps(given, protocol=2)
    for new, old in (
        (b"numpy._core.multiarray", b"numpy.core.multiarray"),
        (b"pandas\nDataFrame", b"pandas.core.frame\nDataFrame"),
    ):
        assert new in content
        content = content.replace(new, old)
    path = tmp_path / "old.pickle"
    path.write_bytes(content)
    assert {name: list(column) for name, column in read_pickled_frame(path).columns.items()} == CELLS


@pytest.mark.parametrize(
    ("order", "named"),
    [
        (lambda mark: Orders(os.system, f"touch {mark}"), r"(posix|nt)\.system"),
        (lambda mark: Orders(builtins.eval, f"open({str(mark)!r}, 'w')"), r"(builtins|__builtin__)\.eval"),
        (lambda mark: Orders(getattr, pd.DataFrame, "to_csv"), r"(builtins|__builtin__)\.getattr"),
        (lambda mark: {"MID": [Orders(os.mkdir, str(mark))]}, r"(posix|nt)\.mkdir"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_orders_more_is_refused_and_not_run(tmp_path: Path, order, named: str, protocol: int):
    mark = tmp_path / "was-run"
    with pytest.raises(TableError, match=rf"asks for {named}.*It was not run"):
        read_pickled_frame(write(tmp_path / "bad.pickle", order(mark), protocol))
    assert not mark.exists()


class Frame(pd.DataFrame):
    """A subclass: its module is not pandas."""


def test_a_subclass_and_a_frame_that_holds_an_order_are_refused(tmp_path: Path):
    with pytest.raises(TableError, match=r"asks for .*Frame"):
        read_pickled_frame(write(tmp_path / "sub.pickle", Frame({"MID": ["a"]})))
    held = pd.DataFrame({"MID": pd.Series([Orders(os.system, "true")], dtype=object)})
    with pytest.raises(TableError, match=r"asks for (posix|nt)\.system"):
        read_pickled_frame(write(tmp_path / "held.pickle", held))
    dated = pd.DataFrame({"MID": pd.Series([datetime.date(2020, 1, 1)], dtype=object)})
    with pytest.raises(TableError, match=r"asks for datetime\.date"):
        read_pickled_frame(write(tmp_path / "dated.pickle", dated))


def test_arrays_of_records_and_other_things_are_refused(tmp_path: Path):
    records = np.zeros(2, dtype=[("a", "O"), ("b", "i8")])
    with pytest.raises(TableError, match=r"records|array type|cannot be read"):
        read_pickled_frame(write(tmp_path / "records.pickle", records))
    with pytest.raises(TableError, match="no pandas frame but a ndarray"):
        read_pickled_frame(write(tmp_path / "array.pickle", np.arange(3)))
    with pytest.raises(TableError, match="no pandas frame but a list"):
        read_pickled_frame(write(tmp_path / "list.pickle", [1, 2]))


def test_bytes_cannot_be_passed_off_as_objects(tmp_path: Path):
    class Forged:
        def __reduce__(self):
            from numpy._core.numeric import _frombuffer

            return _frombuffer, (struct.pack("<q", 64), np.dtype("O"), (1,), "C")

    with pytest.raises(TableError, match="a buffer of objects"):
        read_pickled_frame(write(tmp_path / "forged.pickle", Forged()))


def test_the_class_of_arrays_cannot_be_called(tmp_path: Path):
    order = Orders(np.ndarray, (1,), np.dtype("O"), struct.pack("<q", 64))  # an address in place of an object
    with pytest.raises(TableError, match="not callable"):
        read_pickled_frame(write(tmp_path / "called.pickle", order))


class Forged:
    """Pickles as an array type with a state of our making, and as one array of that type."""

    def __init__(self, name: str, *state: object):
        self.name, self.state = name, state

    def __reduce__(self):
        return np.dtype, (self.name, False, True), self.state


@pytest.mark.parametrize(
    "forged",
    [
        Forged("O", 3, "|", None, None, None, -1, -1, 0),  # would take eight bytes for an address
        Forged("i8", 3, "<", None, None, None, -1, -1, 63),  # would count references to its numbers
        Forged("U2", 3, "<", None, None, None, 7, 4, 8),
        Forged("U2", 3, "<", None, None, None, 1 << 40, 4, 8),
        Forged("i8", 3, "<"),
    ],
)
def test_an_array_type_with_the_flags_or_sizes_of_another_is_refused(tmp_path: Path, forged: Forged):
    with pytest.raises(TableError, match="a forged type"):
        read_pickled_frame(write(tmp_path / "forged.pickle", forged))


@pytest.mark.parametrize("length", [2, 20, 200])
def test_a_truncated_pickle_is_a_table_error(tmp_path: Path, length: int):
    path = tmp_path / "short.pickle"
    path.write_bytes(pickle.dumps(frame())[:length])
    with pytest.raises(TableError, match="cannot be read"):
        read_pickled_frame(path)
