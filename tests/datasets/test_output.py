from __future__ import annotations

import csv
import errno
import gzip
import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperpcm.datasets.output import TableWriter, check_output, write_table
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.datasets.table import read_raw_table
from hyperpcm.errors import DiskFullError, OutputError

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_get_an_apostrophe_in_csv_and_lose_it_when_read(tmp_path, text):
    path = tmp_path / "t.csv"
    write_table(path, {"text": [text, "plain"], "n": [1, 2]})
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[1][0] == "'" + text
    assert read_raw_table(path).columns["text"] == [text, "plain"]


def test_numbers_are_untouched(tmp_path):
    path = tmp_path / "t.csv"
    columns = {
        "a": np.array([-1.5, 7.2, np.nan], np.float32),
        "b": [-3, 0, None],
        "c": np.array([1e-300, -0.0, np.inf]),
    }
    write_table(path, columns)
    assert path.read_text().splitlines() == ["a,b,c", "-1.5,-3,1e-300", "7.2,0,-0.0", ",,inf"]


def test_a_header_that_looks_like_a_formula_is_harmless_and_read_back(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, {"=a": ["x"]})
    assert path.read_text() == "'=a\nx\n"
    assert read_raw_table(path).header == ("=a",)


def test_parquet_keeps_text_as_it_is_and_carries_checksums(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(
        path, {"text": [*FORMULAS, None], "score": np.arange(11, dtype=np.float32), "ok": [True] * 11}
    )
    assert pq.read_table(path, page_checksum_verification=True)["text"].to_pylist() == [*FORMULAS, None]
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"(?i)crc|checksum|corrupt|deserial"):
        pq.read_table(path, page_checksum_verification=True)


names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=6)
cell = st.one_of(
    st.none(),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12),
    st.text(st.sampled_from("'=+-@\t\r\n,;|\" a"), max_size=6),
)
tables = st.dictionaries(names, st.just(None), min_size=1, max_size=4).flatmap(
    lambda header: st.lists(st.tuples(*[cell] * len(header)), min_size=1, max_size=6).map(
        lambda rows: {name: [row[place] for row in rows] for place, name in enumerate(header)}
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=tables, ending=st.sampled_from([".csv", ".tsv", ".csv.gz", ".parquet"]))
def test_every_text_that_is_written_is_read_back(tmp_path, columns, ending):
    path = tmp_path / f"t{ending}"
    write_table(path, columns, overwrite=True)
    expected = {name: [text or None for text in column] for name, column in columns.items()}
    assert read_raw_table(path).columns == expected


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=8), st.sampled_from([".csv", ".parquet"]))
def test_every_number_that_is_written_is_read_back(tmp_path, numbers, ending):
    path = tmp_path / f"t{ending}"
    write_table(path, {"x": numbers}, overwrite=True)
    assert [float(text) for text in read_raw_table(path).columns["x"]] == numbers


def test_what_no_text_file_holds_is_escaped(tmp_path):
    for ending in (".csv", ".parquet"):
        write_table(tmp_path / f"t{ending}", {"a": ["x\x00y", "\udc80"]})
        assert read_raw_table(tmp_path / f"t{ending}").columns["a"] == ["x\\x00y", "\\udc80"]


def test_batches_make_one_table(tmp_path):
    for ending in (".csv", ".parquet", ".tsv.gz"):
        with TableWriter(tmp_path / f"t{ending}", {"a": str, "b": float}) as writer:
            writer.write({"a": ["x"], "b": [None]})
            writer.write({"a": [], "b": []})
            writer.write({"b": np.array([2.0, 3.0]), "a": ["y", None]})
        assert writer.rows == 3
        table = read_raw_table(tmp_path / f"t{ending}")
        assert table.columns == {"a": ["x", "y", None], "b": [None, "2.0", "3.0"]}


def test_equal_tables_are_equal_files(tmp_path):
    for ending in (".csv", ".csv.gz", ".parquet"):
        for name in ("one", "two"):
            write_table(tmp_path / f"{name}{ending}", {"a": ["x", "y"], "b": [1.5, 2.5]})
        assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        write_table(path, {"a": ["x"]})
    assert path.read_text() == "mine"
    write_table(path, {"a": ["x"]}, overwrite=True)
    assert path.read_text() == "a\nx\n"


def test_an_input_is_never_replaced(tmp_path):
    path, link = tmp_path / "t.csv", tmp_path / "link.csv"
    path.write_text("mine")
    link.symlink_to(path)
    for output in (path, link):
        with pytest.raises(OutputError, match="read from"):
            check_output(output, overwrite=True, inputs=[path])


@pytest.mark.parametrize(
    ("name", "said"), [("no/t.csv", "does not exist"), (".", "folder"), ("t.xlsx", "must end in")]
)
def test_paths_that_cannot_be_written_are_refused_before_the_work(tmp_path, name, said):
    with pytest.raises(OutputError, match=said):
        TableWriter(tmp_path / name, {"a": str})


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "t.csv"
    writer = TableWriter(path, {"a": str})
    path.write_text("theirs")
    with pytest.raises(OutputError, match="exists already"):
        writer.__enter__()
    path.unlink()
    writer.__enter__()
    path.write_text("theirs")
    with pytest.raises(OutputError, match="exists already"):
        writer.__exit__(None, None, None)
    assert path.read_text() == "theirs"
    assert [found.name for found in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_an_error_midway_leaves_nothing_and_what_was_there(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    path.write_text("old")

    def stopped():
        with TableWriter(path, {"a": str}, overwrite=True) as writer:
            writer.write({"a": ["x"] * 10_000})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match=r"^stop$"):
        stopped()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_full_disk_is_one_error_and_leaves_no_half_file(tmp_path, monkeypatch, call, ending):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DiskFullError, match="no space left"):
        write_table(tmp_path / f"t{ending}", {"a": ["x"]})
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_an_output_error(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written to"):
        check_output(tmp_path / "t.csv")


def test_a_new_file_gets_the_usual_permissions(tmp_path):
    write_table(tmp_path / "t.csv", {"a": ["x"]})
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "t.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_any_file_can_be_written_whole_or_not_at_all(tmp_path):
    with atomic_file(tmp_path / "x.bin") as stream:
        stream.write(b"content")
        assert not (tmp_path / "x.bin").exists()
    assert (tmp_path / "x.bin").read_bytes() == b"content"


@pytest.mark.parametrize(
    "columns",
    [{"a": ["x", 1]}, {"a": [object()]}, {"": ["x"]}, {" a": ["x"]}, {}, {"a": ["x"], "b": ["y", "z"]}],
)
def test_columns_that_make_no_table_are_refused_and_nothing_is_written(tmp_path, columns):
    with pytest.raises(OutputError):
        write_table(tmp_path / "t.csv", columns)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "batch", [{"a": [1], "b": [1]}, {"a": ["x"], "b": ["y"]}, {"a": ["x"]}, {"a": ["x"], "b": [1.5]}]
)
def test_a_batch_of_another_kind_than_announced_is_refused(tmp_path, ending, batch):
    with pytest.raises(OutputError), TableWriter(tmp_path / f"t{ending}", {"a": str, "b": int}) as writer:
        writer.write(batch)
    assert not list(tmp_path.iterdir())


def test_gzip_output_is_gzip(tmp_path):
    write_table(tmp_path / "t.tsv.gz", {"a": ["x"], "b": [1]})
    assert gzip.decompress((tmp_path / "t.tsv.gz").read_bytes()) == b"a\tb\nx\t1\n"
