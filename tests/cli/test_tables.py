"""Tables as text: columns line up, long cells give way, and only where there is a screen."""

from __future__ import annotations

import pytest

from hyperpcm.cli.tables import aligned, byte_count, display_width, shortened


def test_columns_line_up_to_the_left_or_right():
    text = aligned(["name", "n"], [["a", "1"], ["long name", "1,000"]], right={"n"})
    assert text.splitlines() == ["name           n", "a              1", "long name  1,000"]


def test_wide_and_combining_characters_are_counted_as_they_are_shown():
    assert [display_width(one) for one in ("abc", "激酶", "e\u0301", "Å")] == [3, 4, 1, 1]
    first, second = aligned(["激酶", "x"], [["ab", "y"]]).splitlines()
    assert display_width(first) == display_width(second)


def test_the_flexible_column_gives_way_and_not_below_a_limit():
    rows = [["1", "C" * 200]]
    lines = aligned(["rank", "SMILES"], rows, flexible="SMILES", width=40).splitlines()
    assert max(map(len, lines)) == 40
    assert lines[1].endswith("C…")
    narrow = aligned(["rank", "SMILES"], rows, flexible="SMILES", width=5).splitlines()
    assert len(narrow[1]) == len("rank") + 2 + 12
    assert "…" not in aligned(["rank", "SMILES"], rows, flexible="SMILES", width=None)


def test_cells_cannot_break_the_table():
    assert len(aligned(["a"], [["x\ny\x1b[2J"]]).splitlines()) == 2


def test_no_rows_are_a_header():
    assert aligned(["a", "b"], []) == "a  b"


@pytest.mark.parametrize(
    ("text", "width", "short"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("激酶激", 4, "激…")]
)
def test_shortened_fits(text: str, width: int, short: str):
    assert shortened(text, width) == short


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_726_524, "1.7 MB"), (2 * 10**9, "2.0 GB")],
)
def test_bytes_in_powers_of_ten(size: int, words: str):
    assert byte_count(size) == words
