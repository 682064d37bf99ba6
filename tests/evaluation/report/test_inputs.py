from __future__ import annotations

import numpy as np
import pytest

from hyperpcm import metrics
from hyperpcm.errors import LabelError
from hyperpcm.evaluation.report import DataSummary, ScoredRows, SplitSummary
from hyperpcm.evaluation.report.evidence import test_view as view_of
from hyperpcm.evaluation.report.record import split_view
from small_tables import PKD, random_table


def test_arrays_are_copied_and_read_only():
    labels = np.array([5.0, 6.0], dtype=np.float32)
    rows = ScoredRows(labels, labels, [0, 0], ("T",))
    labels[0] = 9
    assert rows.labels[0] == 5
    with pytest.raises(ValueError, match="read-only"):
        rows.scores[0] = 1


@pytest.mark.parametrize(
    ("labels", "scores", "index", "relations"),
    [
        ([5.0, 6.0], [5.0], [0, 0], None),
        ([5.0, 6.0], [5.0, 6.0], [0], None),
        ([5.0, 6.0], [5.0, 6.0], [0, 1], None),
        ([5.0, 6.0], [5.0, 6.0], [0, -1], None),
        ([5.0, np.nan], [5.0, 6.0], [0, 0], None),
        ([5.0, 6.0], [5.0, np.inf], [0, 0], None),
        ([5.0, 6.0], [5.0, 6.0], [0, 0], [0]),
        ([[5.0], [6.0]], [5.0, 6.0], [0, 0], None),
    ],
)
def test_scored_rows_that_contradict_each_other_are_refused(labels, scores, index, relations):
    with pytest.raises(LabelError, match="report"):
        ScoredRows(np.array(labels), np.array(scores), np.array(index), ("T",), relations)


def test_relations_of_another_length_are_refused():
    with pytest.raises(LabelError, match="relations"):
        DataSummary(PKD, labels=np.zeros(3), relations=np.zeros(2))


def test_best_and_worst_targets_are_those_of_an_independent_count():
    table = random_table(1, compounds=40, targets=30, share=1.0)
    rng = np.random.default_rng(2)
    noise = rng.normal(scale=np.linspace(0.1, 5, 30)[table.target_index])
    scores = (table.point() + noise).astype(np.float32)
    view = view_of(ScoredRows.of(table, np.arange(len(table)), scores), PKD)
    r = {}
    for target in range(30):
        rows = table.target_index == target
        r[table.target_names[target]] = np.corrcoef(table.point()[rows], scores[rows])[0, 1]
    ordered = sorted(r, key=r.__getitem__, reverse=True)
    assert [line["name"] for line in view["best"]] == ordered[:5]
    assert [line["name"] for line in view["worst"]] == ordered[-5:]
    assert view["best"][0]["skill"] == f"{r[ordered[0]]:.2f}"
    assert view["mean"] == f"{np.mean(list(r.values())):.3f}"


def test_targets_that_cannot_be_judged_are_counted_not_dropped():
    labels = np.concatenate([np.linspace(5, 8, 12), np.full(12, 5.0), [5.0, 6.0]])
    index = np.repeat([0, 1, 2], [12, 12, 2])
    view = view_of(ScoredRows(labels, labels, index, ("good", "flat", "few", "absent")), PKD)
    assert [line["name"] for line in view["best"]] == ["good"]
    assert (view["counted"], view["targets"], view["too_few"]) == ("1 target", "3", 2)
    assert view["min_labels"] == metrics.per_target(labels, labels, index).min_labels


@pytest.mark.parametrize(("repeats", "shown"), [(0, []), (1234, ["1,234"])])
def test_repeated_pairs_are_part_of_the_audit(repeats, shown):
    view = split_view(SplitSummary("random", 0, 5, 0, "", {"repeats": repeats}))
    assert [value for name, value in view["crossings"] if "beyond the first" in name] == shown
