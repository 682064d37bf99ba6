from __future__ import annotations

import gzip
import random

import pytest

from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.table import read_raw_table
from hyperpcm.errors import TableError


def write(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("sign", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.csv"), ("|", "a.tsv"), ("\t", "a")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_and_line_ends_are_found_whatever_the_name(tmp_path, sign, name, end):
    text = end.join(sign.join(row) for row in (["smiles", "value"], ["CCO", "5"], ["CCN", "6"])) + end
    table = read_raw_table(write(tmp_path, text, name))
    assert table.columns == {"smiles": ["CCO", "CCN"], "value": ["5", "6"]}
    assert table.delimiter == sign
    assert table.where(1) == "line 3"


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read_raw_table(write(tmp_path, b"\xef\xbb\xbfsmiles,v\nC,1\n")).header == ("smiles", "v")


def test_texts_that_look_like_missing_values_stay_texts(tmp_path):
    words = ["NA", "N", "None", "nan", "null", "N/A", "-", "#N/A"]
    table = read_raw_table(write(tmp_path, "smiles,v\n" + "".join(f"{word},\n" for word in words)))
    assert table.columns["smiles"] == words
    assert table.columns["v"] == [None] * len(words)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("smiles,v\nCCO,1\n".encode("utf-16"), "UTF-16"),
        ("smiles,v\nCCO,1\n".encode("utf-16-le"), "UTF-16"),
        ("smiles,v\nCCO,1\n".encode("utf-32"), "UTF-32"),
        ("smiles,name\nCCO,caf\u00e9\n".encode("latin-1"),
        "line 2, byte 8 .0xe9. is not UTF-8.*Latin-1.*'\u00e9'"),
        (random.Random(1).randbytes(5_000), "binary data"),
        (b"PK\x03\x04rest", "ZIP archive or an Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"", "no rows"),
        (b"\n\n  \n", "no rows"),
        (b"smiles,v\n", "no rows"),
        (b"\x1f\x8bnot really", "damaged"),
        (gzip.compress(gzip.compress(b"smiles,v\nC,1\n", mtime=0), mtime=0), "within a gzip"),
        (gzip.compress(b"smiles,v\nC,1\n" * 50, mtime=0)[:-12], "truncated"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_text_is_called_by_its_name(tmp_path, content, said):
    with pytest.raises(TableError, match=said):
        read_raw_table(write(tmp_path, content))


def test_a_wrong_byte_far_into_the_file_is_found_with_its_line(tmp_path):
    content = b"smiles,v\n" + b"CCO,1\n" * 200_000 + b"CC\xe9O,1\n"
    with pytest.raises(TableError, match="line 200002, byte 3"):
        read_raw_table(write(tmp_path, content))


@pytest.mark.parametrize("where", ["missing.csv", "."])
def test_a_path_that_is_no_file_is_said_so(tmp_path, where):
    with pytest.raises(TableError, match="Check the path"):
        read_raw_table(tmp_path / where)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 cell where the header has 2"),
        ("a,b\n1,2\n\n3,4,5\n", "line 4 has 3 cells"),
        ("a,b,c\n1,2,3\n1,2,3\n4;5;6\n", "line 4 .*seems to be separated by semicolon"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: a double quote opens and is not closed"),
        ('a,b\n1,2\n"3,4\n"5",6\n', "line 3: text stands beside"),
        ('a,b\n1,2\n"3"x,4\n', "line 3: text stands beside"),
        ("a,b,a\n1,2,3\n", "several columns are called 'a'"),
        ("a,b;c\n1,2;3\n", "comma and semicolon both divide"),
    ],
)  # fmt: skip
def test_malformed_rows_are_an_error_with_their_line(tmp_path, text, said):
    with pytest.raises(TableError, match=said):
        read_raw_table(write(tmp_path, text))


def test_the_user_can_say_what_separates_cells(tmp_path):
    path = write(tmp_path, "a,b;c\n1,2;3\n")
    assert read_raw_table(path, delimiter=";").columns == {"a,b": ["1,2"], "c": ["3"]}


def test_a_line_break_within_quotes_counts_for_the_lines_below(tmp_path):
    table = read_raw_table(write(tmp_path, 'a,b\n"x\ny",1\nz,2\n'))
    assert table.columns["a"] == ["x\ny", "z"]
    assert list(table.lines) == [2, 4]


def test_bars_within_names_do_not_hide_the_comma(tmp_path):
    table = read_raw_table(write(tmp_path, "id|other,smiles,v\nA|B,CCO,1\nC|D,CCN,2\n"))
    assert table.header == ("id|other", "smiles", "v")


def test_one_column_is_a_table_too(tmp_path):
    assert read_raw_table(write(tmp_path, "smiles\nCCO\nCCN\n")).columns == {"smiles": ["CCO", "CCN"]}


def test_a_huge_cell_and_a_huge_line_are_clean_errors(tmp_path):
    with pytest.raises(TableError, match="line 3 holds a cell of more than"):
        read_raw_table(write(tmp_path, "a,b\n1,2\n" + "C" * 1_500_000 + ",5\n"))
    with pytest.raises(TableError, match="line 2 is longer than 1,000 characters"):
        read_raw_table(write(tmp_path, "a,b\n" + "C" * 2_000 + ",5\n"), limits=ReadLimits(max_line=1_000))
    with pytest.raises(TableError, match="line 2 holds a cell of more than 100"):
        read_raw_table(write(tmp_path, "a,b\n" + "C" * 200 + ",5\n"), limits=ReadLimits(max_cell=100))


def test_gzip_is_read_whatever_the_name(tmp_path):
    content = gzip.compress(b"a,b\n1,2\n", mtime=0)
    for name in ("t.csv.gz", "t.csv"):
        assert read_raw_table(write(tmp_path, content, name)).columns == {"a": ["1"], "b": ["2"]}


def test_a_gzip_bomb_stops_at_the_ratio_and_at_the_size(tmp_path):
    bomb = write(
        tmp_path, gzip.compress(b"a,b\n" + (b"C" * 1_000 + b",2\n") * 30_000, mtime=0), "bomb.csv.gz"
    )
    with pytest.raises(TableError, match="-fold"):
        read_raw_table(bomb)
    with pytest.raises(TableError, match="more than 1,000,000 bytes"):
        read_raw_table(bomb, limits=ReadLimits(max_uncompressed=1_000_000))


def test_too_many_rows_are_refused(tmp_path):
    with pytest.raises(TableError, match="more than 3 rows"):
        read_raw_table(write(tmp_path, "a,b\n" + "1,2\n" * 4), limits=ReadLimits(max_rows=3))


def test_only_chosen_columns_are_kept(tmp_path):
    table = read_raw_table(write(tmp_path, "a,b,c\n1,2,3\n"), choose=lambda header: header[::2])
    assert table.columns == {"a": ["1"], "c": ["3"]}
    assert table.header == ("a", "b", "c")


def test_equal_cells_share_one_text(tmp_path):
    sequence = "MKTAYIAKQR" * 50
    table = read_raw_table(write(tmp_path, "s,v\n" + f"{sequence},1\n" * 3))
    first, second, third = table.columns["s"]
    assert first is second is third
