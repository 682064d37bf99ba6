"""Loading by name: what was parsed is kept, never stale, never wrong, and never in the way."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets import catalog, load, loading
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.parsed_cache import cache_key, parsed_once
from hyperpcm.errors import ConfigError, Rejection

TABLE = Interactions(
    name="toy",
    quantity=Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0),
    compounds=("CCO", "CCN"),
    targets=("MKV",),
    compound_names=("Ethanol, β", "b"),
    target_names=("t",),
    compound_index=np.array([0, 1]),
    target_index=np.array([0, 0]),
    values=np.array([5.0, 6.0]),
    relations=np.array([0, 1]),
    year=np.array([1999, 2001]),
    folds={"published": np.array([-1, 3])},
    rejections=(Rejection(4, "C1CC", "PARSE", "ring left open"),),
    notes=("one note",),
)


class Reader:
    """Counts how often it is asked."""

    asked = 0

    def __call__(self) -> Interactions:
        self.asked += 1
        return TABLE


def same(one: Interactions, other: Interactions) -> bool:
    texts = ("name", "quantity", "compound_names", "target_names", "rejections", "notes")
    return one.fingerprint() == other.fingerprint() and all(
        getattr(one, field) == getattr(other, field) for field in texts
    )


def test_a_kept_table_equals_the_one_that_was_read(tmp_path: Path):
    reader = Reader()
    assert same(parsed_once(tmp_path, "k", reader), TABLE)
    assert same(parsed_once(tmp_path, "k", reader), TABLE)
    assert reader.asked == 1
    parsed_once(tmp_path, "other", reader)
    assert reader.asked == 2


def test_a_table_without_year_and_folds_is_kept_too(tmp_path: Path):
    plain = dataclasses.replace(TABLE, year=None, folds={})
    parsed_once(tmp_path, "k", lambda: plain)
    assert same(parsed_once(tmp_path, "k", Reader()), plain)


def test_which_rows_are_bins_is_kept(tmp_path: Path):
    mixed = dataclasses.replace(TABLE, relations=[0, 0], binned=[True, False])
    parsed_once(tmp_path, "k", lambda: mixed)
    kept = parsed_once(tmp_path, "k", Reader())
    assert kept.is_binned().tolist() == [True, False]
    assert same(kept, mixed)


def test_any_damage_is_noticed_and_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    parsed_once(tmp_path, "k", lambda: TABLE)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(whole), size=200):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        reader = Reader()
        assert same(parsed_once(tmp_path, "k", reader), TABLE)
        assert reader.asked == 1
    for content in (b"", whole[: len(whole) // 2], b"no archive"):
        path.write_bytes(content)
        assert same(parsed_once(tmp_path, "k", Reader()), TABLE)
    assert "is damaged and is made again" in caplog.text
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_text("in the way")
    assert same(parsed_once(tmp_path / "file" / "below", "k", Reader()), TABLE)
    assert "cannot be written" in caplog.text


def test_a_full_disk_only_warns_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    assert same(parsed_once(tmp_path, "k", Reader()), TABLE)
    assert not list(tmp_path.iterdir())
    assert "No space left" in caplog.text


def test_the_key_changes_with_files_name_and_reader():
    keys = {
        cache_key("davis", "hyperpcm.datasets.deep_dta", ["aa"]),
        cache_key("davis", "hyperpcm.datasets.deep_dta", ["ab"]),
        cache_key("kiba", "hyperpcm.datasets.deep_dta", ["aa"]),
        cache_key("davis", "hyperpcm.datasets.chembl20", ["aa"]),
    }
    assert len(keys) == 4


def test_every_data_set_of_the_catalog_has_a_reader():
    assert loading._READERS.keys() == catalog.DATASETS.keys()


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="no data set 'lenselonk'"):
        load("lenselonk")


@pytest.mark.mirror
def test_loading_again_gives_the_same_table_without_parsing(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    stages: list[str] = []
    first = load("davis", merge=False, progress=lambda stage, done, total: stages.append(stage))
    assert "standardising compounds" in stages
    stages.clear()
    monkeypatch.delenv("HYPERPCM_MIRROR")
    again = load("davis", merge=False, progress=lambda stage, done, total: stages.append(stage))
    assert same(first, again)
    assert not stages
    merged = load("davis")
    assert (len(merged), "published" in merged.folds) == (68 * 379, False)
