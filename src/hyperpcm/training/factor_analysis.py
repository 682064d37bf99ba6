"""Factor analysis of a table that is mostly empty: which columns go together over rows.

    R[t, c] = u_tᵀ ψ_c + noise,   u_t ~ N(0, I),   ψ_c ~ N(0, τ² I)

fitted by expectation maximisation over the entries that are there, with the covariance of u as a parameter
between steps, which takes far fewer of them.

Source: Tipping and Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 1999, appendix B;
Ilin and Raiko, "Practical approaches to principal component analysis in the presence of missing values",
J. Mach. Learn. Res. 2010; Liu, Rubin and Wu, "Parameter expansion to accelerate EM", Biometrika 1998.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds

__all__ = ["column_factors"]

Floats = npt.NDArray[np.float64]

_STEPS: Final = 30
_EXPLAINED: Final = 0.5  # of the variance by the factors, before any step


def column_factors(
    values: Floats,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    shape: tuple[int, int],
    factors: int,
    *,
    seed: int = 0,
) -> Floats:
    """Return ψ of each column, float64 [c, r]; zeros for columns without an entry.

    Args:
        values: the entries [n].
        rows: of each entry, int64 [n].
        columns: of each entry, int64 [n].
        shape: number of rows t and columns c; both above ``factors``.
        factors: r.
        seed: of the start.
    """
    order = np.argsort(rows, kind="stable")
    values, rows, columns = values[order].astype(np.float64), rows[order], columns[order]
    starts = np.searchsorted(rows, np.arange(shape[0] + 1))
    table = sparse.csr_array((values, (rows, columns)), shape=shape)
    there = sparse.csr_array((np.ones(len(values)), (columns, rows)), shape=shape[::-1])
    total = float(np.square(values).mean())
    psi = _start(table, factors, seed)
    spread = max(_EXPLAINED * total / factors, 1e-9)  # τ²
    noise = max(total * (1 - _EXPLAINED), 1e-9)
    identity = np.eye(factors)
    for _ in range(_STEPS):
        means, seconds = np.zeros((shape[0], factors)), np.zeros((shape[0], factors, factors))
        error = 0.0
        for row in range(shape[0]):
            own = slice(starts[row], starts[row + 1])
            known = psi[columns[own]]
            covariance = np.linalg.inv(identity + known.T @ known / noise)
            means[row] = covariance @ (known.T @ values[own]) / noise
            seconds[row] = covariance + np.outer(means[row], means[row])
            left = values[own] - known @ means[row]
            error += float(left @ left + np.einsum("ci,ij,cj->", known, covariance, known))
        noise = max(error / len(values), 1e-9)
        information = (there @ seconds.reshape(shape[0], -1)).reshape(-1, factors, factors)
        psi = np.linalg.solve(information + noise / spread * identity, (table.T @ means)[..., None])[..., 0]
        psi = psi @ np.linalg.cholesky(seconds.mean(axis=0))  # u has the covariance I again
    return psi


def _start(table: sparse.csr_array, factors: int, seed: int) -> Floats:
    if not table.count_nonzero():
        return np.zeros((table.shape[1], factors))
    start = np.random.default_rng(seed).standard_normal(min(table.shape))
    _, sizes, axes = svds(table, k=factors, v0=start)
    found: Floats = axes.T * (sizes / np.sqrt(table.shape[0]))
    return found
