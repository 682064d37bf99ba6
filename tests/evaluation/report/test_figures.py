from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from hyperpcm import metrics
from hyperpcm.datasets import Quantity
from hyperpcm.evaluation.report import DataSummary, ScoredRows, TrainingCurve
from hyperpcm.evaluation.report.figures import (
    class_scores,
    label_histogram,
    learning_curve,
    measured_against_predicted,
    per_target_histogram,
    reliability_diagram,
)
from small_tables import PKD

RNG = np.random.default_rng(0)


def scored(n, relations=None):
    labels = RNG.normal(6, 1, size=n)
    return ScoredRows(labels, labels + RNG.normal(size=n), np.zeros(n, dtype=int), ("T",), relations)


def curve(values, best=None):
    epochs = [{"epoch": e, "train_loss": 1.0 / (e + 1), "valid_mse": value} for e, value in enumerate(values)]
    return TrainingCurve(epochs, "valid_mse", best, "mse")


def probabilities(n=400, *, calibrated=True):
    honest = RNG.random(n)
    loud = np.clip(2 * honest - 0.5, 0, 1) if calibrated else None
    zeros = np.zeros(n, dtype=int)
    return ScoredRows((RNG.random(n) < honest) * 1.0, honest, zeros, ("T",), uncalibrated=loud)


def every_chart():
    relations = np.where(np.arange(3000) % 2, 0, -1)
    return {
        "labels": label_histogram(DataSummary(PKD, labels=RNG.normal(6, 1, 3000), relations=relations)),
        "learning": learning_curve(curve([0.5, 0.4, 0.45], 1)),
        "points": measured_against_predicted(scored(50), PKD),
        "cells": measured_against_predicted(scored(3000, relations), PKD),
        "classes": class_scores(ScoredRows([0, 1, 1], [0.1, 0.9, 0.4], [0, 0, 0], ("T",))),
        "reliability": reliability_diagram(probabilities()),
        "per_target": per_target_histogram(np.array([0.5, 0.7, -0.1]), "r per target", 0.0, -1.0),
    }


@pytest.mark.parametrize("name", list(every_chart()))
def test_a_figure_is_well_formed_and_leaves_all_colours_to_the_page(name):
    chart = every_chart()[name]
    root = ElementTree.fromstring(chart.svg)
    assert root.tag.endswith("svg")
    assert root.get("viewBox")
    assert root.get("width") is None
    painted = set(re.findall(r"(?:fill|stroke|color): ?([^;\"]+)", chart.svg))
    assert {colour for colour in painted if not colour.startswith("var(--")} <= {"none"}
    assert painted & {"var(--first)", "var(--second)"}
    assert "<style" not in chart.svg
    assert chart.says
    assert chart.caption


def test_a_learning_curve_marks_the_chosen_epoch_and_tells_its_metric():
    chart = learning_curve(curve([0.5, 0.4, 0.45], 1))
    assert "epoch 1 with validation MSE 0.400" in chart.caption
    assert "Chosen" not in learning_curve(curve([0.5, 0.4])).says


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, "text"])
def test_an_epoch_without_its_metric_is_a_gap(gap):
    whole = learning_curve(curve([0.5, 0.4, 0.45, 0.5, 0.3]))
    broken = learning_curve(curve([0.5, 0.4, gap, 0.5, 0.3]))
    assert "nan" not in broken.svg.lower()
    assert broken.svg.count("<path") >= 2
    assert broken.svg != whole.svg


def test_one_epoch_and_a_curve_without_any_value_are_drawn():
    assert learning_curve(curve([0.5], 0)) is not None
    assert learning_curve(curve([None, None])) is not None
    assert learning_curve(TrainingCurve([], "valid_mse")) is None


def test_few_points_are_drawn_one_by_one_and_many_are_counted_in_cells():
    few, many = measured_against_predicted(scored(400), PKD), measured_against_predicted(scored(40_000), PKD)
    assert few.svg.count("<use") >= 400
    assert len(many.svg) < 400_000
    assert "log scale" in many.caption
    assert "log scale" not in few.caption


def test_the_fullest_cell_is_counted():
    labels = np.concatenate([np.full(1800, 5.0), np.linspace(6, 9, 200)])
    chart = measured_against_predicted(ScoredRows(labels, labels, np.zeros(2000, dtype=int), ("T",)), PKD)
    assert "up to 1,800" in chart.caption


@pytest.mark.parametrize("n", [1, 2, 2000])
def test_equal_labels_and_scores_are_drawn(n):
    rows = ScoredRows(np.full(n, 5.0), np.full(n, 5.0), np.zeros(n, dtype=int), ("T",))
    assert measured_against_predicted(rows, PKD) is not None
    assert label_histogram(DataSummary(PKD, labels=np.full(n, 5.0))) is not None


def test_nothing_to_draw_is_no_figure():
    nothing = ScoredRows([], [], [], ())
    assert measured_against_predicted(nothing, PKD) is None
    assert class_scores(nothing) is None
    assert per_target_histogram(np.array([]), "r", 0.0, -1.0) is None
    assert label_histogram(DataSummary(PKD)) is None


@pytest.mark.parametrize(
    "name", ["$\\frac{", "結合親和力", "<b>&", "x" * 5000, "a\x00b", "line\nline", "%s {0}"]
)
def test_any_name_of_a_quantity_is_written_as_it_is(name):
    quantity = Quantity(name, name)
    svg = measured_against_predicted(scored(5), quantity).svg
    text = " ".join(ElementTree.fromstring(svg).itertext())
    assert name.replace("\x00", "\ufffd").split("\n")[0][:40] in text


def test_targets_at_or_below_chance_are_counted():
    chart = per_target_histogram(np.array([0.5, 0.0, -0.3, 0.9]), "r per target", 0.0, -1.0)
    assert chart.caption == "2 targets of 4 at or below chance."
    assert "median 0.25" in chart.says


def test_a_reliability_diagram_tells_the_error_before_and_after():
    rows = probabilities()
    found = reliability_diagram(rows)
    for scores in (rows.scores, rows.uncalibrated):
        assert f"{metrics.expected_calibration_error(rows.labels, scores):.3f}" in found.caption
    assert "10 bins of 40 rows or more" in found.caption
    assert "before" in found.svg
    alone = reliability_diagram(probabilities(calibrated=False))
    assert "before" not in alone.svg + alone.caption
    assert reliability_diagram(scored(20)) is None
    assert reliability_diagram(ScoredRows([], [], [], ())) is None
