"""The card of a model that ships says what its record holds, and does not say more."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.pretrained import pack_model
from hyperpcm.pretrained.card import shipped_card
from hyperpcm.pretrained.figures import card_figures
from small_pretrained import with_default

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures() -> dict:
    return card_figures(
        ROOT / "benchmarks" / "results",
        ("chembl20", "chembl_quant"),
        {"chembl20": ROOT / "benchmarks" / "families" / "chembl20.csv"},
    )


@pytest.fixture
def record(folders: SimpleNamespace, tmp_path: Path, figures: dict) -> dict:
    packed = pack_model(
        with_default(tmp_path, "given"), "one", folders.models, figures=figures, licence={"weights": "MINE"}
    )
    assert packed.card() == shipped_card(packed.record())
    return packed.record()


def test_it_holds_all_that_a_reader_must_know(record: dict):
    card = shipped_card(record)
    for part in (
        "## What it was trained on",
        "weights and what it remembers: MINE",
        "### Proteins unlike every known one",
        "### Compounds that this release of ChEMBL did not contain",
        "## By family of proteins",
        "| protein kinases |",
        "gradient boosting (LightGBM)",
        "the same with proteins exchanged (null)",
        "## What it must not be used for",
        "peptide, a macrocycle or a metal",
        record["sha256"],
        "accuracy/chembl20/homology_target.json",
    ):
        assert part in card, part


def test_every_number_of_a_row_stands_in_its_line(record: dict):
    card = shipped_card(record)
    for one in record["figures"]["accuracy"]:
        section = card.split(f"### {one['title']}")[1].split("\n#")[0]
        for row in one["rows"]:
            assert any(
                f"{row['auroc']:.3f}" in line and f"{row['spearman']:.3f}" in line
                for line in section.splitlines()
                if line.startswith("|")
            ), row


def test_where_it_is_not_better_it_says_so(record: dict):
    changed = copy.deepcopy(record)
    (one, *_) = changed["figures"]["accuracy"]
    rows = {row["model"]: row for row in one["rows"]}
    for row in rows.values():
        if "auroc_difference" in row:
            row["auroc_difference"] |= {"mean": 0.1, "low": 0.05, "high": 0.15}
    assert "In AUROC it is better than every row" in shipped_card(changed)
    assert "Selectivity on a protein without known relatives" not in shipped_card(changed)
    rows["gbm"]["auroc_difference"] |= {"mean": -0.1, "low": -0.15, "high": -0.05}
    rows["hyperpcm_shuffled"]["auroc_difference"] |= {"low": -0.01}
    card = shipped_card(changed)
    assert (
        "In AUROC it is worse than gradient boosting (LightGBM) and not surely better than the same" in card
    )
    assert "Selectivity on a protein without known relatives" in card


def test_without_figures_the_card_is_the_one_in_the_file(record: dict):
    plain = {name: value for name, value in record.items() if name != "figures"}
    assert shipped_card(plain) == record["card"]


def test_what_intervals_hold_is_told_of_new_and_of_known_targets(record: dict):
    changed = copy.deepcopy(record)
    changed["figures"]["coverage"] = {
        "data": "chembl",
        "file": "trust/chembl.json",
        "sha256": "0" * 64,
        "commits": {"0": "d" * 40},
        "split": "mixed",
        "coverage": {"0.8": 0.801},
        "coverage_of_kinds": {"new_targets": {"0.8": 0.782}, "known_targets": {"0.8": 0.823}},
        "rmse_by_verdict": {"inside": 0.5},
    }
    card = shipped_card(changed)
    assert "On test rows of chembl (mixed), 80.1 % of the labels lie in intervals of 80 %." in card
    assert "On new targets alone, 78.2 % of the labels" in card
    assert "On known targets alone, 82.3 % of the labels" in card
    assert f"(sha256 {'0' * 16}…; commit {'d' * 12})" in card


def test_the_state_of_the_code_that_made_each_figure_is_told(record: dict):
    changed = copy.deepcopy(record)
    (one, *others) = changed["figures"]["accuracy"]
    for other in others:
        other["commits"] = dict.fromkeys(other["commits"], "a" * 40)
    changed["figures"]["coverage"] = None
    one["commits"] = {"0": "a" * 40, "1": "a" * 40}
    changed["commit"] = "a" * 40
    assert "The recipe was worked on" not in shipped_card(changed)
    assert f"MB; commit {'a' * 12}\n" in shipped_card(changed)
    one["commits"] = {"0": "a" * 40, "1": "b" * 40, "2": "a" * 40}
    card = shipped_card(changed)
    assert f"commit {'a' * 12} for folds 0 and 2, commit {'b' * 12} for fold 1)" in card
    assert "The recipe was worked on between these runs" in card
    one["commits"], changed["commit"] = {"0": "a" * 40}, "c" * 40
    assert "The recipe was worked on between these runs" in shipped_card(changed)
