"""Rows of a result against sorting and filtering lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets.compound_files import count_compounds, read_compounds
from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.output import TableWriter
from hyperpcm.datasets.result_rows import result_rows
from hyperpcm.errors import TableError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 10, 200) / 2
    rows = [
        {
            "row": row,
            "score": None if row % 17 == 0 else float(scores[row]),
            "name": f"Name {row} 50%_" if row % 3 else None,
            "domain": ("inside", "edge", "outside")[row % 3],
        }
        for row in range(200)
    ]
    schema = {"row": int, "score": float, "name": str, "domain": str}
    with TableWriter(path, schema) as writer:
        writer.write({name: [row[name] for row in rows] for name in schema})
    return path, rows


@pytest.mark.parametrize("descending", [False, True])
def test_rows_are_sorted_stably_with_empty_ones_last(table, descending: bool):
    path, rows = table
    found = result_rows(path, sort="score", descending=descending, limit=1000)
    full = [row for row in rows if row["score"] is not None]
    full.sort(key=lambda row: -row["score"] if descending else row["score"])
    assert found.rows == full + [row for row in rows if row["score"] is None]
    page = result_rows(path, sort="score", descending=descending, offset=30, limit=7)
    assert page.rows == found.rows[30:37]


def test_filters_are_joined_and_signs_of_patterns_are_text(table):
    path, rows = table
    found = result_rows(
        path,
        sort="row",
        limit=1000,
        equal=("domain", "edge"),
        at_least=("score", 2.0),
        holding=(("name", "domain"), "NAME 1"),
    )
    expected = [
        row
        for row in rows
        if row["domain"] == "edge"
        and row["score"] is not None
        and row["score"] >= 2
        and "name 1" in (row["name"] or "").lower()
    ]
    assert found.rows == expected
    assert (found.matching, found.total) == (len(expected), 200)
    assert result_rows(path, sort="row", holding=(("name",), "50%_")).matching == 133
    assert result_rows(path, sort="row", holding=(("name",), ".*")).matching == 0


def test_a_damaged_result_is_said(tmp_path: Path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError, match="cannot be read"):
        result_rows(path, sort="row")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.smi", "CCO a\n\nCCN\nC1CC\n"),
        ("a.csv", "smiles,name\nCCO,a\n,b\nCCN,c\n"),
        ("a.sdf", "\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n" * 3),
        ("b.sdf", "\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\nx\n\n\nM  END\n"),
    ],
)
def test_compounds_are_counted_as_they_are_read(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text)
    number = len(read_compounds(path).smiles)
    assert count_compounds(path) == number
    assert count_compounds(path, limits=ReadLimits(max_rows=1)) == 2
