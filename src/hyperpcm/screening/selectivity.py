"""How selective compounds are over a panel of targets, from their scores; pure functions on arrays.

Every function takes scores float [t, n] (targets, compounds), higher is stronger, NaN where a compound has no
score, and gives NaN for such a compound. Shapes: ``t`` targets, ``n`` compounds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["fishing_scores", "selectivity_entropy", "selectivity_score", "selectivity_window"]

Floats = npt.NDArray[np.floating]


def selectivity_window(scores: Floats, wanted: int) -> npt.NDArray[np.float64]:
    """Return how far the wanted target is above the strongest other one, in units of the scores [n].

    Args:
        scores: [t, n]; at least two targets.
        wanted: row of the wanted target.

    Raises:
        ValueError: fewer than two targets, or no such row.

    Example:
        >>> selectivity_window(np.array([[8.0, 5.0], [6.5, 7.0]]), 0).tolist()
        [1.5, -2.0]
    """
    _check(scores)
    if not 0 <= wanted < len(scores):
        raise ValueError(f"there is no target {wanted}; there are {len(scores)}")
    others = np.delete(scores, wanted, axis=0).astype(np.float64)
    return np.asarray(scores[wanted] - others.max(0), dtype=np.float64)


def selectivity_score(scores: Floats, active_at: float) -> npt.NDArray[np.float64]:
    """Return S: the share of targets on which a compound is active, between 0 and 1 [n]; small is selective.

    Args:
        scores: [t, n].
        active_at: a score at or above it is active.

    Source:
        Karaman et al., Nat. Biotechnol. 2008, 26, 127.

    Example:
        >>> selectivity_score(np.array([[8.0, 5.0], [7.5, 7.0]]), 7.0).tolist()
        [1.0, 0.5]
    """
    _check(scores, least=1)
    share = (scores >= active_at).mean(0)
    return np.where(np.isnan(scores).any(0), np.nan, share)


def selectivity_entropy(scores: Floats) -> npt.NDArray[np.float64]:
    """Return the entropy of how a compound spreads over the targets, 0 to ln(t) [n]; small is selective.

    A compound at equal free concentration occupies target i in proportion to its association constant
    10^score, so scores have to be −log10 of a molar constant (pKd, pKi, pIC50, pChEMBL).

    Args:
        scores: [t, n].

    Source:
        Uitdehaag and Zaman, BMC Bioinformatics 2011, 12, 94.

    Example:
        >>> selectivity_entropy(np.array([[7.0, 9.0], [7.0, 5.0]])).round(3).tolist()
        [0.693, 0.001]
    """
    _check(scores, least=1)
    exponents = scores.astype(np.float64) * np.log(10)
    shares = np.exp(exponents - exponents.max(0))
    shares /= shares.sum(0)
    return np.asarray(-(shares * np.log(np.maximum(shares, np.finfo(np.float64).tiny))).sum(0))


def fishing_scores(scores: Floats, means: Floats, deviations: Floats) -> npt.NDArray[np.float64]:
    """Return how far a score stands above what the target gives to compounds in general [t, n].

    Some targets score everything high: the raw ranking of targets names them for every compound. Each
    target's scores are therefore measured in its own standard deviations from its own mean.

    Args:
        scores: [t, n].
        means: of each target's scores over reference compounds [t].
        deviations: their standard deviations [t]; a target that scores all alike says nothing: NaN.

    Example:
        >>> fishing_scores(np.array([[7.0], [7.5]]), np.array([5.0, 7.0]), np.array([1.0, 1.0])).tolist()
        [[2.0], [0.5]]
    """
    _check(scores, least=1)
    spread = np.where(deviations > 0, deviations, np.nan).astype(np.float64)
    return np.asarray((scores - means[:, None]) / spread[:, None], dtype=np.float64)


def _check(scores: Floats, least: int = 2) -> None:
    if scores.ndim != 2 or len(scores) < least:
        raise ValueError(f"scores of at least {least} targets [t, n] are needed, not an array {scores.shape}")
