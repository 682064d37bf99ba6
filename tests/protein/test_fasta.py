from __future__ import annotations

import gzip
import io
import random
import time
from pathlib import Path

import pytest
from biotite.sequence.io.fasta import FastaFile

from hyperpcm.errors import TableError
from hyperpcm.protein import Target, parse_fasta, read_fasta
from hyperpcm.protein.sequence import AMINO_ACIDS

CHEMBL = "raw.githubusercontent.com/cansyl/MDeePred/98203f83d2687e790d7429bc9a11fd93cd6e067e"


def pairs(text: str) -> list[tuple[str, str]]:
    records = parse_fasta(text)
    assert records.rejections == ()
    return [(one.name, one.sequence) for one in records.targets]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_understood(end, tmp_path):
    text = end.join([">one first protein", "MKTAYI", "AKQRQI", "", ">two", "MVLSPA", ""])
    expected = [("one", "MKTAYIAKQRQI"), ("two", "MVLSPA")]
    assert pairs(text) == expected
    (tmp_path / "a.fasta").write_bytes(text.encode())
    assert [(one.name, one.sequence) for one in read_fasta(tmp_path / "a.fasta").targets] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeff>a\nMKTAYI\n", [("a", "MKTAYI")]),
        ("\n\n>a\n\nMKT\n\nAYI\n\n", [("a", "MKTAYI")]),
        ("MKTAYI\nAKQRQI\n", [("", "MKTAYIAKQRQI")]),
        ("MKTAYI\n>b\nMVLSPA", [("", "MKTAYI"), ("b", "MVLSPA")]),
        (">\nMKTAYI\n>\nMVLSPA\n", [("", "MKTAYI"), ("", "MVLSPA")]),
        ("; a comment\n>a\n;another\nMKTAYI\n", [("a", "MKTAYI")]),
        (">sp|P00533|EGFR_HUMAN Epidermal growth factor receptor OS=Homo sapiens\nMRPSGT\n",
         [("sp|P00533|EGFR_HUMAN", "MRPSGT")]),
        (">  a b\nMKTAYI*\n", [("a", "MKTAYI")]),
        (">a\nMKT AYI\n  AKQ\n", [("a", "MKTAYIAKQ")]),
        ("", []),
        ("\n \n", []),
    ],
)  # fmt: skip
def test_forms_met_in_the_wild_are_understood(text, expected):
    assert pairs(text) == expected


def test_mended_records_say_what_was_mended():
    assert parse_fasta(">a\nmktayi*\n").targets == (Target("MKTAYI", "a", ("UPPER_CASED", "STOP_REMOVED")),)


def test_unusable_records_are_reported_with_their_place_and_the_others_kept():
    records = parse_fasta(">a\nMKTAYI\n>\n>blank\n\n>gap\nMK-T\n>dna\n" + "ACGT" * 10 + "\n>z\nMVLSPA\n")
    assert [one.name for one in records.targets] == ["a", "z"]
    assert [(one.row, one.text, one.code) for one in records.rejections] == [
        (1, "", "EMPTY"),
        (2, "blank", "EMPTY"),
        (3, "gap", "BAD_RESIDUE"),
        (4, "dna", "NUCLEIC"),
    ]
    assert "line 6" in records.rejections[2].reason
    assert "residue 3" in records.rejections[2].reason


def test_a_record_given_twice_is_kept_once_and_reported():
    records = parse_fasta(">a one\nMKTAYI\n>a two\nmktayi\n")
    assert [one.name for one in records.targets] == ["a"]
    assert [(one.row, one.code) for one in records.rejections] == [(1, "DUPLICATE")]


def test_every_record_of_a_name_with_different_sequences_is_rejected():
    records = parse_fasta(">a\nMKTAYI\n>b\nMVLSPA\n>a\nMVLSPC\n>a\nMKTAYI\n")
    assert [one.name for one in records.targets] == ["b"]
    assert [(one.row, one.code) for one in records.rejections] == [
        (0, "CONFLICT"),
        (2, "CONFLICT"),
        (3, "CONFLICT"),
    ]
    assert "line 5: 'a' stands for two or more different sequences" in records.rejections[1].reason


def test_two_names_for_one_sequence_are_both_kept():
    assert pairs(">a\nMKTAYI\n>b\nMKTAYI\n") == [("a", "MKTAYI"), ("b", "MKTAYI")]


def test_compression_is_told_by_content_and_not_by_name(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_bytes(gzip.compress(b">a\nMKTAYI\n", mtime=0))
    assert read_fasta(str(path)).targets == (Target("MKTAYI", "a"),)


@pytest.mark.parametrize(
    "content", [">é\nMKT\n".encode("latin-1"), ">a\nMKT\n".encode("utf-16"), b"\x89PNG\r\n\xff\xfe"]
)
def test_a_file_that_is_not_utf8_text_is_refused(content, tmp_path):
    path = tmp_path / "a.fasta"
    path.write_bytes(content)
    with pytest.raises(TableError, match="UTF-8"):
        read_fasta(path)


def test_a_truncated_gzip_file_is_refused_as_damaged(tmp_path):
    path = tmp_path / "a.fasta.gz"
    path.write_bytes(gzip.compress(b">a\n" + b"MKTAYI\n" * 1000, mtime=0)[:40])
    with pytest.raises(TableError, match="damaged"):
        read_fasta(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(TableError, match=r"none\.fasta: cannot be read"):
        read_fasta(tmp_path / "none.fasta")
    with pytest.raises(TableError, match="cannot be read"):
        read_fasta(tmp_path)


def test_a_compressed_endless_line_stops_the_reader(tmp_path):
    path = tmp_path / "bomb.fasta.gz"
    path.write_bytes(gzip.compress(b">a\n" + b"A" * 20_000_000, mtime=0))
    with pytest.raises(TableError, match="no protein FASTA"):
        read_fasta(path)


def test_a_hundred_thousand_records_are_read_in_seconds_and_as_biotite_reads_them(tmp_path):
    random.seed(0)
    text = "".join(f">p{i} x\n{''.join(random.choices(AMINO_ACIDS, k=60))}\n" for i in range(100_000))
    path = tmp_path / "many.fasta"
    path.write_text(text)
    began = time.perf_counter()
    records = read_fasta(path)
    assert time.perf_counter() - began < 10
    expected = [(header.split()[0], sequence) for header, sequence in FastaFile.read_iter(io.StringIO(text))]
    assert [(one.name, one.sequence) for one in records.targets] == expected


def test_all_of_chembl_is_read_as_biotite_reads_it(mirror: Path):
    path = next((mirror / CHEMBL).rglob("chembl_25.fa.gz"))
    records = read_fasta(path)
    with gzip.open(path, "rt") as file:
        given = [(header.split()[0], sequence.upper()) for header, sequence in FastaFile.read_iter(file)]
    assert len(records.targets) + len(records.rejections) == len(given)
    sequences: dict[str, set[str]] = {}
    for name, sequence in given:
        sequences.setdefault(name, set()).add(sequence)
    single = {name: next(iter(one)) for name, one in sequences.items() if len(one) == 1}
    rejected = {one.text for one in records.rejections if one.code != "DUPLICATE"}
    assert {one.name: one.sequence for one in records.targets} == {
        name: sequence for name, sequence in single.items() if name not in rejected
    }
    assert {name for name, one in sequences.items() if len(one) > 1} <= rejected
