"""Published SMILES: those of DUD-E where its files are at hand, the standardised ones everywhere else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hyperpcm.chem import standardise
from hyperpcm.datasets import catalog
from hyperpcm.datasets.dude import read_dude
from hyperpcm.datasets.published_texts import published_smiles
from small_tables import random_table


def test_other_tables_have_their_standardised_smiles():
    table = random_table(0)
    assert published_smiles(table) == table.compounds


def test_a_table_without_its_raw_files_falls_back_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    table = dataclasses.replace(random_table(0), name="dude")
    assert published_smiles(table) == table.compounds
    assert "not in the data folder" in caplog.text


@pytest.mark.mirror
def test_dude_has_the_text_of_its_files(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    files = catalog.fetch("dude")
    some = {key: path for key, path in files.items() if key.split("_")[0] in ("sequences", "fold", "comt")}
    table = read_dude(some)
    published = published_smiles(table)
    assert len(published) == len(table.compounds)
    written = {line.split()[0] for key in ("comt_actives", "comt_decoys") for line in open_lines(files[key])}
    assert sum(text in written for text in published) > 0.9 * len(published)  # others: first seen elsewhere
    for text, compound in list(zip(published, table.compounds, strict=True))[::50]:
        assert standardise(text).smiles == compound
    strange = dataclasses.replace(random_table(0), name="dude")
    assert published_smiles(strange) == strange.compounds


def open_lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
