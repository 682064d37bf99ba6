"""What evaluation leaves beside the results: intervals row by row, and what they held."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.training import evaluate_run, fit
from hyperpcm.training.report_run import report_run
from hyperpcm.training.run_folder import RunFolder
from small_runs import NO_RETRIEVAL, tiny, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs")
    fit(tiny(write_table(folder / "table.csv", targets=60)), folder / "run")
    return evaluate_run(folder / "run", nulls=["additive"]).folder


def test_test_rows_have_intervals_and_validation_rows_have_none(run: RunFolder):
    scores = pq.read_table(run.scores_path).to_pydict()
    is_test = np.array(scores["side"]) == "test"
    lower, upper, difficulty = (np.array(scores[name], float) for name in ("lower", "upper", "difficulty"))
    middle = np.array(scores["score"])
    assert np.isnan(lower[~is_test]).all()
    assert (lower[is_test] < middle[is_test]).all()
    assert (middle[is_test] < upper[is_test]).all()
    assert (difficulty[is_test] > 0).all()
    assert set(np.array(scores["domain"], object)[is_test]) <= {"inside", "edge", "outside"}
    near = np.array(scores["nearest_target"], float)[is_test]
    assert ((near > 0) & (near < 1)).all()


def test_what_intervals_held_is_what_the_rows_say(run: RunFolder):
    scores, trust = pq.read_table(run.scores_path).to_pydict(), json.loads(run.trust_path.read_text())
    is_test = np.array(scores["side"]) == "test"
    label, lower, upper = (np.array(scores[name], float)[is_test] for name in ("label", "lower", "upper"))
    inside = (lower <= label) & (label <= upper)
    assert trust["coverage"]["held"]["0.8"] == pytest.approx(inside.mean(), abs=1.5 / len(inside))
    at_level = {one["level"]: one["held"] for one in trust["levels"]}
    assert at_level[0.8] == trust["coverage"]["held"]["0.8"]
    assert sorted(at_level.values()) == list(at_level.values())
    for axis in ("target", "compound"):
        assert sum(one["rows"] for one in trust[f"by_nearest_{axis}"]) == len(inside)
    assert trust["calibrated_on"]["unseen"] == "target"


def test_the_scores_and_intervals_are_those_of_a_compiled_target(run: RunFolder):
    scores, model = pq.read_table(run.scores_path).to_pydict(), load_model(run.model_path)
    row = scores["side"].index("test")
    sequence = _sequence(run, scores["target"][row])
    found = model.compile_target(sequence, exact=True).score([scores["compound"][row]])
    assert found.values[0] == pytest.approx(scores["score"][row], abs=1e-3)
    assert found.intervals.lower[0] == pytest.approx(scores["lower"][row], abs=5e-3)
    assert found.intervals.verdicts[0] == scores["domain"][row]


def _sequence(run: RunFolder, name: str) -> str:
    lines = (run.path.parent / "table.csv").read_text().splitlines()
    return next(line.split(",")[2] for line in lines if line.split(",")[1] == name)


def test_a_report_of_the_run_says_it_on_the_page_and_as_json(run: RunFolder):
    page = report_run(run.path, similarity=False)
    text = page.read_text(encoding="utf-8")
    assert "When to believe it" in text
    assert "Read its intervals" in text or "Do not rely on its intervals" in text
    record = json.loads(run.report_record_path.read_text())
    assert record["trust"]["coverage"]["held"].keys() == {"0.8", "0.9"}


def test_without_intervals_the_reason_is_kept(tmp_path: Path):
    fit(tiny(write_table(tmp_path / "table.csv"), *NO_RETRIEVAL), tmp_path / "run")
    run = evaluate_run(tmp_path / "run", nulls=[]).folder
    trust = json.loads(run.trust_path.read_text())
    assert "need 50 held-out rows or more; validation has 14" in trust["no_intervals"]
    assert "coverage" not in trust
    assert "lower" not in pq.read_table(run.scores_path).column_names


def test_what_an_earlier_evaluation_left_goes_with_a_new_run(run: RunFolder, tmp_path: Path):
    config = tiny(write_table(tmp_path / "table.csv"), "training.epochs=1")
    folder = fit(config, tmp_path / "run").folder
    evaluate_run(folder.path, nulls=[])
    assert folder.trust_path.exists()
    fit(config, folder.path, overwrite=True)
    assert not folder.trust_path.exists()
