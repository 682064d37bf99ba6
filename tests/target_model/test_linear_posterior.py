"""Bayesian linear regression: against the textbook, by leaving out, and with bounds by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import multivariate_t, norm

from hyperpcm.target_model.linear_posterior import fit_linear, joint_log_density, log_densities


def table(rows: int, width: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    columns = generator.normal(size=(rows, width))
    noise = generator.uniform(0.1, 0.5, rows)
    return columns, columns @ generator.normal(size=width) + generator.normal(size=rows) * 0.4, noise


def test_mean_and_covariance_are_those_of_the_gaussian_process():
    columns, values, noise = table(12)
    asked = np.random.default_rng(1).normal(size=(4, 3))
    kernel = columns @ columns.T + np.diag(noise)
    cross = asked @ columns.T
    mean, variance = fit_linear(columns, values, values, noise)[0].at(asked)
    assert mean == pytest.approx(cross @ np.linalg.solve(kernel, values))
    left = asked @ asked.T - cross @ np.linalg.solve(kernel, cross.T)
    assert variance == pytest.approx(np.diag(left))


def test_what_is_left_out_is_what_the_others_say():
    columns, values, noise = table(6)
    _, told = fit_linear(columns, values, values, noise)
    for row in range(6):
        rest = np.arange(6) != row
        others, _ = fit_linear(columns[rest], values[rest], values[rest], noise[rest])
        mean, variance = others.at(columns[row : row + 1])
        assert told.mean[row] == pytest.approx(mean[0])
        assert told.variance[row] == pytest.approx(variance[0] + noise[row])


def test_of_one_measurement_the_others_say_nothing():
    columns, values, noise = table(1)
    _, told = fit_linear(columns, values, values, noise)
    assert told.mean == pytest.approx([0.0])
    assert told.variance == pytest.approx(np.square(columns).sum(axis=1) + noise)


@pytest.mark.parametrize(("lower", "upper"), [(0.8, np.inf), (-np.inf, -0.8), (0.3, 1.1), (-6.0, -5.0)])
def test_an_interval_moves_mean_and_variance_as_the_truncated_posterior_has_them(lower: float, upper: float):
    columns, noise = np.array([[1.3]]), np.array([0.2])
    found, _ = fit_linear(columns, np.array([lower]), np.array([upper]), noise)

    def weighed(power: int):
        def density(weight: float) -> float:
            ends = [norm.cdf((end - 1.3 * weight) / np.sqrt(0.2)) for end in (lower, upper)]
            return float(weight**power * norm.pdf(weight) * (ends[1] - ends[0]))

        return integrate.quad(density, -8, 8, points=(-4, 0))[0]

    mean = weighed(1) / weighed(0)
    assert found.mean[0] == pytest.approx(mean, abs=1e-4)
    assert found.root[0, 0] ** 2 == pytest.approx(weighed(2) / weighed(0) - mean**2, abs=1e-4)


def test_a_bound_that_says_nothing_new_changes_nothing():
    columns, values, noise = table(8)
    plain, _ = fit_linear(columns, values, values, noise)
    more = np.concatenate([columns, columns[:1]])
    lower, upper = np.append(values, -50.0), np.append(values, np.inf)
    found, told = fit_linear(more, lower, upper, np.append(noise, 0.2))
    assert found.mean == pytest.approx(plain.mean, abs=1e-6)
    assert log_densities(told.mean, told.variance, lower, upper)[-1] == pytest.approx(0, abs=1e-6)


def test_densities_of_values_and_intervals_are_those_of_the_normal_distribution():
    lower, upper = np.array([0.7, 0.7, -np.inf, -1.0, 3.0]), np.array([0.7, np.inf, -2.0, 1.5, 4.0])
    found = log_densities(np.full(5, 0.2), np.full(5, 1.7), lower, upper)
    usual = norm(0.2, np.sqrt(1.7))
    expected = [np.log(usual.cdf(b) - usual.cdf(a)) for a, b in zip(lower[1:], upper[1:], strict=True)]
    assert found == pytest.approx([usual.logpdf(0.7), *expected])


@pytest.mark.parametrize(
    ("bounds", "noise", "bound"), [(20, 0.01, -1.0), (100, 0.01, -1.0), (100, 0.05, 0.5)]
)
def test_many_like_bounds_settle(bounds: int, noise: float, bound: float):
    """Each bound, given the others, leads to the posterior; steps that are too long never get there."""
    lower, upper = np.full(bounds, bound), np.full(bounds, np.inf)
    found, _ = fit_linear(np.ones((bounds, 1)), lower, upper, np.full(bounds, noise))
    mean, variance = float(found.mean[0]), float(found.root[0, 0] ** 2)
    others = 1 + (bounds - 1) * (1 / variance - 1) / bounds
    usual = norm(mean / variance * (bounds - 1) / bounds / others, np.sqrt(1 / others))
    at = np.linspace(usual.mean() - 8 * usual.std(), usual.mean() + 8 * usual.std(), 20_001)
    weights = usual.pdf(at) * norm.cdf((at - bound) / np.sqrt(noise))
    expected = float((weights * at).sum() / weights.sum())
    assert mean == pytest.approx(expected, abs=1e-3)
    assert variance == pytest.approx(float((weights * (at - expected) ** 2).sum() / weights.sum()), rel=1e-3)


@pytest.mark.parametrize("bound", [1e2, 1e4, 1e6])
def test_bounds_far_off_are_followed(bound: float):
    """To where the prior and the noise hold the weight, and not into rounding errors."""
    found, told = fit_linear(np.ones((1, 1)), np.array([bound]), np.array([np.inf]), np.array([0.05]))
    assert found.mean[0] == pytest.approx(bound / 1.05, rel=1e-3)
    density = log_densities(told.mean, told.variance, np.array([bound]), np.array([np.inf]))
    assert density[0] == pytest.approx(-0.5 * bound**2 / 1.05, rel=1e-2)


@pytest.mark.parametrize("upper", [1.0, np.inf], ids=["value", "bound"])
def test_a_row_of_zeros_says_nothing(upper: float):
    columns, noise = np.array([[0.0, 0.0], [1.0, 0.0]]), np.full(2, 0.1)
    found, told = fit_linear(columns, np.ones(2), np.array([upper, 1.0]), noise)
    assert found.mean == pytest.approx([1 / 1.1, 0.0])
    assert (told.mean[0], told.variance[0]) == pytest.approx((0.0, 0.1), abs=1e-9)


def test_bounds_on_both_sides_settle():
    columns, values, noise = table(200)
    is_lower = np.arange(200) % 2 == 1
    lower, upper = np.where(is_lower, values, -np.inf), np.where(is_lower, np.inf, values)
    found, told = fit_linear(columns, lower, upper, noise)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(log_densities(told.mean, told.variance, lower, upper)).all()


def test_values_and_bounds_of_an_unknown_scale_together_are_as_likely_as_draws_say():
    """Against the mean over drawn scales; without a bound, against scipy's t distribution."""
    generator = np.random.default_rng(6)
    mean, variance = generator.normal(size=5), generator.uniform(0.2, 2, 5)
    lower = mean + generator.normal(size=5)
    found = joint_log_density(mean, variance, lower, lower)
    assert found == pytest.approx(multivariate_t(mean, np.diag(variance), df=4).logpdf(lower))
    upper = lower.copy()
    lower[3], upper[4] = -np.inf, np.inf
    factors = generator.chisquare(4, 200_000) / 4
    deviation = np.sqrt(variance / factors[:, None])
    density = norm.pdf(lower[:3], mean[:3], deviation[:, :3]).prod(axis=1)
    density *= norm.cdf(upper[3], mean[3], deviation[:, 3]) * norm.sf(lower[4], mean[4], deviation[:, 4])
    assert joint_log_density(mean, variance, lower, upper) == pytest.approx(np.log(density.mean()), abs=0.01)
