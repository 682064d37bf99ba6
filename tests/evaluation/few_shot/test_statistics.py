"""Intervals against scipy's bootstrap, shares against a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from hyperpcm.errors import LabelError
from hyperpcm.evaluation.few_shot.curves import METRICS
from hyperpcm.evaluation.few_shot.statistics import curve_record, paired_difference, worse_share


def numbers(seed, n=40):
    values = np.random.default_rng(seed).normal(0.5, 0.2, size=n)
    values[seed::9] = np.nan
    return values


def test_the_interval_is_that_of_scipy_over_paired_targets():
    one, other = numbers(0), numbers(1)
    found = paired_difference(one, other, resamples=20_000)
    pairs = [a - b for a, b in zip(one, other, strict=True) if not (math.isnan(a) or math.isnan(b))]
    expected = bootstrap(
        (np.array(pairs),),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        random_state=np.random.default_rng(5),
    ).confidence_interval
    assert found.n_targets == len(pairs)
    assert found.mean == pytest.approx(np.mean(pairs))
    assert found.low == pytest.approx(expected.low, abs=0.004)
    assert found.high == pytest.approx(expected.high, abs=0.004)


def test_equal_methods_differ_by_nothing_and_few_targets_have_no_interval():
    same = paired_difference(numbers(0), numbers(0))
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)
    alone = paired_difference(np.array([0.5, np.nan]), np.array([0.25, 0.3]))
    assert (alone.mean, alone.n_targets) == (0.25, 1)
    assert math.isnan(alone.low)
    assert math.isnan(paired_difference(np.array([np.nan]), np.array([1.0])).mean)
    with pytest.raises(LabelError, match="2 and 1 targets"):
        paired_difference(np.zeros(2), np.zeros(1))


def test_the_share_that_gets_worse_counts_falls_of_more_than_a_twentieth():
    zero_shot = np.array([0.5, 0.5, 0.5, 0.5, np.nan])
    assert worse_share(np.array([0.44, 0.46, 0.9, 0.5, 0.1]), zero_shot) == 0.25
    assert math.isnan(worse_share(np.array([np.nan]), np.array([0.1])))


def test_a_record_holds_means_errors_counts_and_both_comparisons():
    curve, zero, reference = ({4: {m: numbers(s) for m in METRICS}} for s in (0, 1, 2))
    curve[4]["auroc"] = np.full(40, np.nan)
    entry = curve_record(curve, zero, reference)["4"]
    known = numbers(0)[~np.isnan(numbers(0))]
    assert entry["mse"] == pytest.approx(known.mean())
    assert entry["mse_se"] == pytest.approx(known.std(ddof=1) / len(known) ** 0.5)
    assert (entry["n_targets"], entry["n_targets_correlated"], entry["n_targets_classified"]) == (
        len(known),
        len(known),
        0,
    )
    assert math.isnan(entry["auroc"])
    for key, other in (("to_none", zero), ("to_reference", reference)):
        expected = paired_difference(curve[4]["mse"], other[4]["mse"])
        assert entry[key]["mse"] == [expected.mean, expected.low, expected.high]
    assert "to_reference" not in curve_record(curve, zero, None)["4"]
