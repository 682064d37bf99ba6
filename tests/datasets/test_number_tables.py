"""Numbers come back as they were written, and damage is found."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from hyperpcm.datasets.number_tables import read_numbers, write_numbers
from hyperpcm.errors import OutputError, TableError

COLUMNS = {
    "name": ["a", "a", "b"],
    "n": np.array([1, 2, 3], dtype=np.int32),
    "value": np.array([0.1, np.nan, 3], dtype=np.float32),
}
KINDS = {"name": str, "n": np.int32, "value": np.float32}


def test_columns_come_back_with_their_types(tmp_path):
    path = tmp_path / "new" / "numbers.parquet"
    write_numbers(path, COLUMNS)
    write_numbers(path, COLUMNS)
    found = read_numbers(path, KINDS)
    assert found["name"] == ["a", "a", "b"]
    for name in ("n", "value"):
        assert found[name].dtype == COLUMNS[name].dtype
        np.testing.assert_array_equal(found[name], COLUMNS[name])
    schema = pq.read_schema(path)
    assert (str(schema.field("n").type), str(schema.field("value").type)) == ("int32", "float")


def test_no_rows_are_no_rows(tmp_path):
    write_numbers(tmp_path / "a.parquet", {name: column[:0] for name, column in COLUMNS.items()})
    assert [len(column) for column in read_numbers(tmp_path / "a.parquet", KINDS).values()] == [0, 0, 0]


@pytest.mark.parametrize("place", [0.2, 0.4])
def test_a_changed_byte_is_found(tmp_path, place):
    path = tmp_path / "numbers.parquet"
    write_numbers(path, {"value": np.random.default_rng(0).normal(size=5000).astype(np.float32)})
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 255
    path.write_bytes(content)
    with pytest.raises(TableError, match="no numbers can be read"):
        read_numbers(path, {"value": np.float32})


def test_what_is_missing_or_of_another_kind_is_a_sentence(tmp_path):
    path = tmp_path / "numbers.parquet"
    with pytest.raises(TableError, match="no numbers can be read"):
        read_numbers(path, KINDS)
    write_numbers(path, COLUMNS)
    with pytest.raises(TableError, match="missing columns: other"):
        read_numbers(path, {"other": str})
    with pytest.raises(TableError, match="numbers are expected"):
        read_numbers(path, {"name": np.float32})
    with pytest.raises(OutputError, match="unequal length"):
        write_numbers(path, {"a": np.zeros(2), "b": np.zeros(3)})
