"""The quantitative set: its copy is checked, and a real one in the data folder has the published counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.datasets import catalog, load, make_splits
from hyperpcm.errors import TableError

COMPOUNDS = "compound_id,smiles\n0,CCO\n1,c1ccccc1\n2,CCN\n3,CCC\n"
TARGETS = "target_id,sequence\n0,MKTAYIAK\n1,MKVLSLIP\n"
ROWS = (
    "compound_id,target_id,value,after_chembl20\n"
    "0,0,6.0,false\n1,0,7.0,false\n1,1,6.5,false\n3,1,5.0,false\n2,1,8.0,true\n"
)


def copy_of(folder: Path, rows: str = ROWS) -> Path:
    for name, text in (("compounds", COMPOUNDS), ("targets", TARGETS), ("interactions", rows)):
        (folder / f"{name}.parquet").write_text(text)  # what a file is decides its content, not its name
    return folder


def test_a_given_folder_is_read_with_its_mark_of_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    catalog.receive("chembl_quant", copy_of(tmp_path))
    table = load("chembl_quant")
    assert table.name == "chembl_quant"
    assert table.quantity == catalog.record("chembl_quant").quantity
    assert table.values.tolist() == [6.0, 7.0, 6.5, 5.0, 8.0]
    assert table.is_active().tolist() == [False, True, True, False, True]
    (split,) = make_splits(table, "forward", valid_share=0.4)
    assert split.test.tolist() == [4]


def test_a_folder_without_the_mark_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    rows = ROWS.replace("after_chembl20", "recent")
    with pytest.raises(TableError, match="no column 'after_chembl20'"):
        catalog.receive("chembl_quant", copy_of(tmp_path, rows))


@pytest.mark.slow
def test_the_counts_of_the_real_copy():
    if not catalog.is_local("chembl_quant"):
        pytest.skip("give a copy (hyperpcm data fetch chembl_quant --from FOLDER) to run this test")
    table, record = load("chembl_quant"), catalog.record("chembl_quant")
    assert (len(table), len(table.compounds), len(table.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )
    # Of the 185,963 pairs and 97,181 compounds, 8 pairs of 6 compounds are too large to be read.
    assert (len(table), len(table.compounds)) == (185_963 - 8, 97_181 - 6)
    (split,) = make_splits(table, "forward")
    assert split.test.size == 72_037 - 5
    assert len(set(table.target_index[split.test])) == 600
    assert not set(table.compound_index[split.test]) & set(table.compound_index[split.train])
