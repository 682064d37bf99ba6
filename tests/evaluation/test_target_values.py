"""Values per target add up to the pooled metrics, and come back from their file as they were."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.errors import TableError
from hyperpcm.evaluation.evaluate import evaluate_scores
from hyperpcm.evaluation.target_values import TargetTable, TargetValues, target_values
from small_tables import CLASSES, PKD, random_table


def scored(quantity=PKD, seed=0):
    interactions = random_table(seed, compounds=30, targets=9, quantity=quantity)
    rows = np.arange(0, len(interactions), 1)[5:]
    scores = interactions.point()[rows] + np.random.default_rng(seed).normal(size=len(rows))
    return interactions, rows, scores


def test_sums_and_means_are_those_of_the_metrics():
    interactions, rows, scores = scored()
    values, expected = target_values(interactions, rows, scores), evaluate_scores(interactions, rows, scores)
    assert values.n.sum() == len(rows)
    assert values.sse.sum() / len(rows) == pytest.approx(expected["mse"], rel=1e-5)
    for name in ("pearson", "spearman", "ci", "auroc"):
        assert np.nanmean(getattr(values, name)) == pytest.approx(expected["per_target"][name], abs=1e-6)
    assert np.count_nonzero(~np.isnan(values.pearson)) == expected["per_target"]["n_targets"]


def test_squared_errors_are_summed_target_by_target():
    interactions, rows, scores = scored()
    values = target_values(interactions, rows, scores)
    for place, target in enumerate(values.target):
        own = interactions.target_index[rows] == target
        error = interactions.point()[rows][own] - scores[own]
        assert values.sse[place] == pytest.approx((error**2).sum(), rel=1e-5)


def test_two_classes_have_an_auroc_and_no_errors():
    interactions, rows, scores = scored(CLASSES)
    values = target_values(interactions, rows, scores)
    expected = evaluate_scores(interactions, rows, scores)
    assert np.isnan(values.sse).all()
    assert np.isnan(values.pearson).all()
    assert np.nanmean(values.auroc) == pytest.approx(expected["per_target"]["auroc"], abs=1e-6)


def same(one: TargetValues, other: TargetValues) -> None:
    for name in ("target", "n", "sse", "pearson", "spearman", "ci", "auroc"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


def test_a_table_comes_back_from_its_file_and_from_lists(tmp_path):
    one, other = (target_values(*scored(seed=seed)) for seed in (0, 1))
    table = TargetTable().with_values({("b", 0, 0): one, ("a", 1, 2): other})
    table.write(tmp_path / "t.parquet")
    found = TargetTable.read(tmp_path / "t.parquet")
    assert set(found.entries) == set(table.entries)
    same(found.entries["b", 0, 0], one)
    same(TargetValues.from_lists(other.as_lists()), other)
    assert set(table.without([("b", 0, 0)]).entries) == {("a", 1, 2)}


def test_no_file_is_an_empty_table_and_a_damaged_one_an_error(tmp_path):
    assert TargetTable.read(tmp_path / "none.parquet").entries == {}
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError):
        TargetTable.read(tmp_path / "bad.parquet")
    TargetTable().write(tmp_path / "empty.parquet")
    assert TargetTable.read(tmp_path / "empty.parquet").entries == {}
