"""Splits and their audit on the real Davis data: numbers known from the raw files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets import load
from hyperpcm.datasets.audit import audit, check_cold
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split, make_splits
from hyperpcm.errors import SplitError

pytestmark = pytest.mark.mirror

FOLDS = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data/davis/folds"


@pytest.fixture(scope="module")
def as_published(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Interactions:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERPCM_DATA", str(tmp_path_factory.mktemp("data")))
        return load("davis", merge=False)


@pytest.fixture(scope="module")
def merged(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Interactions:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERPCM_DATA", str(tmp_path_factory.mktemp("data")))
        return load("davis")


def test_published_folds_are_those_of_the_files(as_published: Interactions, mirror: Path):
    test = json.loads((mirror / FOLDS / "test_fold_setting1.txt").read_text())
    parts = json.loads((mirror / FOLDS / "train_fold_setting1.txt").read_text())
    splits = make_splits(as_published, "published_warm")
    assert len(splits) == len(parts) == 5
    for split, part in zip(splits, parts, strict=True):
        assert split.test.tolist() == sorted(test)
        assert split.valid.tolist() == sorted(part)


def test_929_of_5010_published_test_rows_repeat_a_seen_pair(as_published: Interactions):
    """18.5 %: kinases of several names share one sequence, so the warm split is not even new in its pairs."""
    report = audit(as_published, make_splits(as_published, "published_warm")[0], similarity=False)
    assert (report.test_in_seen.rows, report.test.rows) == (929, 5010)
    assert report.test_in_seen.compounds == 68


def test_published_folds_need_unmerged_rows(merged: Interactions):
    with pytest.raises(SplitError, match="merge=False"):
        make_splits(merged, "published_warm")


def test_cold_targets_share_no_sequence(merged: Interactions, as_published: Interactions):
    for table in (merged, as_published):
        splits = make_splits(table, "cold_target")
        assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(table)))
        for split in splits:
            check_cold(table, split)
            report = audit(table, split, similarity=False)
            assert report.test_in_seen.rows == report.test_in_seen.targets == 0
            assert 0.17 < split.test.size / len(table) < 0.23


def test_cold_compounds_and_scaffolds_are_cold(merged: Interactions):
    for name in ("cold_compound", "scaffold", "compound_cluster", "cold_both"):
        for split in make_splits(merged, name):
            check_cold(merged, split)
            assert audit(merged, split, similarity=False).test_in_seen.compounds == 0


def test_cold_targets_can_have_near_twins_in_training(merged: Interactions):
    report = audit(merged, make_splits(merged, "cold_target")[0], max_targets=20)
    assert report.nearest_target is not None
    assert report.nearest_target.shares[0.4] > 0.3
    assert (report.nearest_target.examined, report.nearest_target.of) == (20, report.test.targets)


def test_a_split_of_davis_survives_a_file_but_not_another_table(
    merged: Interactions, as_published: Interactions
):
    split = make_splits(merged, "cold_both")[0]
    text = split.to_json(merged)
    again = Split.from_json(text, merged)
    assert again.test.tolist() == split.test.tolist()
    with pytest.raises(SplitError, match="another table"):
        Split.from_json(text, as_published)


def test_families_of_kinases_stay_together(merged: Interactions):
    some = merged.select(merged.target_index < 70)
    for split in make_splits(some, "homology_target", folds=3):
        check_cold(some, split)
        report = audit(some, split)
        assert report.nearest_target is not None
        assert report.nearest_target.shares[0.9] == 0.0
