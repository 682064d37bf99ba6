from __future__ import annotations

import json
import math

import numpy as np
import pytest

from hyperpcm.errors import LabelError, OutputError, TableError
from hyperpcm.evaluation import AccuracyResults, Performance, ResultRow, Surroundings
from hyperpcm.evaluation.performance import performance_path
from hyperpcm.evaluation.results import accuracy_path

HERE = Surroundings({"python": "3.11"}, "a" * 40, {"cores": 2})
LATER = Surroundings({"python": "3.12"}, "b" * 40, {"cores": 4})
PROTOCOL = {"dataset": "davis", "split": "cold_target", "folds": 5}


def row(model="gbm", fold=0, seed=0, **changes):
    values = {
        "n": 10,
        "metrics": {"mse": 0.5, "per_target": {"pearson": None}},
        "seconds": 1.5,
        "peak_mb": 80.0,
    }
    return ResultRow(model, fold, seed, **(values | changes))


def results(*rows, protocol=PROTOCOL, where=HERE):
    return AccuracyResults.of(protocol, rows, where)


def test_the_file_has_exactly_the_entries_of_the_layout(tmp_path):
    path = accuracy_path(tmp_path, "davis", "cold_target")
    assert path == tmp_path / "accuracy" / "davis" / "cold_target.json"
    results(row()).write(path)
    record = json.loads(path.read_text())
    assert set(record) == {"protocol", "rows", "versions", "commit", "machine"}
    assert set(record["rows"][0]) == {"model", "fold", "seed", "n", "metrics", "seconds", "peak_mb"}


def test_what_was_written_is_read_back(tmp_path):
    written = results(row(), row("additive", 1, peak_mb=None))
    written.write(tmp_path / "r.json")
    assert AccuracyResults.read(tmp_path / "r.json") == written


def test_numbers_that_are_not_finite_become_null_and_numpy_numbers_plain(tmp_path):
    metrics = {
        "mse": np.float32(0.5),
        "ci": math.nan,
        "per_target": {"n_targets": np.int64(3), "mse": math.inf},
    }
    results(row(metrics=metrics)).write(tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)["rows"][0]["metrics"]
    assert found == {"mse": 0.5, "ci": None, "per_target": {"n_targets": 3, "mse": None}}


def test_later_folds_are_added_and_a_repeated_row_replaces(tmp_path):
    path = tmp_path / "new" / "folder" / "r.json"
    results(row(fold=1), row("additive", 1)).add_to(path)
    results(row(fold=0)).add_to(path)
    merged = results(row(fold=1, n=11)).add_to(path)
    assert [(r.model, r.fold, r.n) for r in merged.rows] == [
        ("gbm", 0, 10),
        ("gbm", 1, 11),
        ("additive", 1, 10),
    ]
    assert AccuracyResults.read(path) == merged


def test_another_protocol_is_refused_and_the_file_stays(tmp_path):
    path = tmp_path / "r.json"
    results(row()).write(path)
    before = path.read_bytes()
    with pytest.raises(TableError, match="folds is 5 in the file and 4 here"):
        results(row(fold=1), protocol=PROTOCOL | {"folds": 4}).add_to(path)
    assert path.read_bytes() == before


def test_a_protocol_equals_itself_after_being_written(tmp_path):
    protocol = PROTOCOL | {"options": (0.4, np.float64(0.5)), "note": math.nan}
    results(row(), protocol=protocol).write(tmp_path / "r.json")
    results(row(fold=1), protocol=protocol).add_to(tmp_path / "r.json")
    assert len(AccuracyResults.read(tmp_path / "r.json").rows) == 2


def test_another_commit_is_refused_unless_told_and_then_kept_with_the_row():
    old, new = results(row(), row(fold=1)), results(row(fold=1), where=LATER)
    with pytest.raises(TableError, match="commit"):
        old.merged_with(new)
    merged = old.merged_with(new, other_commit=True)
    assert merged.commit == LATER.commit
    assert [(r.fold, r.commit) for r in merged.rows] == [(0, HERE.commit), (1, None)]
    third = merged.merged_with(results(row(fold=2), where=LATER))
    assert [r.commit for r in third.rows] == [HERE.commit, None, None]


def test_the_commit_of_an_older_row_survives_the_file(tmp_path):
    merged = results(row()).merged_with(results(row(fold=1), where=LATER), other_commit=True)
    merged.write(tmp_path / "r.json")
    assert AccuracyResults.read(tmp_path / "r.json") == merged


def test_two_rows_of_one_model_fold_and_seed_are_refused():
    with pytest.raises(TableError, match="two rows"):
        results(row(), row())


GOOD = {"protocol": {}, "rows": [], "versions": {}, "commit": None, "machine": {}}
BAD_ROW = {"model": "gbm", "fold": "0", "seed": 0, "n": 1, "metrics": {}, "seconds": 1, "peak_mb": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({k: v for k, v in GOOD.items() if k != "commit"}),
        json.dumps(GOOD | {"more": 1}),
        json.dumps(GOOD | {"rows": [1]}),
        json.dumps(GOOD | {"rows": 3}),
        json.dumps(GOOD | {"rows": [BAD_ROW]}),
        json.dumps(GOOD | {"versions": 3}),
        json.dumps(GOOD | {"commit": 3}),
        "\udcff",
    ],
)
def test_a_file_that_is_no_results_file_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TableError, match=r"broken\.json"):
        AccuracyResults.read(path)


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(TableError, match=r"none\.json"):
        AccuracyResults.read(tmp_path / "none.json")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "r.json"
    results(row()).write(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        results(row(metrics={"mse": object()})).write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_folder_in_the_way_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        results(row()).write(tmp_path / "file" / "r.json")


def test_a_speed_comparison_is_above_one_when_ours_is_faster(tmp_path):
    rate = Performance.of_rates("train_step_default", 900.0, 300.0, "pairs/s", {"cores": 2}, HERE)
    time = Performance.of_times("score_one_target", 2.0, 5.0, {}, HERE)
    assert rate.ratio == 3.0
    assert time.ratio == 2.5
    path = performance_path(tmp_path, rate.name)
    assert path == tmp_path / "performance" / "train_step_default.json"
    rate.write(path)
    assert set(json.loads(path.read_text())) >= {"name", "ours", "against", "ratio", "unit", "detail"}
    assert Performance.read(path) == rate


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_speed_that_is_not_positive_is_refused(bad):
    with pytest.raises(LabelError, match="positive"):
        Performance.of_rates("x", bad, 1.0, "pairs/s", {}, HERE)
    with pytest.raises(LabelError, match="positive"):
        Performance.of_times("x", 1.0, bad, {}, HERE)


def test_a_file_of_another_kind_is_no_speed_comparison(tmp_path):
    results(row()).write(tmp_path / "r.json")
    with pytest.raises(TableError, match=r"r\.json"):
        Performance.read(tmp_path / "r.json")
