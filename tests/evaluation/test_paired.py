"""Differences on the same targets: against a loop, and against SciPy's bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hyperpcm.errors import TableError
from hyperpcm.evaluation.paired import bootstrap_ratio, compare_targets
from hyperpcm.evaluation.target_values import TargetTable, TargetValues


def values(targets, n, sse, pearson) -> TargetValues:
    floats = {
        name: np.array(column, dtype=np.float32) for name, column in (("sse", sse), ("pearson", pearson))
    }
    nothing = np.full(len(targets), np.nan, dtype=np.float32)
    return TargetValues(
        np.array(targets, dtype=np.int32),
        np.array(n, dtype=np.int32),
        **floats,
        spearman=nothing,
        ci=nothing,
        auroc=nothing,
    )


def made_up(seed=0, folds=2, targets=40, shift=0.0):
    rng = np.random.default_rng(seed)
    entries = {}
    for fold in range(folds):
        for model, seeds in (("ours", 2), ("theirs", 1)):
            for number in range(seeds):
                n = 5 + np.arange(targets) % 7
                sse = n * rng.uniform(0.1, 1, targets) + (shift * n if model == "theirs" else 0)
                pearson = rng.uniform(-1, 1, targets)
                pearson[:5] = np.nan
                entries[model, fold, number] = values(np.arange(targets), n, sse, pearson)
    return TargetTable(entries)


def test_the_interval_of_a_mean_is_that_of_scipy():
    sample = np.random.default_rng(3).exponential(size=80)
    low, high = bootstrap_ratio(sample, np.ones(80), resamples=20_000, seed=1)
    found = stats.bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="percentile", rng=2
    ).confidence_interval
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.01)


def test_the_interval_of_a_ratio_is_that_of_scipy():
    rng = np.random.default_rng(4)
    below = rng.integers(1, 50, size=60).astype(float)
    above = below * rng.normal(1, 1, size=60)
    low, high = bootstrap_ratio(above, below, resamples=20_000)
    found = stats.bootstrap(
        (above, below),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=5,
    ).confidence_interval
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.02)


def test_the_seed_decides_and_one_unit_has_no_interval():
    sample = np.random.default_rng(0).normal(size=20)
    assert bootstrap_ratio(sample, np.ones(20), seed=1) == bootstrap_ratio(sample, np.ones(20), seed=1)
    assert bootstrap_ratio(sample, np.ones(20), seed=1) != bootstrap_ratio(sample, np.ones(20), seed=2)
    assert all(math.isnan(end) for end in bootstrap_ratio(np.ones(1), np.ones(1)))
    with pytest.raises(TableError):
        bootstrap_ratio(np.array([1.0, np.nan]), np.ones(2))


def test_squared_errors_are_weighed_by_labels_with_seeds_averaged_first():
    table = made_up()
    difference = weight = 0.0
    for fold in (0, 1):
        ours = (table.entries["ours", fold, 0].sse + table.entries["ours", fold, 1].sse) / 2
        difference += float((ours.astype(float) - table.entries["theirs", fold, 0].sse).sum())
        weight += table.entries["theirs", fold, 0].n.sum()
    found = compare_targets(table, "theirs", "mse", model="ours")
    assert found.targets == 40
    assert found.difference == pytest.approx(difference / weight, abs=1e-6)
    assert found.low < found.difference < found.high


def test_other_metrics_count_each_target_once_and_leave_out_those_without():
    table = made_up()
    of_target: dict[int, list[float]] = {}
    for fold in (0, 1):
        for target in range(5, 40):
            ours = np.mean([table.entries["ours", fold, seed].pearson[target] for seed in (0, 1)])
            of_target.setdefault(target, []).append(
                float(ours - table.entries["theirs", fold, 0].pearson[target])
            )
    found = compare_targets(table, "theirs", "per_target.pearson", model="ours")
    assert found.targets == 35
    assert found.difference == pytest.approx(
        np.mean([np.mean(each) for each in of_target.values()]), abs=1e-6
    )


def test_a_real_difference_is_decided_and_only_shared_cells_count():
    table = made_up(shift=0.5)
    found = compare_targets(table, "theirs", "mse", model="ours")
    assert found.high < 0
    less = table.without([("theirs", 1, 0)])
    one_fold = compare_targets(less, "theirs", "mse", model="ours")
    alone = compare_targets(less.without([("ours", 1, 0), ("ours", 1, 1)]), "theirs", "mse", model="ours")
    assert one_fold == alone


def test_nothing_shared_is_nothing_and_an_unknown_metric_an_error():
    assert compare_targets(made_up(), "nobody", "mse", model="ours") is None
    assert compare_targets(made_up(), "theirs", "per_target.auroc", model="ours") is None
    with pytest.raises(TableError, match="no interval over targets"):
        compare_targets(made_up(), "theirs", "rmse", model="ours")
