"""Bayesian linear regression: against the textbook, by leaving out, and with bounds by quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.stats import multivariate_normal, norm

from hyperpcm.target_model.linear_posterior import fit_linear

EXACT = 0


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
    mean, variance = fit_linear(columns, values, noise, np.zeros(12, int)).at(asked)
    assert mean == pytest.approx(cross @ np.linalg.solve(kernel, values))
    left = asked @ asked.T - cross @ np.linalg.solve(kernel, cross.T)
    assert variance == pytest.approx(np.diag(left))


def test_what_is_left_out_is_what_the_others_say():
    columns, values, noise = table(6)
    found = fit_linear(columns, values, noise, np.zeros(6, int))
    for row in range(6):
        rest = np.arange(6) != row
        mean, variance = fit_linear(columns[rest], values[rest], noise[rest], np.zeros(5, int)).at(
            columns[row : row + 1]
        )
        assert found.expected[row] == pytest.approx(mean[0])
        density = norm(mean[0], np.sqrt(variance[0] + noise[row])).logpdf(values[row])
        assert found.left_out[row] == pytest.approx(density)


def test_densities_left_out_one_after_the_other_do_not_exceed_the_evidence():
    columns, values, noise = table(1)
    found = fit_linear(columns, values, noise, np.zeros(1, int))
    evidence = multivariate_normal(np.zeros(1), columns @ columns.T + np.diag(noise)).logpdf(values)
    assert found.left_out[0] == pytest.approx(float(evidence))  # of one measurement the others say nothing


@pytest.mark.parametrize("relation", [1, -1])
def test_a_bound_moves_mean_and_variance_as_the_truncated_posterior_has_them(relation: int):
    columns, bound, noise = np.array([[1.3]]), np.array([relation * 0.8]), np.array([0.2])
    found = fit_linear(columns, bound, noise, np.array([relation]))

    def weighed(power: int):
        def density(weight: float) -> float:
            likely = norm.cdf(relation * (1.3 * weight - bound[0]) / np.sqrt(0.2))
            return float(weight**power * norm.pdf(weight) * likely)

        return integrate.quad(density, -8, 8)[0]

    mean = weighed(1) / weighed(0)
    assert found.mean[0] == pytest.approx(mean, abs=1e-4)
    assert found.root[0, 0] ** 2 == pytest.approx(weighed(2) / weighed(0) - mean**2, abs=1e-4)
    assert np.sign(found.mean[0]) == relation


def test_a_bound_that_says_nothing_new_changes_nothing():
    columns, values, noise = table(8)
    plain = fit_linear(columns, values, noise, np.zeros(8, int))
    more = np.concatenate([columns, columns[:1]])
    found = fit_linear(more, np.append(values, -50.0), np.append(noise, 0.2), np.array([0] * 8 + [1]))
    assert found.mean == pytest.approx(plain.mean, abs=1e-6)
    assert found.left_out[-1] == pytest.approx(0, abs=1e-6)


def test_many_bounds_settle():
    columns, values, noise = table(200)
    found = fit_linear(columns, values, noise, np.where(np.arange(200) % 2, 1, -1))
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.left_out).all()
