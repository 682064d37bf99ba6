"""How many pairs of labels the scores put in the right order."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hyperpcm.metrics.arrays import Integers, check_values, tie_groups

__all__ = ["concordance_index"]


def concordance_index(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Share of pairs with different labels that the scores order alike, in [0, 1]; 0.5 is chance.

    Pairs with equal labels do not count; a pair with equal scores counts one half. nan where no two labels
    differ. Exact, in O(n log n) time: half a million rows take well under a second.

    Raises:
        LabelError: unequal lengths, or a value that is not finite.

    Source: Gönen & Heller, Biometrika 92 (2005) 965; the convention on ties is that of Öztürk et al.,
    Bioinformatics 34 (2018) i821 (DeepDTA).

    >>> concordance_index([5.0, 6.0, 7.0], [0.1, 0.3, 0.2])
    0.6666666666666666
    """
    y, s = check_values(labels, scores)
    label_ranks, label_counts = tie_groups(y)
    score_ranks, score_counts = tie_groups(s)
    comparable = _pairs(np.array([y.size])) - _pairs(label_counts)
    if comparable == 0:
        return math.nan
    both = label_ranks * score_counts.size + score_ranks
    tied = _pairs(score_counts) - _pairs(np.unique(both, return_counts=True)[1])
    # Within one label the scores descend, so that no pair of equal labels ascends.
    order = np.lexsort((-score_ranks, label_ranks))
    return (_ascending_pairs(score_ranks[order]) + 0.5 * tied) / comparable


def _pairs(counts: npt.NDArray[np.integer]) -> int:
    """How many unordered pairs lie within groups of these sizes."""
    sizes = counts.astype(np.int64)
    return int(np.sum(sizes * (sizes - 1) // 2))


def _ascending_pairs(ranks: Integers) -> int:
    """How many pairs of positions i < j have ranks[i] < ranks[j].

    Two ranks are ordered by the highest bit in which they differ. One pass per bit, from the highest down,
    counts the pairs that this bit decides and then partitions each run of equal higher bits by it, keeping
    the order.
    """
    total = 0
    current = ranks
    positions = np.arange(current.size)
    for level in reversed(range(int(current.max(initial=0)).bit_length())):
        prefix = current >> (level + 1)
        new_run = np.empty(current.size, dtype=bool)
        new_run[0] = True
        np.not_equal(prefix[1:], prefix[:-1], out=new_run[1:])
        starts = np.flatnonzero(new_run)
        run = np.cumsum(new_run) - 1
        one = ((current >> level) & 1).astype(bool)
        zeros_before = np.cumsum(~one) - ~one
        zeros_in_run_before = zeros_before - zeros_before[starts][run]
        total += int(zeros_in_run_before[one].sum())
        zeros_of_run = np.add.reduceat((~one).astype(np.int64), starts)
        start = starts[run]
        ones_in_run_before = positions - start - zeros_in_run_before
        place = start + np.where(one, zeros_of_run[run] + ones_in_run_before, zeros_in_run_before)
        partitioned = np.empty_like(current)
        partitioned[place] = current
        current = partitioned
    return total
