from __future__ import annotations

import numpy as np

from hyperpcm.evaluation.report.skill import MEANINGS, skill_view, tiles
from hyperpcm.evaluation.tables import NULL_ROWS
from report_pages import row
from small_tables import CLASSES, PKD


def test_every_null_is_explained():
    assert set(MEANINGS) == set(NULL_ROWS)


def test_a_model_that_beats_every_null_is_said_to():
    rows = [row("hyperpcm", mse=0.3, ci=0.8, r=0.7), row("gbm"), row("additive", mse=0.6)]
    verdict = skill_view(rows, "hyperpcm", PKD)["verdict"]
    assert verdict.startswith(
        "hyperpcm is better than every null evaluated here in MSE, CI and r per target."
    )
    assert "one fold only" in verdict


def test_the_null_that_is_not_beaten_is_named_with_the_metric():
    rows = [row("hyperpcm", mse=0.3, ci=0.8, r=0.3), row("gbm"), row("additive", mse=0.2)]
    view = skill_view(rows, "hyperpcm", PKD)
    assert "not better than gbm (r per target) and additive (MSE and r per target)" in view["verdict"]
    said = dict(view["sentences"])
    assert said["additive"] == (
        "better in CI (0.800 against 0.700); "
        "not better in MSE (0.300 against 0.200) and r per target (0.300 against 0.400)."
    )


def test_a_tie_is_not_better():
    verdict = skill_view([row("hyperpcm"), row("gbm")], "hyperpcm", PKD)["verdict"]
    assert "not better than gbm (MSE, CI and r per target)" in verdict


def test_folds_that_do_not_decide_are_admitted():
    rows = [row("hyperpcm", fold, mse=mse, ci=0.8, r=0.7) for fold, mse in enumerate((0.2, 0.6, 0.3))]
    rows += [row("gbm", fold, mse=mse) for fold, mse in enumerate((0.5, 0.3, 0.5))]
    view = skill_view(rows, "hyperpcm", PKD)
    assert "It is better on average than gbm (MSE), but the folds do not decide that." in view["verdict"]
    verdicts = {tile.title: tile.verdict for tile in tiles(rows, "hyperpcm", PKD)}
    assert verdicts == {"MSE": "undecided", "CI": "better", "r per target": "better"}


def test_the_table_holds_mean_and_standard_deviation_over_folds():
    values = (0.2, 0.6, 0.35)
    rows = [row("hyperpcm", fold, mse=mse) for fold, mse in enumerate(values)]
    view = skill_view(rows, "hyperpcm", PKD)
    cell = view["lines"][0]["cells"][0]
    assert cell["mean"] == f"{np.mean(values):.3f}"
    assert cell["spread"] == f"± {np.std(values, ddof=1):.3f}"
    assert view["lines"][0]["n"] == "300"


def test_the_best_null_is_marked_in_each_column_and_the_model_stands_first():
    rows = [row("gbm", mse=0.4, ci=0.6), row("additive", mse=0.5, ci=0.7), row("hyperpcm", mse=0.1, ci=0.9)]
    view = skill_view(rows, "hyperpcm", PKD)
    assert [line["name"] for line in view["lines"]] == ["hyperpcm", "gbm", "additive"]
    marks = {line["name"]: [cell["best"] for cell in line["cells"][:2]] for line in view["lines"]}
    assert marks == {"hyperpcm": [False, False], "gbm": [True, False], "additive": [False, True]}


def test_without_a_null_the_report_says_that_nothing_can_be_told():
    assert "No null was evaluated" in skill_view([row("hyperpcm")], "hyperpcm", PKD)["verdict"]
    assert {tile.verdict for tile in tiles([row("hyperpcm")], "hyperpcm", PKD)} == {"alone"}


def test_nulls_alone_are_shown_as_such():
    assert "There is no row of hyperpcm" in skill_view([row("gbm")], "hyperpcm", PKD)["verdict"]
    assert tiles([row("gbm")], "hyperpcm", PKD) == []


def test_classes_are_judged_by_classification_metrics():
    rows = [row("hyperpcm", mse=None, auroc=0.9), row("gbm", mse=None, auroc=0.8)]
    assert [tile.title for tile in tiles(rows, "hyperpcm", CLASSES)] == ["AUROC", "AUPRC", "AUROC per target"]
    assert "in AUROC, AUPRC and AUROC per target" in skill_view(rows, "hyperpcm", CLASSES)["verdict"]
