"""Davis and KIBA as published: counts, values and folds of the raw files; damaged layouts are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hyperpcm.datasets import catalog
from hyperpcm.datasets.deep_dta import read_davis, read_kiba
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.errors import LabelError, TableError
from hyperpcm.public_files.pinned import mirrored


def raw_files(name: str, mirror: Path) -> dict[str, Path]:
    found = {key: mirrored(pinned, mirror) for key, pinned in catalog.record(name).files.items()}
    return {key: path for key, path in found.items() if path is not None}


@pytest.fixture(scope="module")
def davis(mirror: Path) -> Interactions:
    return read_davis(raw_files("davis", mirror))


@pytest.fixture(scope="module")
def kiba(mirror: Path) -> Interactions:
    return read_kiba(raw_files("kiba", mirror))


@pytest.mark.mirror
def test_davis_has_the_published_counts(davis: Interactions):
    assert (len(davis), len(davis.compounds), len(davis.targets)) == (30056, 68, 379)
    assert len("|".join(davis.target_names).split("|")) == 442
    assert (davis.relations == -1).sum() == 20931
    assert davis.is_active().sum() == 2502
    assert davis.values.min() == 5.0
    assert not davis.rejections


@pytest.mark.mirror
def test_davis_values_are_the_matrix_in_row_major_order(davis: Interactions, mirror: Path):
    files = raw_files("davis", mirror)
    matrix = pd.read_csv(files["affinities"], sep=" ", header=None).to_numpy().ravel()
    np.testing.assert_allclose(10.0 ** (9.0 - davis.values.astype(np.float64)), matrix, rtol=1e-5)
    assert ((davis.relations == -1) == (matrix >= 10_000)).all()
    sequences = list(json.loads(files["targets"].read_text()).values())
    assert [davis.targets[place] for place in davis.target_index[:442]] == sequences
    names = list(json.loads(files["compounds"].read_text()))
    assert [davis.compound_names[place] for place in davis.compound_index[::442]] == names


@pytest.mark.mirror
def test_the_target_with_an_unknown_residue_survives(davis: Interactions):
    (odd,) = [name for name, text in zip(davis.target_names, davis.targets, strict=True) if "X" in text]
    assert odd == "TESK1"


@pytest.mark.mirror
def test_published_folds_are_those_of_the_files(davis: Interactions, kiba: Interactions, mirror: Path):
    for table, sizes in ((davis, (5010, [5010, 5009, 5009, 5009, 5009])), (kiba, (19709, [19709] * 5))):
        fold = table.folds["published"]
        files = raw_files(table.name, mirror)
        assert sorted(np.flatnonzero(fold == -1)) == sorted(json.loads(files["test_fold"].read_text()))
        for number, part in enumerate(json.loads(files["train_folds"].read_text())):
            assert sorted(np.flatnonzero(fold == number)) == sorted(part)
        test, parts = sizes
        assert (fold == -1).sum() == test
        assert sorted(np.bincount(fold[fold >= 0])) == sorted(parts)


@pytest.mark.mirror
def test_davis_test_pairs_with_a_twin_in_training_are_929(davis: Interactions):
    fold = davis.folds["published"]
    pairs = davis.compound_index * len(davis.targets) + davis.target_index
    assert np.isin(pairs[fold == -1], pairs[fold >= 0]).sum() == 929


@pytest.mark.mirror
def test_kiba_has_the_published_counts(kiba: Interactions):
    # 2,068 structures as written; three pairs of them differ in charge only and are one compound here.
    assert (len(kiba), len(kiba.compounds), len(kiba.targets)) == (118254, 2065, 229)
    assert len("|".join(kiba.compound_names).split("|")) == 2111
    assert (kiba.relations == 0).all()
    assert kiba.is_active().sum() == 24828
    assert kiba.values.min() == 0.0
    assert (kiba.values < 5).sum() == 7
    assert kiba.values.mean() == pytest.approx(11.72, abs=0.005)


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["davis", "kiba"])
def test_counts_of_the_catalog_are_those_of_the_table(name: str, request: pytest.FixtureRequest):
    table, record = request.getfixturevalue(name), catalog.record(name)
    assert (len(table), len(table.compounds), len(table.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )


@pytest.mark.mirror
def test_merging_leaves_one_row_per_pair_and_drops_folds_that_leak(davis: Interactions):
    merged = merge_repeats(davis)
    pairs = merged.compound_index * len(merged.targets) + merged.target_index
    assert len(np.unique(pairs)) == len(merged) == 68 * 379
    assert "published" not in merged.folds


@pytest.fixture
def toy(tmp_path: Path) -> dict[str, Path]:
    """Two compounds, two targets, three measurements."""
    content = {
        "affinities": "11.5\tnan\n12.5\t13\n",
        "compounds": json.dumps({"a": "OCC", "b": "CCN"}),
        "targets": json.dumps({"p": "MKVLAA", "q": "MKVLAC"}),
        "test_fold": "[1]",
        "train_folds": "[[0], [2]]",
    }
    for key, text in content.items():
        (tmp_path / key).write_text(text)
    return {key: tmp_path / key for key in content}


def test_cells_without_a_measurement_are_left_out_and_counted(toy: dict[str, Path]):
    table = read_kiba(toy)
    assert table.values.tolist() == [11.5, 12.5, 13.0]
    assert table.compounds == ("CCO", "CCN")
    assert table.folds["published"].tolist() == [0, -1, 1]
    assert "1 of 4 cells of the matrix hold no measurement." in table.notes


def test_an_unreadable_compound_is_reported_and_its_folds_stay_in_place(toy: dict[str, Path]):
    toy["compounds"].write_text(json.dumps({"a": "C1CC", "b": "CCN"}))
    table = read_kiba(toy)
    assert table.values.tolist() == [12.5, 13.0]
    assert table.folds["published"].tolist() == [-1, 1]
    assert [(one.row, one.text) for one in table.rejections] == [(0, "C1CC")]
    assert any(note.startswith("1 of 3 rows left out") for note in table.notes)


def test_an_unreadable_target_is_reported(toy: dict[str, Path]):
    toy["targets"].write_text(json.dumps({"p": "MK*LAA", "q": "MKVLAC"}))
    table = read_kiba(toy)
    assert table.values.tolist() == [13.0]
    assert [(one.row, one.code) for one in table.rejections] == [(0, "BAD_RESIDUE")]


def test_a_table_without_any_readable_row_is_refused(toy: dict[str, Path]):
    toy["compounds"].write_text(json.dumps({"a": "C1CC", "b": "?"}))
    with pytest.raises(LabelError, match="none of 3 rows"):
        read_kiba(toy)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("affinities", "11.5 x\n1 2\n", "a matrix of numbers"),
        ("affinities", "11.5 nan 3\n12.5 13 4\n", "2 × 3 numbers for 2 × 2 names"),
        ("affinities", "11.5 nan\n12.5 inf\n", "infinite value in row 2"),
        ("compounds", "not json", "not JSON"),
        ("compounds", '["CCO"]', "JSON object"),
        ("targets", '{"p": 5, "q": "MKV"}', "JSON object"),
        ("test_fold", "[3]", "names cell 3"),
        ("test_fold", '["x"]', "whole numbers"),
        ("test_fold", "{}", "JSON list"),
        ("test_fold", "[0]", "in two folds"),
        ("train_folds", "[[0], []]", "1 of 3 measured cells are in no fold"),
        ("train_folds", "[[0, 0], [2]]", "twice in one"),
    ],
)
def test_a_damaged_layout_is_refused_with_its_file(toy: dict[str, Path], key: str, text: str, message: str):
    toy[key].write_text(text)
    with pytest.raises(TableError, match=message):
        read_kiba(toy)


def test_a_concentration_that_is_not_positive_is_refused(toy: dict[str, Path]):
    toy["affinities"].write_text("0 nan\n1 2\n")
    with pytest.raises(TableError, match="not positive"):
        read_davis(toy)
