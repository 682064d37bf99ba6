"""Items longer than a transformer reads at once: windows that overlap, and the vector of the whole.

Nothing is cut off. An item of n tokens is read in windows of `limit` tokens, each beginning half a window
after the one before, the last one ending with the item. A token that several windows hold gets the mean of
its vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["POOLINGS", "Pooling", "merged", "pooled", "spans"]

Pooling: TypeAlias = Literal["mean", "first", "windows"]
"""How the vectors of tokens become one: their mean, that of the first special token, means of stretches."""

POOLINGS: Final[tuple[Pooling, ...]] = ("mean", "first", "windows")


def spans(length: int, limit: int) -> list[tuple[int, int]]:
    """Give the windows of an item: [start, stop) of each, in order.

    Args:
        length: tokens of the item, at least 1.
        limit: tokens of a window, at least 2.

    Example:
        >>> spans(10, 4)
        [(0, 4), (2, 6), (4, 8), (6, 10)]
        >>> spans(9, 4)
        [(0, 4), (2, 6), (4, 8), (5, 9)]
        >>> spans(3, 4)
        [(0, 3)]
    """
    if length <= limit:
        return [(0, length)]
    starts = [*range(0, length - limit, limit // 2), length - limit]
    return [(start, start + limit) for start in starts]


def merged(
    windows: Sequence[npt.NDArray[np.float32]], places: Sequence[tuple[int, int]]
) -> npt.NDArray[np.float32]:
    """Average the vectors of windows token by token: float32 [length, hidden].

    Args:
        windows: one array [stop - start, hidden] for each window.
        places: what `spans` gave.
    """
    if len(windows) == 1:
        return windows[0]
    length = places[-1][1]
    sums = np.zeros((length, windows[0].shape[1]), dtype=np.float32)
    counts = np.zeros((length, 1), dtype=np.float32)
    for window, (start, stop) in zip(windows, places, strict=True):
        sums[start:stop] += window
        counts[start:stop] += 1
    return sums / counts


def pooled(tokens: npt.NDArray[np.float32], stretches: int = 1) -> npt.NDArray[np.float32]:
    """Give the means over equal stretches of an item, one after the other: float32 [stretches * hidden].

    Stretch k of K holds tokens ⌊kn/K⌋ to ⌊(k+1)n/K⌋ - 1 of n, so that stretches are disjoint, cover the item
    and differ in length by one at most; where n is smaller than K, each holds the one token ⌊kn/K⌋.

    Args:
        tokens: [n, hidden], n at least 1.
        stretches: K; 1 is the mean over all.
    """
    number = len(tokens)
    means = []
    for stretch in range(stretches):
        start = stretch * number // stretches
        stop = max((stretch + 1) * number // stretches, start + 1)
        means.append(tokens[start:stop].mean(axis=0, dtype=np.float64))
    return np.concatenate(means).astype(np.float32)
