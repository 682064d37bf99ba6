"""Quantiles are those of crepes and of a loop, and intervals hold what they promise where rows are alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.calibration import GRID, NOT_THERE, VERDICTS
from hyperpcm.trust import (
    HeldOut,
    calibrate,
    conformal_quantiles,
    coverage_of_kinds,
    measured_coverage,
    summarised,
)
from hyperpcm.trust.conformal import table_by


def held_out(rows: int, targets: int, seed: int = 0, unseen: str = "target") -> HeldOut:
    """Rows whose errors are as wide as their difficulty, and wider for targets far from known ones."""
    generator = np.random.default_rng(seed)
    target = np.sort(generator.integers(0, targets, rows))
    nearest = generator.uniform(0.15, 1, targets).astype(np.float32)[target]
    difficulty = generator.uniform(0.2, 1.5, rows).astype(np.float32)
    return HeldOut(
        errors=generator.normal(0, difficulty * (2 - nearest)),
        difficulty=difficulty,
        nearest_target=nearest,
        nearest_compound=generator.uniform(0.25, 1, rows).astype(np.float32),
        target=target,
        unseen=unseen,
    )


def calibrated(rows: HeldOut):
    return calibrate(BoostedTrees(), 4, 0.1, rows)


@given(st.integers(1, 400), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_quantiles_are_those_of_a_loop(rows: int, seed: int):
    ratios = np.random.default_rng(seed).exponential(size=rows)
    found = conformal_quantiles(ratios)
    for place in range(GRID):
        level = (place + 1) / (GRID + 1)
        large_enough = [one for one in sorted(ratios) if (ratios <= one).sum() >= level * (rows + 1) - 1e-9]
        assert found[place] == pytest.approx(large_enough[0] if large_enough else NOT_THERE)


def test_quantiles_are_those_of_crepes():
    crepes = pytest.importorskip("crepes")
    rows, test = held_out(501, 40), held_out(300, 30, seed=1)
    groups = np.digitize(rows.nearest_target, calibrated(rows).bounds)
    other = crepes.ConformalRegressor()
    other.fit(residuals=np.abs(rows.errors), sigmas=rows.difficulty, bins=groups)
    bins = np.digitize(test.nearest_target, calibrated(rows).bounds)
    expected = other.predict_int(np.zeros(300), sigmas=test.difficulty, bins=bins, confidence=0.8)[:, 1]
    ours = [
        float(calibrated(rows).half_widths(test.difficulty[row : row + 1], 0.8, int(bins[row]))[0])
        for row in range(300)
    ]
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_intervals_hold_what_they_promise_and_rows_far_away_are_no_exception():
    found = measured_coverage(
        calibrated(held_out(6000, 300)), held_out(6000, 300, seed=1), np.linspace(0, 10, 101)
    )
    for level in ("0.8", "0.9"):
        assert found.held[level] == pytest.approx(float(level), abs=0.03)
        assert min(found.held_by_bin[level]) > float(level) - 0.05
    assert found.width["0.8"] < found.width["0.9"]
    assert found.width_ratio["0.8"] == pytest.approx(found.width["0.8"] / 8, rel=1e-3)


def test_new_and_known_targets_are_measured_apart_and_together_are_all_rows():
    rows, test = calibrated(held_out(3000, 60)), held_out(3000, 60, seed=1, unseen="mixed")
    labels = np.linspace(0, 10, 101)
    found = coverage_of_kinds(rows, test, np.arange(20), labels)
    new, known = found["new_targets"], found["known_targets"]
    assert (new["targets"], known["targets"]) == (40, 20)
    assert new["rows"] == (test.target >= 20).sum()
    whole = measured_coverage(rows, test, labels)
    pooled = sum(part["held"]["0.8"] * part["rows"] for part in found.values()) / len(test.errors)
    assert pooled == pytest.approx(whole.held["0.8"])
    assert summarised([whole.as_dict() | found])["new_targets"]["coverage"] == new["held"]
    for all_of_one_kind in (np.arange(60), np.arange(100, 160)):
        assert coverage_of_kinds(rows, test, all_of_one_kind, labels) == {}
    new_only = dataclasses.replace(test, unseen="target")
    assert coverage_of_kinds(rows, new_only, np.arange(20), labels) == {}


def test_errors_grow_over_the_verdicts_and_abstaining_lowers_them():
    found = measured_coverage(
        calibrated(held_out(3000, 60)), held_out(3000, 60, seed=1), np.linspace(0, 10, 101)
    )
    assert list(found.rmse_by_verdict) == list(VERDICTS)
    assert sorted(found.rmse_by_verdict.values()) == list(found.rmse_by_verdict.values())
    assert found.share_by_verdict["inside"] == pytest.approx(0.7, abs=0.05)
    assert found.abstain_mse_ratio < 0.8


def test_rows_of_unrelated_targets_and_unlike_compounds_are_outside_however_easy_they_look():
    rows = held_out(3000, 60)
    near = np.minimum(rows.nearest_target, 0.5)
    strange = dataclasses.replace(
        rows,
        nearest_target=np.where(rows.target % 3 == 0, 0.05, near).astype(np.float32),
        nearest_compound=np.where(rows.target % 3 == 1, 0.15, 0.6).astype(np.float32),
    )
    found = calibrated(strange)
    verdicts = np.array(found.verdicts(strange.difficulty, strange.nearest_target, strange.nearest_compound))
    assert set(verdicts[rows.target % 3 < 2]) == {"outside"}
    hard = strange.difficulty > found.edges[1]
    assert (verdicts == "outside").sum() == ((rows.target % 3 < 2) | hard).sum()
    assert found.held_out["verdicts"]["outside"]["rows"] == (verdicts == "outside").sum()


def test_groups_need_twenty_targets_each_and_new_targets():
    assert len(calibrated(held_out(900, 39)).bounds) == 0
    assert len(calibrated(held_out(900, 45)).bounds) == 1
    assert len(calibrated(held_out(900, 200)).bounds) == 2
    assert len(calibrated(held_out(900, 200, unseen="compound")).bounds) == 0


def test_what_it_rests_on_is_told():
    rows = held_out(900, 45)
    told = calibrated(rows).held_out
    assert told["rows"] == 900
    assert told["targets"] == len(np.unique(rows.target))
    assert told["unseen"] == "target"
    assert sum(one["rows"] for one in told["verdicts"].values()) == 900
    assert sum(one["rows"] for one in told["by_nearest_target"]) == 900
    errors = [one["rmse"] for one in told["by_nearest_target"]]
    assert errors[0] > errors[-1]


def test_parts_of_equal_values_stay_together():
    values, errors = np.ones(50, dtype=np.float32), np.full(50, 2.0)
    assert table_by(values, errors) == [{"from": 1.0, "to": 1.0, "rows": 50, "rmse": 2.0}]


def test_too_few_rows_or_targets_are_told():
    with pytest.raises(LabelError, match="need 50 held-out rows or more; validation has 49"):
        calibrated(held_out(49, 10))
    one = held_out(200, 1)
    with pytest.raises(LabelError, match="need 5 held-out targets or more; validation has 1"):
        calibrated(one)
    calibrated(dataclasses.replace(one, unseen="pair"))  # nothing is promised of new targets there
    with pytest.raises(LabelError, match="equals its score"):
        calibrated(dataclasses.replace(held_out(100, 10), errors=np.zeros(100)))


@pytest.mark.parametrize(
    ("level", "message"), [(0.0, "for 0.01"), (1.0, "for 0.01"), (0.805, "not for 0.805")]
)
def test_levels_that_are_not_kept_are_refused(level: float, message: str):
    with pytest.raises(ConfigError, match=message):
        calibrated(held_out(100, 10)).half_widths(np.ones(1, np.float32), level)


def test_a_level_that_needs_more_rows_is_refused():
    made = calibrated(held_out(60, 10))
    assert made.half_widths(np.ones(1, np.float32), 0.98)[0] > 0
    with pytest.raises(ConfigError, match="99 % needs more held-out rows than the 60"):
        made.half_widths(np.ones(1, np.float32), 0.99)
