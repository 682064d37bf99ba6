"""What a benchmark keeps of its jobs: a job counts as done only when all it gave is on the disk."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.benchmark.accuracy_results import AccuracyOnDisk
from hyperpcm.benchmark.benchmark import find_benchmark
from hyperpcm.benchmark.few_shot_results import FewShotOnDisk
from hyperpcm.benchmark.kind import Job
from hyperpcm.benchmark.markdown import markdown
from hyperpcm.benchmark.view import view_of
from hyperpcm.errors import OutputError
from hyperpcm.evaluation.few_shot import LABELS_ROW, FewShotPart, part_path
from hyperpcm.evaluation.few_shot.curves import METRICS
from hyperpcm.evaluation.results import ResultRow
from hyperpcm.evaluation.surroundings import Surroundings
from hyperpcm.evaluation.target_values import TargetValues
from small_benchmarks import write_benchmark

WHERE = Surroundings({"python": "3"}, "abc", {"cores": 2})
PROTOCOL = {
    "data": "table",
    "fingerprint": "0" * 64,
    "merged": True,
    "split": "cold_target",
    "folds": 3,
    "split_seed": 0,
    "options": {},
}
MEAN = 'title = "Mean | of a compound"\nbaseline = "compound_mean"\n'


def outcome(*models: str, fold: int = 0, targets: int = 3, mse: float = 0.5) -> dict[str, object]:
    """What a job gives, for these rows."""
    numbers = np.full(targets, 0.5, dtype=np.float32)
    places = np.arange(targets, dtype=np.int32)
    values = TargetValues(places, places + 10, numbers, numbers, numbers, numbers, numbers)
    rows = [ResultRow(name, fold, 0, 30, {"mse": mse}, 1.0, 100.0).as_dict() for name in models]
    return {
        "protocol": PROTOCOL,
        "rows": rows,
        "targets": [values.as_lists()] * len(models),
        "surroundings": dataclasses.asdict(WHERE),
    }


def accuracy(root: Path) -> AccuracyOnDisk:
    path = root / "results" / "accuracy" / "table" / "small.json"
    return AccuracyOnDisk(find_benchmark(root, "small"), path)


def test_a_job_whose_values_per_target_could_not_be_written_is_not_done(tmp_path):
    write_benchmark(tmp_path, mean=MEAN)
    held = accuracy(tmp_path)
    held.targets_path.mkdir(parents=True)  # nothing can be written there
    with pytest.raises(OutputError):
        held.add(outcome("mean"))
    held.targets_path.rmdir()
    assert accuracy(tmp_path).done() == {}
    held.add(outcome("mean"))
    assert set(accuracy(tmp_path).done()) == {Job(0, 0, "mean")}


@pytest.mark.parametrize(("targets", "is_done"), [(3, False), (1, True)])
def test_a_model_without_its_shuffled_row_is_not_done_where_targets_can_be_exchanged(
    tmp_path, targets, is_done
):
    write_benchmark(tmp_path, mean=MEAN)
    accuracy(tmp_path).add(outcome("model", targets=targets))
    held = accuracy(tmp_path)
    assert (set(held.done()) == {Job(0, 0, "model")}) is is_done
    assert held.has_table
    held.add(outcome("model", "model_shuffled", targets=targets))
    assert set(held.done()) == {Job(0, 0, "model")}


def test_being_better_than_every_null_is_said_with_how_many_comparisons_are_open(tmp_path):
    write_benchmark(tmp_path, mean=MEAN)
    held = accuracy(tmp_path)
    for fold, (ours, other) in enumerate([(0.3, 0.9), (0.5, 0.52)]):
        held.add(outcome("model", fold=fold, mse=ours))
        held.add(outcome("mean", fold=fold, mse=other))
    text = markdown(view_of(find_benchmark(tmp_path, "small")))
    assert "better than every null in every metric above. In 1 of 1 comparisons the folds do not" in text


def test_a_title_with_a_bar_breaks_no_table(tmp_path):
    write_benchmark(tmp_path, model=None, mean=MEAN, other='baseline = "target_mean"\n')
    held = accuracy(tmp_path)
    held.add(outcome("mean"))
    held.add(outcome("other"))
    text = markdown(view_of(find_benchmark(tmp_path, "small")))
    lines = [line for line in text.splitlines() if "of a compound" in line and line.startswith("|")]
    assert len(lines) == 3
    assert all("Mean \\| of" in line for line in lines)


def part(row: str, fold: int) -> FewShotPart:
    names = ("mean", "knn", "per_target_forest") if row == LABELS_ROW else ("none", "shift")
    curve = {k: {metric: np.full(2, 0.5) for metric in METRICS} for k in (0, 4)}
    targets = np.array([2 * fold, 2 * fold + 1])
    return FewShotPart(PROTOCOL, row, fold, 0, targets, dict.fromkeys(names, curve), 1.0, WHERE)


def test_a_summary_that_was_not_written_leaves_the_job_to_be_done_again(tmp_path):
    kind = 'kind = "few_shot"\nsizes = [0, 4]\n'
    write_benchmark(tmp_path, kind=kind, labels="zero_shot = false\n")
    benchmark, folder = find_benchmark(tmp_path, "small"), tmp_path / "results"
    path = folder / "fewshot" / "table.json"
    held = FewShotOnDisk(benchmark, folder, path)
    held.add({"part": part(LABELS_ROW, 0).as_dict()})
    path.mkdir()
    with pytest.raises(OutputError):
        held.add({"part": part("model", 0).as_dict()})
    path.rmdir()
    assert not part_path(folder, "table", "model", 0, 0).exists()
    held = FewShotOnDisk(benchmark, folder, path)
    assert set(held.done()) == {Job(0, 0, LABELS_ROW)}
    held.add({"part": part("model", 0).as_dict()})
    assert held.summary["folds"] == [0]
