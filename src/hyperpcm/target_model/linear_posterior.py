"""Bayesian linear regression with Gaussian noise, intervals in place of values, and rows left out.

Weights have a standard normal prior; what is known about the size of effects is in the columns. A value that
is only known to lie between bounds is a site of expectation propagation.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, sections 2.1, 3.6 and 5.4;
Minka, "Expectation propagation for approximate Bayesian inference", UAI 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import erfcx, gammaln, log_ndtr, logsumexp

__all__ = ["LeftOut", "LinearPosterior", "fit_linear", "joint_log_density", "log_densities"]

Floats = npt.NDArray[np.float64]

_SWEEPS: Final = 200
_SETTLED: Final = 1e-6  # how far a site is from what the others make of it, in units of its noise, at the end
_DAMPING: Final = 0.7  # of the first step; halved when a step leads away
_LEAST_PRECISION: Final = 1e-10
_LEAST_VARIANCE: Final = 1e-12  # of a row whose columns are all 0, as a share of its noise
_HALF_LOG_TAU: Final = 0.5 * np.log(2 * np.pi)
_FREEDOM: Final = 4.0  # degrees of freedom of the errors of one target
_LOG_FACTORS: Final = (-10.0, 3.0)  # logarithms of what their variances may be divided by
_FACTORS: Final = 80


@dataclass(frozen=True, eq=False)
class LinearPosterior:
    """The weights of a linear model given what was measured.

    Attributes:
        mean: of the weights [d].
        root: L with L Lᵀ = covariance of the weights [d, d].
    """

    mean: Floats
    root: Floats

    def at(self, columns: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the linear model, without noise, at other rows [n, d]."""
        return columns @ self.mean, np.square(columns @ self.root).sum(axis=1)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What is told of the value of each row by the other rows.

    Attributes:
        mean: [n].
        variance: the noise of the row with it [n].
    """

    mean: Floats
    variance: Floats


def fit_linear(
    columns: Floats, lower: Floats, upper: Floats, noise: Floats
) -> tuple[LinearPosterior, LeftOut]:
    """Return the posterior of the weights, whose prior is standard normal, and what it is row by row.

    Args:
        columns: of the measured rows [n, d].
        lower: the value lies above it; minus infinity where nothing is known below [n].
        upper: likewise below; the same as ``lower`` where the value itself is known [n].
        noise: variance of the noise of each [n], above 0.
    """
    bounded = np.flatnonzero(lower != upper)
    precisions, weighted = 1 / noise, lower / noise
    precisions[bounded], weighted[bounded] = 0.0, 0.0  # nothing is known of them before the first sweep
    posterior = _weights(columns, precisions, weighted)
    own, sites = columns[bounded], _Sites(lower[bounded], upper[bounded], noise[bounded])
    damping, before = _DAMPING, np.inf
    for _ in range(_SWEEPS if len(bounded) else 0):
        precise, heavy = precisions[bounded], weighted[bounded]
        found = sites.updated(*posterior.at(own), precise, heavy)
        change = sites.distance(found[0] - precise, found[1] - heavy)
        if change < _SETTLED:
            break
        if change >= before:
            damping /= 2
        before = change
        precisions[bounded] = precise + damping * (found[0] - precise)
        weighted[bounded] = heavy + damping * (found[1] - heavy)
        posterior = _weights(columns, precisions, weighted)
    middle, spread = _cavity(*posterior.at(columns), precisions, weighted, noise)
    return posterior, LeftOut(middle, spread + noise)


def log_densities(mean: Floats, variance: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return the log density of values under normal distributions, or log probability of intervals [n].

    Args:
        mean: of the distributions [n].
        variance: of them [n].
        lower: as in `fit_linear` [n].
        upper: likewise [n].
    """
    deviation = np.sqrt(variance)
    is_value = lower == upper
    with np.errstate(invalid="ignore"):
        z = (np.where(is_value, lower, mean) - mean) / deviation
    density = -0.5 * z**2 - np.log(deviation) - _HALF_LOG_TAU
    probability, _, _ = _interval((lower - mean) / deviation, (upper - mean) / deviation)
    return np.where(is_value, density, probability)


