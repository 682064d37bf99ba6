from __future__ import annotations

import datetime
import decimal
import gzip
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.output import write_table
from hyperpcm.datasets.table import read_raw_table
from hyperpcm.errors import TableError


def store(path, columns, **options):
    pq.write_table(pa.table(columns), path, write_page_checksum=True, **options)
    return path


def test_plain_types_become_text_and_missing_values_stay_missing(tmp_path):
    path = store(
        tmp_path / "t.parquet",
        {
            "text": ["N", "NA", None],
            "empty": ["", "x", None],
            "large": pa.array(["a", "b", None], pa.large_string()),
            "coded": pa.array(["a", "b", None]).dictionary_encode(),
            "real": [7.25, float("nan"), None],
            "whole": [1, 2, None],
            "truth": [True, False, None],
            "exact": pa.array([decimal.Decimal("1.50"), None, None]),
            "day": pa.array([datetime.date(2012, 5, 1), None, None]),
            "nothing": pa.nulls(3),
        },
    )
    table = read_raw_table(path)
    assert table.columns == {
        "text": ["N", "NA", None],
        "empty": [None, "x", None],
        "large": ["a", "b", None],
        "coded": ["a", "b", None],
        "real": ["7.25", "nan", None],
        "whole": ["1", "2", None],
        "truth": ["true", "false", None],
        "exact": ["1.50", None, None],
        "day": ["2012-05-01", None, None],
        "nothing": [None, None, None],
    }
    assert table.where(2) == "row 3"
    assert table.delimiter == ""


def test_parquet_is_known_by_content_also_within_gzip(tmp_path):
    path = store(tmp_path / "t.parquet", {"a": ["x"]})
    (tmp_path / "other.csv").write_bytes(path.read_bytes())
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    for name in ("other.csv", "t.parquet.gz"):
        assert read_raw_table(tmp_path / name).columns == {"a": ["x"]}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a"]]),
        pa.array([{"b": 1}]),
        pa.array([b"x"]),
        pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
    ],
)
def test_nested_and_binary_types_are_refused_only_where_they_are_used(tmp_path, column):
    path = store(tmp_path / "t.parquet", {"odd": column, "plain": ["x"]})
    with pytest.raises(TableError, match="column 'odd' is of the Parquet type"):
        read_raw_table(path)
    assert read_raw_table(path, choose=lambda header: ["plain"]).columns == {"plain": ["x"]}


def test_a_point_in_a_name_does_not_mean_nesting(tmp_path):
    path = store(tmp_path / "t.parquet", {"standard.value": ["1"], "standard": ["2"], "x": [{"y": 1}]})
    table = read_raw_table(path, choose=lambda header: ["standard.value", "standard"])
    assert table.columns == {"standard.value": ["1"], "standard": ["2"]}


def test_duplicate_names_and_no_rows_are_refused(tmp_path):
    pq.write_table(
        pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"]), tmp_path / "d.parquet"
    )
    with pytest.raises(TableError, match="several columns are called 'a'"):
        read_raw_table(tmp_path / "d.parquet")
    with pytest.raises(TableError, match="no rows"):
        read_raw_table(store(tmp_path / "e.parquet", {"a": pa.array([], pa.string())}))


def test_several_row_groups_are_read_in_order(tmp_path):
    values = [f"C{place}" for place in range(1_000)]
    path = store(tmp_path / "t.parquet", {"a": values}, row_group_size=64)
    assert pq.ParquetFile(path).num_row_groups == 16
    assert read_raw_table(path).columns["a"] == values


def test_a_truncated_file_is_an_error(tmp_path):
    path = store(tmp_path / "t.parquet", {"a": ["x", "y"] * 100})
    content = path.read_bytes()
    for keep in (5, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(TableError, match="truncated or damaged"):
            read_raw_table(path)


def test_flipped_bits_never_give_other_data(tmp_path):
    """What we wrote is either read as it was or refused, whichever three bits are wrong."""
    original = {
        "smiles": [f"{'C' * (place % 17)}N{place}" for place in range(300)],
        "score": [place / 7 for place in range(300)],
    }
    write_table(tmp_path / "t.parquet", original)
    path = tmp_path / "t.parquet"
    content, expected = path.read_bytes(), read_raw_table(path).columns
    chance, refused = random.Random(7), 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(4, len(content) - 900)] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            assert read_raw_table(path).columns == expected
        except TableError:
            refused += 1
    assert refused > 100


def test_a_parquet_bomb_and_a_huge_cell_are_refused(tmp_path):
    bomb = store(
        tmp_path / "b.parquet", {"a": ["C" * 1_000] * 30_000}, compression="zstd", use_dictionary=False
    )
    with pytest.raises(TableError, match="-fold"):
        read_raw_table(bomb)
    with pytest.raises(TableError, match="more than 100 rows"):
        read_raw_table(bomb, limits=ReadLimits(max_rows=100))
    huge = store(tmp_path / "h.parquet", {"a": ["C" * 200_000]})
    with pytest.raises(TableError, match="cell of 200,000 characters"):
        read_raw_table(huge)


def test_an_encoded_bomb_is_bounded_by_its_rows(tmp_path):
    path = store(tmp_path / "r.parquet", {"a": pa.array(["C"]).take(pa.array([0] * 200_000))})
    assert path.stat().st_size < 5_000
    with pytest.raises(TableError, match="rows"):
        read_raw_table(path, limits=ReadLimits(max_rows=100_000))
