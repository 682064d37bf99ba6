"""A folder of three tables reads as the one table that joining them by hand gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets import make_splits, read_table
from hyperpcm.datasets.tidy_folder import read_tidy_folder
from hyperpcm.errors import TableError

COMPOUNDS = "compound_id,smiles,fold_ldco\n7,CCO,0\n8,c1ccccc1,1\n9,CCN,2\n"
TARGETS = "target_id,sequence,chembl_id\n1,MKTAYIAK,CHEMBL1\n2,MKVLSLIP,CHEMBL2\n"
ROWS = (
    "compound_id,target_id,value,relation,after_chembl20,source\n"
    "7,1,6.5,=,false,x\n8,1,7.5,=,false,x\n9,2,5.0,<,false,y\n7,2,8.0,=,true,y\n"
)


def folder_of(path: Path, compounds=COMPOUNDS, targets=TARGETS, rows=ROWS) -> Path:
    for name, text in (("compounds", compounds), ("targets", targets), ("interactions", rows)):
        (path / f"{name}.csv").write_text(text)
    return path


def test_a_tidy_folder_reads_as_its_joined_table(tmp_path: Path):
    found = read_table(folder_of(tmp_path), quantity="pKd", active_at=7.0)
    joined = tmp_path / "joined.csv"
    joined.write_text(
        "compound_id,smiles,target,sequence,value,relation\n"
        "7,CCO,CHEMBL1,MKTAYIAK,6.5,=\n8,c1ccccc1,CHEMBL1,MKTAYIAK,7.5,=\n"
        "9,CCN,CHEMBL2,MKVLSLIP,5.0,<\n7,CCO,CHEMBL2,MKVLSLIP,8.0,=\n"
    )
    by_hand = read_table(joined, quantity="pKd", active_at=7.0)
    for field in ("compounds", "targets", "compound_names", "target_names", "quantity"):
        assert getattr(found, field) == getattr(by_hand, field)
    for field in ("compound_index", "target_index", "values", "relations"):
        np.testing.assert_array_equal(getattr(found, field), getattr(by_hand, field))
    assert found.folds["after_chembl20"].tolist() == [0, 0, 0, 1]
    assert found.folds["fold_ldco"].tolist() == [0, 1, 2, 0]
    assert "source" not in found.folds


def test_a_forward_split_of_a_tidy_folder(tmp_path: Path):
    table = read_table(folder_of(tmp_path), quantity="pKd")
    (split,) = make_splits(table, "forward", valid_share=0.4)
    assert split.test.tolist() == [3]


def test_ignored_columns_are_named(tmp_path: Path):
    assert read_tidy_folder(folder_of(tmp_path)).folds.keys() == {"fold_ldco", "after_chembl20"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"compounds": COMPOUNDS + "7,CCC,0\n"}, r"'7', which another row has, too"),
        (
            {"rows": ROWS + "70,1,6.0,=,true,z\n"},
            r"names the compound_id '70', which compounds\.csv does not",
        ),
        ({"targets": TARGETS.replace("sequence", "letters")}, r"no column 'sequence'"),
        (
            {"rows": ROWS.replace("source", "fold_ldco").replace(",x", ",1").replace(",y", ",1")},
            "another table",
        ),
    ],
)
def test_tables_that_do_not_fit_together_are_refused(tmp_path: Path, change, message):
    with pytest.raises(TableError, match=message):
        read_table(folder_of(tmp_path, **change), quantity="pKd")


def test_a_folder_without_the_tables_says_what_it_should_hold(tmp_path: Path):
    with pytest.raises(TableError, match=r"holds compounds, targets and interactions"):
        read_table(tmp_path)
