"""Groups kept on the disk: made once, per content and options, and never trusted when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets.splits.kept_groups import kept_groups

TEXTS = ["CCO", "CCN", "c1ccccc1"]


@pytest.fixture
def groups_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    made = []

    def call(texts=TEXTS, worth_keeping_s=0.0, **options):
        def make():
            made.append(1)
            return np.arange(len(texts))

        code = ["hyperpcm.chem.scaffolds"]
        found = kept_groups("tried", texts, make, options=options, code=code, worth_keeping_s=worth_keeping_s)
        assert found.tolist() == list(range(len(texts)))
        return len(made)

    return call


def test_groups_are_made_once_for_one_content_and_one_set_of_options(groups_of):
    assert groups_of(similarity=0.6) == groups_of(similarity=0.6) == 1
    assert groups_of(similarity=0.7) == 2
    assert groups_of(texts=TEXTS[:2], similarity=0.6) == 3


def test_a_damaged_file_is_made_again(groups_of, tmp_path: Path):
    groups_of()
    (kept,) = (tmp_path / "groups").iterdir()
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    assert groups_of() == 2
    assert groups_of() == 2


def test_quick_work_is_not_kept(groups_of, tmp_path: Path):
    assert groups_of(worth_keeping_s=60.0) == 1
    assert groups_of(worth_keeping_s=60.0) == 2
    assert not (tmp_path / "groups").exists()


def test_without_a_writable_folder_the_groups_are_made_all_the_same(groups_of, tmp_path: Path):
    (tmp_path / "groups").write_text("")
    assert groups_of() == 1
    assert groups_of() == 2
