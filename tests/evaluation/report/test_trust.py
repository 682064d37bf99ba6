"""The section on trust: charts, verdicts and coverage, or the sentence why there are none."""

from __future__ import annotations

import numpy as np

from hyperpcm.evaluation.report import ScoredRows, render_report
from hyperpcm.evaluation.report.trust import trust_view
from hyperpcm.evaluation.report.trust_figures import coverage_chart, error_by_similarity
from report_pages import TRUST, Page, full_inputs


def scored() -> ScoredRows:
    return ScoredRows([5.0, 6.0, 7.0], [5.5, 6.5, 7.5], [0, 0, 0], ("T",))


def test_the_section_shows_errors_verdicts_and_coverage():
    text = Page(render_report(full_inputs(trust=TRUST))).text
    for expected in (
        "rest on 500 held-out rows (30 targets): new targets.",
        "inside 70.0 % 0.30",
        "outside 10.0 % 0.90",
        "labels in their 80 % interval 79.0 %",
        "farthest 75.0 %, middle 79.0 %, nearest 83.0 %",
        "1.20, 0.50 of that of the interval of all training labels",
        "40.0 % of that of all rows",
    ):
        assert expected in text


def test_without_intervals_the_reason_is_told_and_errors_are_still_drawn():
    trust = {"by_nearest_target": TRUST["by_nearest_target"], "no_intervals": "validation has 3 rows."}
    view = trust_view(trust, scored())
    assert (len(view["charts"]), view["verdicts"], view["facts"], view["rests"]) == (1, [], [], None)
    assert "validation has 3 rows." in Page(render_report(full_inputs(trust=trust))).text


def test_an_interval_of_all_labels_without_width_is_no_yardstick():
    coverage = TRUST["coverage"] | {"width_ratio": {"0.8": None, "0.9": None}}
    facts = trust_view(TRUST | {"coverage": coverage}, scored())["facts"]
    assert ("mean width", "1.20") in facts


def test_new_and_known_targets_stand_apart_where_both_were_tested():
    kinds = {
        "new_targets": {"rows": 1200, "targets": 1, "mse": 0.5, "held": {"0.8": 0.77}},
        "known_targets": {"rows": 30, "targets": 4, "mse": 0.25, "held": {"0.8": 0.83}},
    }
    text = Page(render_report(full_inputs(trust=TRUST | {"coverage_of_kinds": kinds}))).text
    assert "on new targets 1,200 rows of 1 target: MSE 0.50; 77.0 % in the 80 % interval" in text
    assert "on known targets 30 rows of 4 targets: MSE 0.25; 83.0 % in the 80 % interval" in text


def test_the_figure_tells_the_errors_at_both_ends():
    chart = error_by_similarity(TRUST["by_nearest_target"], "target", "alignment", 0.5)
    assert "From 0.90 up to a similarity of 0.40 to 0.30 from 0.70 on." in chart.says
    assert "100 to 150 rows" in chart.caption
    assert error_by_similarity(TRUST["by_nearest_target"][:1], "target", "alignment", 0.5) is None


def test_the_curve_of_coverage_tells_the_usual_levels():
    chart = coverage_chart(TRUST["levels"])
    assert "79.0 % at 80 %" in chart.says
    assert coverage_chart([]) is None


def test_highest_compounds_of_best_and_worst_targets_are_drawn_beside_what_was_measured():
    inputs = full_inputs(compiled=None)
    page, test = Page(render_report(inputs)), inputs.test
    shown = [value for name, value in page.attributes if name == "class" and "smiles" in value]
    assert len(shown) == 4 * 4
    titles = page.text.split("What it puts highest for ")[1:]
    assert len(titles) == 4
    best = test.target_names.index(titles[0].split()[0])
    rows = np.flatnonzero(test.target_index == best)
    first = rows[np.argmax(test.scores[rows])]
    assert f"score {test.scores[first]:.2f} measured {test.labels[first]:.2f}" in titles[0]
