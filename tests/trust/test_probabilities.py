"""A line of the logit is learned where held-out targets gain by it, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.errors import LabelError
from hyperpcm.metrics import expected_calibration_error, log_loss
from hyperpcm.target_model import LabelScale
from hyperpcm.target_model.label_scale import logits_of, probabilities_of
from hyperpcm.trust import fit_logit_map, measured_reliability, summarised_reliability

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def rows_of(n: int, targets: int, *, slope: float = 1.0, shift: float = 0.0, seed: int = 0) -> Rows:
    """Classes, logits that a line of that slope and shift would make honest, and targets."""
    generator = np.random.default_rng(seed)
    target = np.sort(generator.integers(0, targets, n))
    honest = generator.normal(-1, 2, n)
    active = generator.random(n) < 1 / (1 + np.exp(-honest))
    return active, (honest - shift) / slope, target


def test_a_line_is_found_and_makes_new_rows_honest():
    found = fit_logit_map(*rows_of(4000, 60, slope=0.5, shift=-0.7), unseen="target")
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.intercept == pytest.approx(-0.7, abs=0.15)
    active, logits, _ = rows_of(20_000, 60, slope=0.5, shift=-0.7, seed=1)
    before, after = probabilities_of(logits), probabilities_of(found.slope * logits + found.intercept)
    assert expected_calibration_error(active, before) > 0.05
    assert expected_calibration_error(active, after) < 0.015
    assert log_loss(active, after) < log_loss(active, before)
    assert found.held_out["log_loss"]["after"] < found.held_out["log_loss"]["before"]
    assert found.held_out["ece"]["after"] < found.held_out["ece"]["before"]
    assert (found.held_out["rows"], found.held_out["targets"]) == (4000, 60)
    assert (found.held_out["unseen"], found.held_out["ece"]["bins"]) == ("target", 10)


@pytest.mark.parametrize("seed", range(5))
def test_honest_probabilities_are_hardly_changed(seed: int):
    found = fit_logit_map(*rows_of(1500, 20, seed=seed), unseen="target")
    assert found.slope == pytest.approx(1, abs=0.1)
    assert found.intercept == pytest.approx(0, abs=0.15)


def test_what_one_target_says_is_not_taken_for_all():
    """A line that fits five targets of other kinds helps none of them when it is fitted on the others."""
    generator = np.random.default_rng(0)
    target = np.repeat(np.arange(6), 40)
    offset = np.array([3.0, -3.0, 2.5, -2.5, 3.5, -3.5])[target]
    honest = generator.normal(0, 0.2, 240) + offset
    active = generator.random(240) < 1 / (1 + np.exp(-honest))
    found = fit_logit_map(active, generator.normal(0, 0.2, 240), target, "target")
    assert found.held_out["share"] == 0
    assert (found.slope, found.intercept) == (1.0, 0.0)
    assert found.held_out["log_loss"]["after"] == found.held_out["log_loss"]["before"]


def test_the_order_of_scores_never_changes_not_even_where_they_are_upside_down():
    active, logits, target = rows_of(600, 12)
    found = fit_logit_map(active, -logits, target, "target")
    assert found.slope > 0
    for seed in range(5):
        slope = fit_logit_map(*rows_of(60, 6, slope=3.0, seed=seed), unseen="target").slope
        assert slope > 0


def test_it_can_be_repeated_and_needs_no_order_of_rows():
    active, logits, target = rows_of(900, 30, slope=0.6)
    order = np.random.default_rng(0).permutation(900)
    one = fit_logit_map(active, logits, target, "target")
    assert fit_logit_map(active, logits, target, "target") == one
    other = fit_logit_map(active[order], logits[order], target[order], "target")
    assert other.slope == pytest.approx(one.slope, rel=1e-4)
    assert other.held_out["share"] == one.held_out["share"]


def test_too_few_rows_or_targets_and_one_class_alone_are_refused():
    active, logits, target = rows_of(49, 10)
    with pytest.raises(LabelError, match="need 50 held-out rows or more; validation has 49"):
        fit_logit_map(active, logits, target, "target")
    active, logits, target = rows_of(200, 4)
    with pytest.raises(LabelError, match="need 5 held-out targets or more; validation has 4"):
        fit_logit_map(active, logits, target, "pair")
    with pytest.raises(LabelError, match="validation has 1"):
        fit_logit_map(active, logits, np.zeros(200, dtype=np.int64), "target")
    active, logits, target = rows_of(200, 10)
    with pytest.raises(LabelError, match="all 200 held-out labels are inactive"):
        fit_logit_map(np.zeros(200, bool), logits, target, "target")
    with pytest.raises(LabelError, match="all 200 held-out labels are active"):
        fit_logit_map(np.ones(200, bool), logits, target, "target")


def test_targets_of_one_class_in_every_part_but_one_are_no_obstacle():
    active, logits, target = rows_of(300, 6)
    active = active & (target == 0)
    found = fit_logit_map(active, logits, target, "target")
    assert np.isfinite([found.slope, found.intercept]).all()


def test_a_scale_gives_calibrated_probabilities_and_takes_them_back():
    import torch

    scale = LabelScale(0.1, 1.0, binary=True, slope=0.5, intercept=-0.7)
    logits = np.linspace(-6, 6, 50).astype(np.float32)
    made = scale.to_labels(torch.from_numpy(logits)).numpy()
    np.testing.assert_allclose(logits_of(made), 0.5 * logits - 0.7, atol=1e-4)
    np.testing.assert_allclose(scale.uncalibrated(made), probabilities_of(logits), atol=1e-4)
    assert scale.unit == 0.5
    assert LabelScale(6.0, 1.5).unit == 1.5
    plain = LabelScale(0.1, 1.0, binary=True)
    torch.testing.assert_close(
        plain.to_labels(torch.from_numpy(logits)), torch.sigmoid(torch.from_numpy(logits))
    )


def measured(seed: int = 0):
    active, logits, target = rows_of(3000, 60, slope=0.5, shift=-0.7, seed=seed)
    scale = LabelScale(0.1, 1.0, binary=True, slope=0.5, intercept=-0.7)
    nearest = np.random.default_rng(seed).random(60).astype(np.float32)[target]
    labels, made = active.astype(np.float32), probabilities_of(0.5 * logits - 0.7)
    return measured_reliability(labels, made, scale, target, nearest), active, made, target, nearest


def test_what_is_measured_is_that_of_all_rows_and_of_each_third_of_the_targets():
    found, active, made, target, nearest = measured()
    assert found.ece == expected_calibration_error(active, made)
    assert found.ece < found.ece_uncalibrated
    assert found.log_loss < found.log_loss_uncalibrated
    assert found.brier < found.brier_uncalibrated
    assert (found.rows, found.targets, found.slope, found.bins) == (3000, 60, 0.5, 10)
    order = np.argsort([nearest[target == one][0] for one in range(60)])
    for third, part in enumerate(found.by_third):
        own = np.isin(target, order[20 * third : 20 * third + 20])
        assert part["active"] == pytest.approx(active[own].mean())
        assert part["probability"] == pytest.approx(made[own].mean(), rel=1e-5)
        assert part["log_loss"] == pytest.approx(log_loss(active[own], made[own]))


def test_means_are_those_over_the_parts():
    parts = [measured(seed)[0].as_dict() for seed in (0, 1)]
    found = summarised_reliability(parts)
    for name in ("ece", "ece_uncalibrated", "brier", "log_loss"):
        assert found[name] == pytest.approx((parts[0][name] + parts[1][name]) / 2)
    assert found["ece_by_third"][0] == pytest.approx(
        (parts[0]["by_third"][0]["ece"] + parts[1]["by_third"][0]["ece"]) / 2
    )
