"""The figures of a card are those of the results files, by a loop over them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hyperpcm.errors import TableError
from hyperpcm.pretrained.figures import card_figures

ROOT = Path(__file__).resolve().parents[2]
RESULTS, FAMILIES = ROOT / "benchmarks" / "results", ROOT / "benchmarks" / "families"
DATA = ("chembl20", "chembl_quant")


@pytest.fixture(scope="module")
def figures() -> dict:
    return card_figures(RESULTS, DATA, {"chembl20": FAMILIES / "chembl20.csv"})


def means(rows: list[dict], model: str, metric: str) -> dict[int, float]:
    """The mean over folds of each target that has a value."""
    values: dict[int, list[float]] = {}
    for row in rows:
        if row["model"] == model and not np.isnan(row[metric]):
            values.setdefault(row["target"], []).append(row[metric])
    return {target: float(np.mean(found)) for target, found in values.items()}


def test_means_are_over_targets_of_the_results(figures: dict):
    assert figures["accuracy"][0]["split"] == "homology_target"
    for one in figures["accuracy"]:
        path = RESULTS / one["file"]
        rows = pq.read_table(path.with_suffix(".targets.parquet")).to_pylist()
        for row in one["rows"]:
            for metric in ("auroc", "spearman"):
                expected = means(rows, row["model"], metric)
                assert row[metric] == pytest.approx(np.mean(list(expected.values())), abs=6e-5)
                assert row[f"{metric}_targets"] == len(expected)


def test_a_difference_is_over_the_same_targets_and_folds(figures: dict):
    one = figures["accuracy"][0]
    rows = pq.read_table((RESULTS / one["file"]).with_suffix(".targets.parquet")).to_pylist()
    cells = {
        name: {(row["fold"], row["target"]): row["auroc"] for row in rows if row["model"] == name}
        for name in ("hyperpcm", "gbm")
    }
    shared = [
        cells["hyperpcm"][cell] - cells["gbm"][cell]
        for cell in cells["gbm"]
        if cell in cells["hyperpcm"] and not np.isnan(cells["gbm"][cell] + cells["hyperpcm"][cell])
    ]
    found = next(row for row in one["rows"] if row["model"] == "gbm")["auroc_difference"]
    assert found["mean"] == pytest.approx(np.mean(shared), abs=6e-5)
    assert found["low"] < found["mean"] < found["high"]


def test_families_hold_every_target_once(figures: dict):
    with (FAMILIES / "chembl20.csv").open(encoding="utf-8", newline="") as stream:
        family = {int(row["target"]): row["family"] for row in csv.DictReader(stream)}
    rows = pq.read_table(RESULTS / "accuracy" / "chembl20" / "homology_target.targets.parquet").to_pylist()
    spearman = means(rows, "hyperpcm", "spearman")
    found = {row["family"]: row for row in figures["families"]["rows"]}
    assert sum(row["targets"] for row in found.values()) == len(spearman)
    kinases = [value for target, value in spearman.items() if family[target] == "protein kinases"]
    assert found["protein kinases"]["targets"] == len(kinases)
    assert found["protein kinases"]["spearman"]["mean"] == pytest.approx(np.mean(kinases), abs=6e-5)
    squares = [
        (row["sse"], row["n"])
        for row in rows
        if row["model"] == "hyperpcm" and row["target"] in spearman
        if family[row["target"]] == "protein kinases"
    ]
    rmse = np.sqrt(sum(sse for sse, _ in squares) / sum(n for _, n in squares))
    assert found["protein kinases"]["rmse"] == pytest.approx(rmse, abs=6e-5)


def test_equal_files_give_equal_figures(figures: dict):
    again = card_figures(RESULTS, DATA, {"chembl20": FAMILIES / "chembl20.csv"})
    assert json.dumps(again, allow_nan=False) == json.dumps(figures, allow_nan=False)


def test_without_results_there_is_no_card(tmp_path: Path):
    with pytest.raises(TableError, match="no results of chembl20 or chembl_quant"):
        card_figures(tmp_path, DATA, {})


def test_the_coverage_is_that_of_the_trust_results():
    found = card_figures(RESULTS, ("kiba",), {})["coverage"]
    record = json.loads((RESULTS / "trust" / "kiba.json").read_text(encoding="utf-8"))
    assert found["coverage"] == {level: round(share, 4) for level, share in record["coverage"].items()}
    assert found["split"] == "cold_target"
    assert found["coverage_of_kinds"] == {}


def test_coverage_of_new_and_known_targets_stands_apart_where_results_tell(tmp_path: Path):
    record = json.loads((RESULTS / "trust" / "kiba.json").read_text(encoding="utf-8"))
    record["new_targets"] = {"coverage": {"0.8": 0.76543}}
    for folder in ("accuracy/kiba", "trust"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "trust" / "kiba.json").write_text(json.dumps(record), encoding="utf-8")
    for name in ("cold_target.json", "cold_target.targets.parquet"):
        shutil.copy(RESULTS / "accuracy" / "kiba" / name, tmp_path / "accuracy" / "kiba")
    found = card_figures(tmp_path, ("kiba",), {})["coverage"]
    assert found["coverage_of_kinds"] == {"new_targets": {"0.8": 0.7654}}