def joint_log_density(mean: Floats, variance: Floats, lower: Floats, upper: Floats) -> float:
    """Return the log density of all values, or intervals, where the scale of their errors is not known.

    Errors are normal with variances that are all divided by one factor, which is χ² over 4 with 4 degrees of
    freedom: together they have a t distribution. Some outliers do not decide against everything else.

    Args:
        mean: as in `log_densities`, and so are ``variance``, ``lower`` and ``upper`` [n].

    Source: Gelman et al., "Bayesian Data Analysis", 3rd ed. 2013, section 17.2 (the t distribution as a
    mixture over scales); intervals by the trapezoidal rule over the logarithm of the factor.
    """
    shape, number = _FREEDOM / 2, len(mean)
    if (lower == upper).all():
        distance = float((np.square(lower - mean) / variance).sum())
        constant = gammaln(shape + number / 2) - gammaln(shape) - number / 2 * np.log(2 * np.pi * shape)
        spread = 0.5 * np.log(variance).sum()
        return float(constant - spread - (shape + number / 2) * np.log1p(distance / _FREEDOM))
    factors = np.exp(np.linspace(*_LOG_FACTORS, _FACTORS))
    weights = shape * np.log(shape * factors) - shape * factors - gammaln(shape)
    sums = [float(log_densities(mean, variance / factor, lower, upper).sum()) for factor in factors]
    step = (_LOG_FACTORS[1] - _LOG_FACTORS[0]) / (_FACTORS - 1)
    return float(logsumexp(weights + np.array(sums)) + np.log(step))


@dataclass(frozen=True, eq=False)
class _Sites:
    """The rows whose values are known as intervals."""

    lower: Floats
    upper: Floats
    noise: Floats

    def updated(
        self, at: Floats, variance: Floats, precisions: Floats, weighted: Floats
    ) -> tuple[Floats, Floats]:
        """The Gaussians that say of each row what its interval says, given the other rows: precision, and
        precision times mean.
        """
        middle, spread = _cavity(at, variance, precisions, weighted, self.noise)
        total = spread + self.noise
        deviation = np.sqrt(total)
        _, slope, curvature = _interval((self.lower - middle) / deviation, (self.upper - middle) / deviation)
        shift, curvature = slope / deviation, curvature / total
        precision = np.maximum(curvature / (1 - spread * curvature), _LEAST_PRECISION)
        return precision, middle * precision + shift * (1 + spread * precision)

    def distance(self, of_precisions: Floats, of_weighted: Floats) -> float:
        """The largest of some changes, in units of the noise."""
        found = np.maximum(np.abs(of_weighted) * np.sqrt(self.noise), np.abs(of_precisions) * self.noise)
        return float(found.max())


def _weights(columns: Floats, precisions: Floats, weighted: Floats) -> LinearPosterior:
    information = columns.T @ (precisions[:, None] * columns)
    information.flat[:: len(information) + 1] += 1.0
    upper = linalg.cholesky(information, lower=False)
    root = linalg.solve_triangular(upper, np.eye(len(upper)), lower=False)
    return LinearPosterior(root @ (root.T @ (columns.T @ weighted)), root)


def _cavity(
    at: Floats, variance: Floats, precisions: Floats, weighted: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance of the model at each row without what that row says."""
    variance = np.maximum(variance, _LEAST_VARIANCE * noise)
    precision = np.maximum(1 / variance - precisions, _LEAST_PRECISION)
    return (at / variance - weighted) / precision, 1 / precision


def _interval(lower: Floats, upper: Floats) -> tuple[Floats, Floats, Floats]:
    """Of the probability Φ(upper - m) - Φ(lower - m), the logarithm at m = 0, its slope in m, and minus its
    curvature, which lies between 0 and 1.

    Far from 0 the ratio φ(x) / Φ(x) is taken whole, √(2/π) / erfcx(-x/√2): φ and Φ alone would underflow.
    """
    is_right = lower > -upper  # the side with the smaller tail is the left one
    low, high = np.where(is_right, -upper, lower), np.where(is_right, -lower, upper)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        outside = log_ndtr(low) - log_ndtr(high)
        below = np.exp(outside)
        inside = np.where(high > low, -np.expm1(outside), 1.0)
        at_high = np.where(np.isposinf(high), 0.0, np.sqrt(2 / np.pi) / erfcx(-high / np.sqrt(2)) / inside)
        at_low = np.where(below > 0, below * np.sqrt(2 / np.pi) / erfcx(-low / np.sqrt(2)) / inside, 0.0)
        logarithm = log_ndtr(high) + np.log(inside)
        slope = at_low - at_high
        tilt = np.where(at_high > 0, high * at_high, 0.0) - np.where(at_low > 0, low * at_low, 0.0)
    curvature = np.clip(slope**2 + tilt, 0.0, 1.0)
    return logarithm, np.where(is_right, -slope, slope), curvature
