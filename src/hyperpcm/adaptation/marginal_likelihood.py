"""Variances of the parts of a covariance, and of the noise: those under which residuals are likeliest.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 5.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch import Tensor

__all__ = ["fit_variances"]

Floats = npt.NDArray[np.float64]

_ROUNDING: Final = 1e-6  # added to the variance of the noise, as a share of the residual variance
_BOUNDS: Final = (-12.0, 8.0)  # of logarithms of shares of the residual variance


def fit_variances(
    parts: Sequence[Tensor],
    residuals: Sequence[Tensor],
    total: float,
    start: Sequence[float],
    *,
    width: float = math.inf,
) -> tuple[float, Floats]:
    """Return the negative log posterior density at its least, less a constant, and the shares there.

    Residuals of different targets are independent; those of one have the covariance Σ v_p K_p + v I.

    Args:
        parts: K of each target, float64 [p, n, n], n as the target has it.
        residuals: of each target, float64 [n].
        total: residual variance, above 0.
        start: usual shares of it, of the parts and of the noise [p + 1].
        width: standard deviation of the logarithms of shares around those; infinite: the likelihood alone.

    Returns:
        The value, and the shares of ``total`` of the parts and of the noise [p + 1].
    """

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        at = torch.tensor(logarithms, requires_grad=True)
        weights = at.exp() * total
        value = 0.5 * ((at - torch.from_numpy(usual)) / width).square().sum()
        for own, measured in zip(parts, residuals, strict=True):
            covariance = torch.einsum("p,pij->ij", weights[:-1], own)
            covariance = covariance + (weights[-1] + _ROUNDING * total) * torch.eye(len(covariance))
            root = torch.linalg.cholesky(covariance)
            solved = torch.linalg.solve_triangular(root, measured[:, None], upper=False)
            value = value + 0.5 * solved.square().sum() + root.diagonal().log().sum()
        (gradient,) = torch.autograd.grad(value, at)
        return float(value.detach()), gradient.numpy()

    usual = np.log(np.array(start, dtype=np.float64))
    found = minimize(loss, usual, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * len(usual))
    return float(found.fun), np.exp(found.x)
