"""Bayesian linear regression with Gaussian noise, bounds in place of values, and leave-one-out densities.

Weights have a standard normal prior; what is known about the size of effects is in the columns. A value that
is only known to lie above or below a bound is a site of expectation propagation.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, sections 2.1, 3.6 and 5.4;
Minka, "Expectation propagation for approximate Bayesian inference", UAI 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import log_ndtr

__all__ = ["LinearPosterior", "fit_linear"]

Floats = npt.NDArray[np.float64]

_SWEEPS: Final = 50
_SETTLED: Final = 1e-6  # largest change of a site's mean, as a share of its noise, that ends the sweeps
_DAMPING: Final = 0.7
_LEAST_PRECISION: Final = 1e-10
_HALF_LOG_TAU: Final = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class LinearPosterior:
    """The weights of a linear model given what was measured.

    Attributes:
        mean: of the weights [d].
        root: L with L Lᵀ = covariance of the weights [d, d].
        expected: of each measurement, given the others [n].
        left_out: log density of each measurement given the others [n].
    """

    mean: Floats
    root: Floats
    expected: Floats
    left_out: Floats

    def at(self, columns: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the linear model, without noise, at other rows [n, d]."""
        return columns @ self.mean, np.square(columns @ self.root).sum(axis=1)


def fit_linear(
    columns: Floats, values: Floats, noise: Floats, relations: npt.NDArray[np.integer]
) -> LinearPosterior:
    """Return the posterior of the weights, whose prior is standard normal.

    Args:
        columns: of the measured rows [n, d].
        values: of them [n].
        noise: variance of the noise of each [n], above 0.
        relations: 0: the value; 1: it lies above what is given; -1: below [n].
    """
    bounded = np.flatnonzero(relations != 0)
    precisions, means = 1 / noise, values.astype(np.float64).copy()
    precisions[bounded], means[bounded] = 0.0, 0.0  # nothing is known of them before the first sweep
    mean, root = _weights(columns, precisions, means)
    own = columns[bounded]
    for _ in range(_SWEEPS if len(bounded) else 0):
        at, variance = own @ mean, np.square(own @ root).sum(axis=1)
        site_mean, site_precision = _site(
            at, variance, means[bounded], precisions[bounded], values[bounded], noise[bounded],
            relations[bounded],
        )  # fmt: skip
        new = (1 - _DAMPING) * precisions[bounded] + _DAMPING * site_precision
        weighted = (1 - _DAMPING) * precisions[bounded] * means[bounded]
        weighted += _DAMPING * site_precision * site_mean
        change = np.abs(weighted - precisions[bounded] * means[bounded]) * np.sqrt(noise[bounded])
        precisions[bounded], means[bounded] = new, weighted / new
        mean, root = _weights(columns, precisions, means)
        if change.max() < _SETTLED:
            break
    expected, left_out = _left_out(columns, mean, root, means, precisions, values, noise, relations)
    return LinearPosterior(mean, root, expected, left_out)


def _weights(columns: Floats, precisions: Floats, means: Floats) -> tuple[Floats, Floats]:
    """Mean of the weights, and L with L Lᵀ their covariance."""
    information = columns.T @ (precisions[:, None] * columns)
    information.flat[:: len(information) + 1] += 1.0
    upper = linalg.cholesky(information, lower=False)
    root = linalg.solve_triangular(upper, np.eye(len(upper)), lower=False)
    return root @ (root.T @ (columns.T @ (precisions * means))), root


def _cavity(at: Floats, variance: Floats, means: Floats, precisions: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the model at each row without what that row says."""
    precision = np.maximum(1 / variance - precisions, _LEAST_PRECISION)
    return (at / variance - precisions * means) / precision, 1 / precision


def _site(
    at: Floats,
    variance: Floats,
    means: Floats,
    precisions: Floats,
    bounds: Floats,
    noise: Floats,
    relations: npt.NDArray[np.integer],
) -> tuple[Floats, Floats]:
    """The Gaussian that says of each row what its bound says, given the other rows: mean and precision."""
    middle, spread = _cavity(at, variance, means, precisions)
    total = spread + noise
    z = relations * (middle - bounds) / np.sqrt(total)
    ratio = np.exp(-0.5 * z**2 - _HALF_LOG_TAU - log_ndtr(z))  # of density and probability
    shift = relations * ratio / np.sqrt(total)
    curvature = ratio * (z + ratio) / total
    precision = np.maximum(curvature / np.maximum(1 - spread * curvature, _LEAST_PRECISION), _LEAST_PRECISION)
    tilted = middle + spread * shift
    narrowed = 1 / (1 / spread + precision)
    return (tilted / narrowed - middle / spread) / precision, precision


def _left_out(
    columns: Floats,
    mean: Floats,
    root: Floats,
    means: Floats,
    precisions: Floats,
    values: Floats,
    noise: Floats,
    relations: npt.NDArray[np.integer],
) -> tuple[Floats, Floats]:
    at, variance = columns @ mean, np.square(columns @ root).sum(axis=1)
    middle, spread = _cavity(at, variance, means, precisions)
    total = spread + noise
    z = (values - middle) / np.sqrt(total)
    density = -0.5 * z**2 - 0.5 * np.log(total) - _HALF_LOG_TAU
    return middle, np.where(relations == 0, density, log_ndtr(-relations * z))
