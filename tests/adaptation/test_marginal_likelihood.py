"""Variances by marginal likelihood: against a grid, and on residuals drawn with known ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from hyperpcm.adaptation.marginal_likelihood import fit_variances


def drawn(targets: int, n: int, offset: float, noise: float):
    generator = np.random.default_rng(0)
    found = [
        generator.normal(0, np.sqrt(offset)) + generator.normal(0, np.sqrt(noise), n) for _ in range(targets)
    ]
    ones = torch.ones(1, n, n, dtype=torch.float64)
    return [ones] * targets, [torch.from_numpy(one) for one in found]


def test_the_variances_that_residuals_were_drawn_with_are_found_again():
    parts, residuals = drawn(300, 6, offset=0.5, noise=0.25)
    total = float(torch.cat(residuals).square().mean())
    _, shares = fit_variances(parts, residuals, total, (0.1, 0.1))
    assert shares * total == pytest.approx([0.5, 0.25], rel=0.15)


def test_no_other_variances_are_likelier_and_the_value_is_that_of_scipy():
    parts, residuals = drawn(4, 3, offset=0.8, noise=0.3)
    total = float(torch.cat(residuals).square().mean())

    def negative(shares) -> float:
        covariance = total * (shares[0] * parts[0][0].numpy() + (shares[1] + 1e-6) * np.eye(3))
        constant = 1.5 * np.log(2 * np.pi)
        return -sum(multivariate_normal.logpdf(one, cov=covariance) + constant for one in residuals)

    value, shares = fit_variances(parts, residuals, total, (0.3, 0.3))
    assert value == pytest.approx(negative(shares), rel=1e-6)
    for factors in ((1.1, 1), (1 / 1.1, 1), (1, 1.1), (1, 1 / 1.1)):
        assert negative(shares * np.array(factors)) > value
