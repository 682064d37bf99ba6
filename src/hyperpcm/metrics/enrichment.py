"""How rich in actives the top of a ranking is: what matters when only the top is ever tested.

Labels are 0 and 1 (or booleans), higher scores rank first. Compounds with equal scores have no order, so each
function gives the mean over all orders of them: results depend neither on the order of the rows nor on luck.
With labels of one class only, or with no rows, every function here gives ``nan``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics.arrays import Booleans, Floats, check_classes, check_fraction, tie_groups

__all__ = ["bedroc", "enrichment_factor", "roc_enrichment"]


def enrichment_factor(labels: npt.ArrayLike, scores: npt.ArrayLike, fraction: float = 0.01) -> float:
    """Share of actives in the top fraction over their share in all, in [0, 1/fraction]; 1 is chance.

    The top holds ⌈fraction · n⌉ rows.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, a value that is not finite, or a fraction
            outside (0, 1].
    """
    active, s = check_classes(labels, scores)
    check_fraction(fraction)
    if active.all() or not active.any():
        return math.nan
    # 0.07 * 100 is 7.000000000000001 in binary: rounded before it is taken upwards.
    top = math.ceil(round(fraction * active.size, 9))
    hits, size = _from_the_top(active, s)
    before = np.cumsum(size) - size
    taken = np.clip(top - before, 0, size)
    return float(np.sum(hits * taken / size)) / top / float(active.mean())


def roc_enrichment(labels: npt.ArrayLike, scores: npt.ArrayLike, fraction: float = 0.01) -> float:
    """True-positive rate where the false-positive rate is `fraction`, over `fraction`; 1 is chance.

    Unlike the enrichment factor it does not depend on how many actives there are. A tie is a straight line
    in the ROC curve; where the curve rises at exactly this rate its upper end counts.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, a value that is not finite, or a fraction
            outside (0, 1].

    Source: Jain & Nicholls, J. Comput.-Aided Mol. Des. 22 (2008) 133.
    """
    active, s = check_classes(labels, scores)
    check_fraction(fraction)
    if active.all() or not active.any():
        return math.nan
    hits, size = _from_the_top(active, s)
    found = np.concatenate([[0.0], np.cumsum(hits) / hits.sum()])
    false = np.concatenate([[0.0], np.cumsum(size - hits) / (size - hits).sum()])
    last = int(np.searchsorted(false, fraction, side="right")) - 1
    rate = found[last]
    if last + 1 < false.size:
        rate += (found[last + 1] - rate) * (fraction - false[last]) / (false[last + 1] - false[last])
    return float(rate / fraction)


def bedroc(labels: npt.ArrayLike, scores: npt.ArrayLike, alpha: float = 20.0) -> float:
    """Boltzmann-enhanced discrimination of ROC, in [0, 1]: early recognition with exponential weights.

    With α = 20 the first 8 % of the list carry 80 % of the weight. The value at chance depends on α and on
    the share of actives: compare only on one set of rows.

    Raises:
        LabelError: unequal lengths, a label that is not 0 or 1, a value that is not finite, or an α that is
            not positive.

    Source: Truchon & Bayly, J. Chem. Inf. Model. 47 (2007) 488 (in the form
    (RIE - RIE_min) / (RIE_max - RIE_min)).
    """
    active, s = check_classes(labels, scores)
    if not (alpha > 0 and math.isfinite(alpha)):
        raise LabelError(f"alpha is {alpha}: give a positive number; 20 is usual.")
    if active.all() or not active.any():
        return math.nan
    n, share = active.size, float(active.mean())
    hits, size = _from_the_top(active, s)
    # The best rank weighs 1 here and e^(-α/n) in the paper; only ratios of weights matter.
    weights = np.exp(-alpha * np.arange(n) / n)
    weight_of_group = np.add.reduceat(weights, (np.cumsum(size) - size).astype(np.int64))
    mean_of_actives = float(np.sum(hits * weight_of_group / size) / hits.sum())
    enhancement = mean_of_actives / float(weights.mean())
    best = -math.expm1(-alpha * share) / (share * -math.expm1(-alpha))
    worst = math.exp(-alpha * (1 - share)) * best
    return (enhancement - worst) / (best - worst)


def _from_the_top(active: Booleans, scores: Floats) -> tuple[Floats, Floats]:
    """For each distinct score from the highest down: how many actives, and how many rows, have it."""
    ranks, counts = tie_groups(scores)
    hits = np.bincount(ranks, weights=active.astype(np.float64), minlength=counts.size)
    return hits[::-1].astype(np.float64), counts[::-1].astype(np.float64)
