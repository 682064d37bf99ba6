"""The few-shot figure shows every method at every k that has targets, in colours of the page."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hyperpcm.errors import TableError
from hyperpcm.evaluation.few_shot.curves import METRICS
from hyperpcm.evaluation.few_shot.statistics import curve_record
from hyperpcm.evaluation.few_shot.tables import all_curves, render_few_shot
from hyperpcm.evaluation.report.few_shot import few_shot_chart

SIZES = (0, 4, 64)


def curve(level: float) -> dict[int, dict[str, np.ndarray]]:
    """Five targets, none with 64 measured compounds; no classes."""
    numbers = {k: np.full(5, level + k / 100) + np.arange(5) / 1000 for k in SIZES}
    found = {k: {metric: values.copy() for metric in METRICS} for k, values in numbers.items()}
    for metric in METRICS:
        found[64][metric][:] = np.nan
    for k in SIZES:
        found[k]["auroc"][:] = np.nan
    return found


def summary() -> dict:
    none, shift, mean, other = (curve(level) for level in (0.5, 0.6, 0.4, 0.3))
    return {
        "zero_shot": "hyperpcm",
        "adapters": {
            name: curve_record(one, none, mean)
            for name, one in {"none": none, "shift": shift, "mean": mean}.items()
        },
        "rivals": {
            "kernel_knn": {
                name: curve_record(one, other, mean) for name, one in {"none": other, "mean": mean}.items()
            }
        },
    }


def test_label_methods_stand_once_and_rivals_by_their_name():
    assert list(all_curves(summary())) == ["hyperpcm", "shift", "mean", "kernel_knn"]


def test_the_figure_names_every_adapter_of_the_model_and_every_size_that_has_targets():
    chart = few_shot_chart(summary(), "spearman")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", chart.svg)
    assert {"hyperpcm", "shift", "mean"} <= set(texts)
    assert "kernel_knn" not in texts
    assert "64" not in texts
    assert "hyperpcm: 0.502 to 0.542." in chart.says
    assert not re.search(r"#01020\d", chart.svg)
    assert "var(--third)" in chart.svg


def test_as_many_methods_as_can_be_told_apart_stand_in_the_figure_and_more_are_refused():
    names = [f"method {number}" for number in range(11)]
    many = summary()
    many["adapters"] = {"none": many["adapters"]["none"], **dict.fromkeys(names, many["adapters"]["shift"])}
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", few_shot_chart(many).svg)
    assert {"hyperpcm", *names} <= set(texts)
    many["adapters"]["one more"] = many["adapters"][names[0]]
    with pytest.raises(TableError, match="13 methods are too many"):
        few_shot_chart(many)


def test_a_metric_that_no_target_has_gives_no_figure_and_an_unknown_one_an_error():
    assert few_shot_chart(summary(), "auroc") is None
    for call in (lambda: few_shot_chart(summary(), "ci"), lambda: render_few_shot(summary(), ["ci"])):
        with pytest.raises(TableError, match="'ci' is not a few-shot metric"):
            call()


def test_the_table_marks_decided_differences_and_leaves_empty_sizes_out():
    lines = render_few_shot(summary(), ["mse"]).splitlines()
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines if line
    }
    assert cells["MSE, k ="] == ["0", "4"]
    assert cells["shift"] == ["0.00", "0.00"]  # the last block: shares that got worse
    assert lines[2].split("|")[2].strip() == "0.502"
    assert lines[3].split("|")[2].strip() == "0.602*"
    assert cells["targets"] == ["5", "5"]


def test_what_is_no_summary_is_refused():
    with pytest.raises(TableError, match="not a few-shot summary"):
        all_curves({"adapters": {}})
