"""Evaluating a run: the layout of the results, scores that are those of the model, and honest neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.errors import InputError, SplitError, TrainingStoppedError
from hyperpcm.training import EvaluatedRun, evaluate_run, fit
from hyperpcm.training.run_folder import RunFolder
from small_runs import tiny, write_table

NULLS = ["compound_mean", "target_mean", "additive", "kernel_knn"]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> EvaluatedRun:
    folder = tmp_path_factory.mktemp("runs")
    table = write_table(folder / "table.csv", relation=lambda number, place: "<" if place == 0 else "=")
    fit(tiny(table), folder / "run")
    return evaluate_run(folder / "run", nulls=NULLS)


def results(evaluated: EvaluatedRun) -> dict:
    return json.loads(evaluated.folder.results_path.read_text())


def test_results_are_in_the_layout_of_all_results(evaluated: EvaluatedRun):
    stored = results(evaluated)
    assert stored.keys() >= {"protocol", "rows", "versions", "commit", "machine"}
    assert [row["model"] for row in stored["rows"]] == ["hyperpcm", "hyperpcm_shuffled", *NULLS]
    for row in stored["rows"]:
        assert row.keys() >= {"model", "fold", "seed", "n", "metrics", "seconds", "peak_mb"}
        assert row["metrics"].keys() >= {"mse", "mae", "ci", "rm2", "pearson", "spearman", "per_target"}
        assert row["metrics"]["per_target"].keys() >= {"n_targets", "pearson", "spearman", "mse"}
        assert (row["fold"], row["n"]) == (0, len(evaluated.split.test))
    assert stored["protocol"]["data"] == "table"
    assert stored["protocol"]["split"] == "cold_target"
    assert [row.model for row in evaluated.rows] == [row["model"] for row in stored["rows"]]


def test_the_scores_file_has_every_row_of_both_sides(evaluated: EvaluatedRun):
    interactions, split = evaluated.interactions, evaluated.split
    scores = pq.read_table(evaluated.folder.scores_path).to_pydict()
    columns = ["row", "side", "compound", "target", "label", "relation", "score"]
    assert list(scores) == [*columns, "nearest_target", "nearest_compound"]
    rows = np.concatenate([split.valid, split.test])
    assert scores["row"] == rows.tolist()
    assert scores["side"] == ["valid"] * len(split.valid) + ["test"] * len(split.test)
    assert scores["compound"] == [interactions.compounds[interactions.compound_index[row]] for row in rows]
    assert scores["target"] == [interactions.target_names[interactions.target_index[row]] for row in rows]
    assert scores["label"] == interactions.values[rows].astype(float).tolist()
    assert scores["relation"] == ["<" if interactions.relations[row] < 0 else "=" for row in rows]
    assert set(scores["relation"]) == {"<", "="}
    np.testing.assert_array_equal(scores["score"][len(split.valid) :], evaluated.test_scores)


def test_the_metrics_are_those_of_the_scores_that_were_written(evaluated: EvaluatedRun):
    interactions, split = evaluated.interactions, evaluated.split
    labels, scores = interactions.point()[split.test], evaluated.test_scores
    metrics = results(evaluated)["rows"][0]["metrics"]
    assert metrics["mse"] == pytest.approx(np.square(labels - scores).mean(), rel=1e-5)
    assert metrics["pearson"] == pytest.approx(np.corrcoef(labels, scores)[0, 1], rel=1e-4)


def test_the_scores_are_those_of_compiled_targets(evaluated: EvaluatedRun):
    interactions, split = evaluated.interactions, evaluated.split
    model = load_model(evaluated.folder.model_path)
    targets = interactions.target_index[split.test]
    for target in np.unique(targets):
        rows = split.test[targets == target]
        compounds = [interactions.compounds[index] for index in interactions.compound_index[rows]]
        compiled = model.compile_target(interactions.targets[target], exact=True).score(compounds)
        np.testing.assert_allclose(compiled.values, evaluated.test_scores[targets == target], atol=1e-4)


def test_other_proteins_in_place_of_the_right_ones_cost_accuracy(evaluated: EvaluatedRun):
    """The labels of this table differ by a unit between families."""
    rows = {row["model"]: row["metrics"]["mse"] for row in results(evaluated)["rows"]}
    assert rows["hyperpcm"] < rows["hyperpcm_shuffled"]
    assert rows["hyperpcm"] < rows["compound_mean"]


def test_evaluating_again_gives_the_same_numbers(evaluated: EvaluatedRun):
    again = evaluate_run(evaluated.folder.path, nulls=[])
    assert [row.model for row in again.rows] == ["hyperpcm", "hyperpcm_shuffled"]
    np.testing.assert_array_equal(again.test_scores, evaluated.test_scores)
    assert again.rows[0].metrics == evaluated.rows[0].metrics
    evaluate_run(evaluated.folder.path, nulls=NULLS)  # as it was, for the other tests


def test_a_run_that_has_not_ended_is_not_evaluated(tmp_path: Path):
    config = tiny(write_table(tmp_path / "table.csv"))

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "training":
            raise TrainingStoppedError("enough")

    with pytest.raises(TrainingStoppedError):
        fit(config, tmp_path / "run", progress=stop)
    with pytest.raises(InputError, match="--resume"):
        evaluate_run(tmp_path / "run")
    with pytest.raises(InputError, match="no run"):
        evaluate_run(tmp_path / "nothing")


def test_other_data_than_the_runs_are_refused(tmp_path: Path):
    table = write_table(tmp_path / "table.csv")
    fit(tiny(table, "training.epochs=1"), tmp_path / "run")
    write_table(table, seed=1)
    with pytest.raises(SplitError):
        evaluate_run(tmp_path / "run", nulls=[])
    assert not RunFolder(tmp_path / "run").results_path.exists()
