"""The supported share beside least squares of scikit-learn and a jackknife over targets."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from hyperpcm.training.correction import supported_share


def made(
    share: float, noise: float, *, between: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that are a share of the corrections, which may differ between targets, and noise."""
    generator = np.random.default_rng(seed)
    targets = np.repeat(np.arange(30), generator.integers(3, 20, 30))
    corrections = generator.normal(size=len(targets)).astype(np.float32)
    shares = (share + between * generator.normal(size=30))[targets]
    errors = shares * corrections + generator.normal(0, noise, len(targets))
    return errors.astype(np.float32), corrections, targets


def least_squares(errors: np.ndarray, corrections: np.ndarray) -> float:
    return float(LinearRegression(fit_intercept=False).fit(corrections[:, None], errors).coef_[0])


@pytest.mark.parametrize("between", [0.0, 0.4])
@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_it_is_least_squares_shrunk_by_its_error_over_targets(noise: float, between: float):
    errors, corrections, targets = made(0.6, noise, between=between)
    share = least_squares(errors, corrections)
    left_out = [least_squares(errors[targets != t], corrections[targets != t]) for t in range(30)]
    variance = 29 / 30 * np.square(np.array(left_out) - np.mean(left_out)).sum()  # jackknife
    expected = share * (1 - variance / share**2)
    assert supported_share(errors, corrections, targets) == pytest.approx(expected, rel=0.02)


def test_without_noise_it_is_the_share_itself():
    assert supported_share(*made(0.6, 0.0)) == pytest.approx(0.6, rel=1e-5)


def test_a_share_that_differs_between_targets_is_trusted_less_than_its_rows_suggest():
    errors, corrections, targets = made(0.3, 0.0, between=0.6)
    alone = np.arange(len(targets))  # as if every row were a target of its own
    assert supported_share(errors, corrections, targets) < supported_share(errors, corrections, alone)


def test_it_stays_between_nothing_and_all():
    assert supported_share(*made(-0.5, 0.1)) == 0.0
    assert supported_share(*made(3.0, 0.1)) == 1.0
    assert supported_share(*made(0.02, 2.0)) == 0.0


def test_a_correction_of_nothing_has_no_share():
    errors, corrections, targets = made(0.6, 0.5)
    assert supported_share(errors, 0 * corrections, targets) == 0.0
