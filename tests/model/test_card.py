"""The card in a model file tells where it comes from and how far to believe it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.checkpoint import load_model, load_target_model, save_target_model
from hyperpcm.model.card import card_text
from hyperpcm.target_model.card import target_card_text
from hyperpcm.training import fit
from small_calibrations import PROBABILITIES, calibrated_model
from small_models import ACTIVE, QUERY, SMALL, made_model
from small_runs import tiny, write_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return fit(tiny(write_table(folder / "table.csv", targets=60)), folder / "run").model_path


def test_a_trained_model_carries_its_card(trained: Path):
    model = load_model(trained)
    text = model.card["text"]
    assert text == card_text(model)
    for expected in (
        "# A model of table",
        "pKd in -log10(M); higher is stronger.",
        "- file: ",
        "14 compounds",
        "cold_target",
        "## What it reads",
        "ecfp",
        "mse of the validation side",
        " targets: new targets.",
        "| domain | held-out rows | error |",
        "alignment similarity of the nearest known target",
        "compounds unlike those of training",
    ):
        assert expected in text


def test_a_compiled_target_carries_it_on(trained: Path, tmp_path: Path):
    target = load_model(trained).compile_target(QUERY, name="EGFR")
    save_target_model(target, tmp_path / "egfr.hpcm")
    text = target_card_text(load_target_model(tmp_path / "egfr.hpcm"))
    assert text.startswith("# EGFR, compiled\n")
    assert "nearest known target" in text
    assert "# A model of table" in text


def test_what_is_not_known_is_left_out():
    text = card_text(made_model())
    assert "## How it was chosen" not in text
    assert "## How far to believe it" not in text
    assert "None" not in text
    assert target_card_text(made_model().compile_target(QUERY)).startswith("# A target, compiled")


def test_why_there_are_no_intervals_is_said():
    model = made_model()
    model.card["no_intervals"] = "validation has 3 rows."
    assert "no intervals: validation has 3 rows." in card_text(model)


def test_a_licence_that_forbids_commercial_use_is_said():
    model = made_model()
    model.card["licences"] = {"unirep": "CC-BY-NC-4.0"}
    assert "Not for commercial use" in card_text(model)


def test_the_tables_are_those_of_the_calibration():
    held_out = {
        "rows": 500,
        "targets": 30,
        "unseen": "both",
        "rmse": 1.0,
        "verdicts": {"inside": {"rows": 350, "rmse": 0.5}, "outside": {"rows": 150, "rmse": 1.5}},
        "by_nearest_target": [{"from": 0.1, "to": 0.5, "rows": 500, "rmse": 1.0}],
        "by_nearest_compound": [{"from": 0.2, "to": 1.0, "rows": 500, "rmse": 1.0}],
    }
    text = card_text(calibrated_model(held_out=held_out))
    assert "| outside | 150 | 1.50 |" in text
    assert "| 0.10 – 0.50 | 500 | 1.00 |" in text
    assert "no held-out row asked" not in text


def test_what_probabilities_rest_on_is_told():
    model = made_model(SMALL, ACTIVE)
    model.card["no_probabilities"] = "validation has 3 rows."
    assert "not calibrated: validation has 3 rows." in card_text(model)
    model.card["probabilities"] = PROBABILITIES
    text = card_text(model)
    assert "500 held-out rows of 30 targets: new targets." in text
    assert "| expected calibration error | 0.050 | 0.020 |" in text
