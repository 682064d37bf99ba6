"""Errors of probabilities are those of formulas and loops, and bins hold equal numbers of rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpcm.errors import LabelError
from hyperpcm.metrics import brier_score, expected_calibration_error, log_loss, reliability_curve


def drawn(n: int, seed: int = 0, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose logits are ``slope`` times the true ones."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 2, n)
    active = generator.random(n) < 1 / (1 + np.exp(-logits))
    return active, 1 / (1 + np.exp(-slope * logits))


def test_brier_score_and_log_loss_are_those_of_their_formulas():
    active, p = drawn(200)
    assert brier_score(active, p) == pytest.approx(np.mean((active - p) ** 2))
    assert log_loss(active, p) == pytest.approx(-np.mean(np.log(np.where(active, p, 1 - p))))


def test_one_class_alone_has_a_loss():
    assert brier_score([1, 1], [0.5, 1.0]) == pytest.approx(0.125)
    assert log_loss([0, 0], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert expected_calibration_error([0, 0], [0.0, 0.0]) == 0


def test_what_is_certain_and_wrong_costs_much_but_not_everything():
    assert 20 < log_loss([1], [0.0]) < 1000


@given(st.integers(1, 300), st.integers(1, 15), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_the_curve_is_that_of_a_loop_over_bins(n: int, bins: int, seed: int):
    active, p = drawn(n, seed)
    p = np.round(p, 2)  # some are equal
    edges = [float(np.quantile(p, one / bins)) for one in range(1, bins)]
    parts: dict[int, list[int]] = {}
    for row in range(n):
        parts.setdefault(sum(p[row] > edge for edge in sorted(set(edges))), []).append(row)
    curve = reliability_curve(active, p, bins=bins)
    expected = [parts[key] for key in sorted(parts)]
    assert curve.n.tolist() == [len(rows) for rows in expected]
    np.testing.assert_allclose(curve.probability, [p[rows].mean() for rows in expected])
    np.testing.assert_allclose(curve.observed, [active[rows].mean() for rows in expected])
    error = sum(len(rows) * abs(p[rows].mean() - active[rows].mean()) for rows in expected) / n
    assert expected_calibration_error(active, p, bins=bins) == pytest.approx(error)
    assert curve.bins == bins
    for share, low, high in zip(curve.observed, curve.lower, curve.upper, strict=True):
        assert 0 <= low <= share + 1e-12
        assert share - 1e-12 <= high <= 1


def test_bins_hold_equal_numbers_of_rows_and_intervals_are_wilsons():
    active, p = drawn(1000)
    curve = reliability_curve(active, p)
    assert curve.n.tolist() == [100] * 10
    z, n = 1.959964, 100
    share = curve.observed
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    np.testing.assert_allclose(curve.lower, centre - half, atol=1e-6)
    np.testing.assert_allclose(curve.upper, centre + half, atol=1e-6)


def test_equal_probabilities_stay_together_in_any_order_of_rows():
    active = np.array([0, 1, 0, 1, 1, 0, 1, 1])
    p = np.array([0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9])
    curve = reliability_curve(active, p, bins=4)
    assert curve.n.tolist() == [6, 2]
    order = np.random.default_rng(0).permutation(8)
    assert reliability_curve(active[order], p[order], bins=4).error == curve.error


def test_the_error_tells_overconfident_probabilities_from_honest_ones():
    honest, loud = drawn(20_000), drawn(20_000, slope=2.5)
    assert expected_calibration_error(*honest) < 0.015
    assert expected_calibration_error(*loud) > 0.05


def test_no_rows_give_no_number():
    assert math.isnan(brier_score([], []))
    assert math.isnan(log_loss([], []))
    assert math.isnan(expected_calibration_error([], []))
    assert reliability_curve([], []).n.size == 0


@pytest.mark.parametrize("metric", [brier_score, log_loss, expected_calibration_error])
def test_what_is_no_probability_is_refused(metric):
    with pytest.raises(LabelError, match=r"probabilities\[1\] is 1.5"):
        metric([0, 1], [0.5, 1.5])
    with pytest.raises(LabelError, match="classes are 0"):
        metric([0, 2], [0.5, 0.5])


def test_a_curve_has_a_bin():
    with pytest.raises(LabelError, match="bins is 0"):
        reliability_curve([0, 1], [0.5, 0.5], bins=0)
