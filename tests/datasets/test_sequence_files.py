"""Proteins of a file: FASTA or a table, each row in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.datasets.sequence_files import protein_parts
from hyperpcm.errors import TableError


def read(path: Path, **options):
    parts = list(protein_parts(path, **options))
    return (
        [one for part in parts for one in part.sequences],
        [one for part in parts for one in part.names],
        [[(one.row, one.code) for one in part.rejections] for part in parts],
    )


def test_records_of_fasta_keep_their_places(tmp_path: Path):
    path = tmp_path / "a.fasta"
    path.write_text(">a\nMKTAYI\n>b\nMK-T\n>c\nmktayi*\n>a\nMKTAYI\n>d\n\n")
    sequences, names, rejections = read(path, rows=2)
    assert sequences == ["MKTAYI", None, "MKTAYI", None, None]
    assert names == ["a", "b", "c", "a", "d"]
    assert rejections == [[(1, "BAD_RESIDUE")], [(1, "DUPLICATE")], [(0, "EMPTY")]]


def test_a_sequence_without_a_header_is_one_record(tmp_path: Path):
    (tmp_path / "a.txt").write_text("MKTAYI\nAKQRQI\n")
    assert read(tmp_path / "a.txt")[0] == ["MKTAYIAKQRQI"]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_rows_of_a_table_keep_their_places(tmp_path: Path, rows: int):
    path = tmp_path / "a.csv"
    path.write_text("target_id,target,pKd\np1,MKTAYIAKQRQISFVKSHFS,5\np2,MK3,6\n,,7\np4,mktayi,8\n")
    sequences, names, rejections = read(path, rows=rows)
    assert sequences == ["MKTAYIAKQRQISFVKSHFS", None, None, "MKTAYI"]
    assert names == ["p1", "p2", "", "p4"]
    assert [code for part in rejections for _, code in part] == ["BAD_RESIDUE", "EMPTY"]


def test_columns_can_be_named(tmp_path: Path):
    (tmp_path / "a.tsv").write_text("what\tother\nx\tMKTAYI\n")
    with pytest.raises(TableError, match="no column holds sequences"):
        read(tmp_path / "a.tsv")
    assert read(tmp_path / "a.tsv", columns={"sequence": "other", "target": "what"})[:2] == (
        ["MKTAYI"],
        ["x"],
    )
    with pytest.raises(TableError, match="no column 'none'"):
        read(tmp_path / "a.tsv", columns={"sequence": "none"})
    with pytest.raises(TableError, match="roles sequence and target"):
        read(tmp_path / "a.tsv", columns={"smiles": "other"})


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "a.fasta").write_text("\n")
    with pytest.raises(TableError, match="no rows"):
        read(tmp_path / "a.fasta")
