"""The JSON of a report holds the numbers of the page."""

from __future__ import annotations

import json

import numpy as np

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.evaluation.report import DataSummary, ReportInputs, ScoredRows, write_report
from hyperpcm.evaluation.report.document import report_document
from report_pages import TRUST, full_inputs
from small_tables import PKD


def test_every_section_is_there_and_comes_back_from_json():
    inputs = full_inputs(trust=TRUST)
    found = report_document(inputs)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["data"]["quantity"]["name"] == inputs.data.quantity.name
    assert found["data"]["source"] == {"licence": "CC0"}
    assert found["split"]["name"] == "cold_target"
    assert found["training"]["best_epoch"] == 3
    assert [one["model"] for one in found["results"]] == ["hyperpcm", "additive"]
    assert found["trust"]["coverage"]["held"]["0.8"] == 0.79
    assert found["compiled"]["compounds"][0]["score"] == 8.25
    assert found["compiled"]["rejections"][0]["code"] == "PARSE"
    assert found["settings"] == {"model": {"qsar": {"hidden": [256]}}, "seed": 0}
    assert found["words"]["can"]


def test_targets_have_their_skill_or_none():
    labels = np.concatenate([np.linspace(5, 8, 12), np.full(12, 5.0)])
    test = ScoredRows(labels, labels, np.repeat([0, 2], 12), ("good", "absent", "flat"))
    good, flat = report_document(full_inputs(test=test))["targets"]
    assert (good["name"], good["n"], round(good["pearson"], 6)) == ("good", 12, 1.0)
    assert (flat["name"], flat["pearson"]) == ("flat", None)


def test_what_is_missing_is_none():
    found = report_document(ReportInputs("Nothing yet", DataSummary(PKD)))
    assert [found[key] for key in ("split", "training", "targets", "trust", "compiled")] == [None] * 5


def test_numbers_that_are_none_are_none():
    data = DataSummary(Quantity("q", ""), {"median": float("nan"), "n": np.int64(3)})
    assert report_document(ReportInputs("x", data))["data"]["description"] == {"median": None, "n": 3}


def test_it_lies_beside_the_page(tmp_path):
    inputs = full_inputs()
    write_report(inputs, tmp_path / "report.html")
    assert json.loads((tmp_path / "report.json").read_text()) == report_document(inputs)
