"""How much of what is added to a score the validation side supports."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cautious_logit_share", "cautious_share", "supported_share"]

_SHARES = np.linspace(0.0, 1.0, 11)


def supported_share(
    errors: npt.NDArray[np.float32],
    corrections: npt.NDArray[np.float32],
    *units: npt.NDArray[np.int64],
) -> float:
    """Return the factor in [0, 1] with which a correction should be added.

    Least squares of the errors on the corrections through the origin, share a, shrunk towards 0 by the
    positive-part rule a · max(0, 1 − s²/a²), s being its standard error. Rows of one target are not
    independent, nor are those of one compound, so s is that of a ratio of sums over such units, and the unit
    with the most doubt counts. A single target, or a single compound, says nothing about others: no share.

    Source: Cochran, "Sampling Techniques", 3rd ed. 1977, chapter 6 (standard error of a ratio); Efron and
    Morris, "Stein's Estimation Rule and Its Competitors", JASA 1973 (shrinkage).

    Args:
        errors: label minus what the score is without the correction [n].
        corrections: what would be added [n].
        units: of each row [n], one array for each kind: target, compound.
    """
    share, doubt = _share_and_doubt(errors, corrections, units)
    if share == 0:
        return 0.0
    return float(np.clip(share * max(0.0, 1 - (doubt / share) ** 2), 0.0, 1.0))


def cautious_share(
    errors: npt.NDArray[np.float32],
    corrections: npt.NDArray[np.float32],
    *units: npt.NDArray[np.int64],
) -> float:
    """Return the factor in [0, 1] for a correction that was chosen on the rows that now tell its share.

    Of several states of the networks the best on the validation side is kept, so that side thinks too well of
    it. The factor is the share of least squares less one standard error of it, as of `supported_share`.

    Args:
        errors: label minus what the score is without the correction [n].
        corrections: what would be added [n].
        units: of each row [n], one array for each kind: target, compound.
    """
    share, doubt = _share_and_doubt(errors, corrections, units)
    return float(np.clip(share - doubt, 0.0, 1.0))


def _share_and_doubt(
    errors: npt.NDArray[np.float32],
    corrections: npt.NDArray[np.float32],
    units: tuple[npt.NDArray[np.int64], ...],
) -> tuple[float, float]:
    """The share of least squares and its standard error, of the unit with the most doubt; 0 twice if none."""
    products = errors.astype(np.float64) * corrections
    squares = corrections.astype(np.float64) ** 2
    if squares.sum() <= 0 or products.sum() <= 0:
        return 0.0, 0.0
    share = float(products.sum() / squares.sum())
    return share, max(_error_of_ratio(products, squares, share, unit) for unit in units)


def _error_of_ratio(
    products: npt.NDArray[np.float64],
    squares: npt.NDArray[np.float64],
    share: float,
    unit: npt.NDArray[np.int64],
) -> float:
    place = np.unique(unit, return_inverse=True)[1]
    residuals = np.bincount(place, weights=products - share * squares)
    if len(residuals) < 2:
        return float("inf")
    return float(np.sqrt(len(residuals)) * np.std(residuals) / squares.sum())


def cautious_logit_share(
    active: npt.NDArray[np.bool_],
    logits: npt.NDArray[np.float32],
    corrections: npt.NDArray[np.float32],
    *units: npt.NDArray[np.int64],
) -> float:
    """Return the factor in [0, 1] for a correction of logits, for two classes.

    The smallest of eleven shares whose log loss is not above the best one's by more than one standard error
    of their difference, taken over targets or over compounds, whichever doubts more; 0 where there is one
    target or one compound only.

    Source: Breiman et al., "Classification and Regression Trees", 1984 (the rule of one standard error).

    Args:
        active: the class of each row [n].
        logits: scores without the correction [n].
        corrections: what would be added [n].
        units: of each row [n], one array for each kind: target, compound.
    """
    signs = np.where(active, -1.0, 1.0)
    losses = np.stack([np.logaddexp(0.0, signs * (logits + share * corrections)) for share in _SHARES])
    worse = losses - losses[losses.sum(1).argmin()]
    doubt = np.max([_errors_of_sums(worse, unit) for unit in units], axis=0)
    return float(_SHARES[np.flatnonzero(worse.sum(1) <= doubt)[0]])


def _errors_of_sums(rows: npt.NDArray[np.float64], unit: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    place = np.unique(unit, return_inverse=True)[1]
    sums = np.stack([np.bincount(place, weights=row) for row in rows])
    if sums.shape[1] < 2:
        return np.full(len(rows), np.inf)
    return np.asarray(np.sqrt(sums.shape[1]) * sums.std(axis=1))
