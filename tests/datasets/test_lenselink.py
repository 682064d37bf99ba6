"""A made table in the layout of Lenselink et al.: given in any form, read alike, divided as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperpcm.datasets import catalog, load, make_splits
from hyperpcm.errors import ConfigError, DataUnavailableError, TableError

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def published() -> pd.DataFrame:
    """12 compounds on 10 proteins; one repeat; years 2008 to 2014."""
    rows = [(compound, protein) for compound in range(12) for protein in range(10)] + [(0, 0)]
    number = np.arange(len(rows))
    return pd.DataFrame(
        {
            "MID": [f"CHEMBL{compound}" for compound, _ in rows],
            "Molecule": ["C" * (compound + 1) + "O" for compound, _ in rows],
            "PID": [f"P{protein}" for _, protein in rows],
            "Protein": [RESIDUES[protein:] + RESIDUES[:protein] for _, protein in rows],
            "Bioactivity": 5.5 + 0.25 * (number % 9),
            "Year": 2008 + number % 7,
            "random": number % 10,
            "lpo": [protein for _, protein in rows],
            "lcco": [compound % 10 for compound, _ in rows],
        }
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path


def given(folder: Path, form: str) -> Path:
    path = folder / f"given.{form}"
    frame = published()
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "tsv":
        frame.to_csv(path, index=False, sep="\t")
    elif form == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_pickle(path)
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "pickle"])
def test_every_accepted_form_gives_the_published_rows(data: Path, form: str):
    catalog.receive("lenselink", given(data, form))
    assert catalog.is_local("lenselink")
    table, frame = load("lenselink", merge=False), published()
    assert len(table) == len(frame)
    assert [table.compound_names[place] for place in table.compound_index] == frame["MID"].tolist()
    assert [table.targets[place] for place in table.target_index] == frame["Protein"].tolist()
    np.testing.assert_array_equal(table.values, frame["Bioactivity"].to_numpy(np.float32))
    np.testing.assert_array_equal(table.year, frame["Year"])
    for name in ("random", "lpo", "lcco"):
        np.testing.assert_array_equal(table.folds[name], frame[name])


def test_only_values_above_6_5_are_active(data: Path):
    catalog.receive("lenselink", given(data, "csv"))
    table = load("lenselink", merge=False)
    np.testing.assert_array_equal(table.is_active(), published()["Bioactivity"] > 6.5)


@pytest.mark.parametrize("column", ["random", "lpo", "lcco"])
def test_the_reference_convention_is_part_eight_and_part_nine(data: Path, column: str):
    catalog.receive("lenselink", given(data, "csv"))
    split = make_splits(load("lenselink", merge=False), "published_folds", folds=1, column=column)[0]
    part = published()[column].to_numpy()
    assert [set(part[side]) for side in (split.train, split.valid, split.test)] == [set(range(8)), {8}, {9}]
    if column == "lpo":
        assert len(split.test) == 12


def test_the_temporal_split_cuts_at_2012(data: Path):
    catalog.receive("lenselink", given(data, "csv"))
    (split,) = make_splits(load("lenselink", merge=False), "temporal", valid_from=2012, test_from=2013)
    year = published()["Year"].to_numpy()
    assert year[split.train].max() == 2011
    assert set(year[split.valid]) == {2012}
    assert year[split.test].min() == 2013


def test_without_a_copy_the_message_says_where_it_is_published_and_how_to_give_it(data: Path):
    assert not catalog.is_local("lenselink")
    with pytest.raises(DataUnavailableError) as caught:
        load("lenselink")
    for needed in (
        "10.4121/uuid:547e8014",
        "not verified",
        "data fetch lenselink --from PATH",
        "MID, Molecule",
    ):
        assert needed in str(caught.value)


def test_an_altered_copy_is_not_taken_for_data(data: Path):
    files = catalog.receive("lenselink", given(data, "csv"))
    files["table"].write_text(files["table"].read_text() + "\n")
    assert not catalog.is_local("lenselink")
    with pytest.raises(DataUnavailableError, match="no whole copy"):
        load("lenselink")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="Protein"), "no column 'Protein'"),
        (lambda frame: frame.assign(Bioactivity="high"), "Bioactivity 'high' is not a number"),
        (lambda frame: frame.assign(lpo=0.5), "lpo '0.5' is not a whole number"),
        (lambda frame: frame.assign(Year=12), "Year '12' is not a whole number from 1800 to 2099"),
        (lambda frame: frame.assign(PID="P"), "PID 'P' stands for another Protein"),
    ],
)
def test_another_layout_is_refused_before_anything_is_kept(data: Path, change, message: str):
    path = data / "given.csv"
    change(published()).to_csv(path, index=False)
    with pytest.raises(TableError, match=message):
        catalog.receive("lenselink", path)
    assert not catalog.is_local("lenselink")


def test_a_copy_is_taken_only_of_what_cannot_be_downloaded(data: Path):
    with pytest.raises(ConfigError, match="'davis' is downloaded"):
        catalog.receive("davis", given(data, "csv"))
    with pytest.raises(TableError, match="there is no such file"):
        catalog.receive("lenselink", data / "nowhere.csv")


def test_missing_years_and_fold_columns_are_noted(data: Path):
    frame = published().drop(columns=["lcco"])
    frame["Year"] = frame["Year"].where(frame.index > 0)
    frame.to_csv(data / "given.csv", index=False)
    catalog.receive("lenselink", data / "given.csv")
    table = load("lenselink", merge=False)
    assert table.year is None
    assert {"'lcco' is not in the table", "'Year' is not used"} <= {
        words
        for words in ("'lcco' is not in the table", "'Year' is not used")
        if any(words in n for n in table.notes)
    }
