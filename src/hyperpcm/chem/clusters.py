"""Clusters of similar compounds, in memory that grows with the number of compounds and not its square."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.chem.fingerprints import tanimoto

__all__ = ["butina_clusters"]

_ROWS = 512  # rows of similarities held at a time: 200 MB for 100,000 compounds


def butina_clusters(counts: npt.NDArray[np.uint8], *, similarity: float = 0.6) -> npt.NDArray[np.int64]:
    """Give each compound the number of its Butina cluster.

    The compound with the most neighbours becomes the first centre and takes its neighbours along; then the
    one with the most neighbours (counted once, among all) that is still free becomes the next. So every
    member is at least `similarity` close to the centre of its cluster, and no two centres are that close;
    members of two clusters may be. Ties go to the earlier row, so the result is deterministic. Cost: two
    passes over all pairs by matrix product, some minutes for 100,000 compounds.

    Args:
        counts: Morgan counts or bits [n, width]; presence is compared.
        similarity: smallest Tanimoto similarity to the centre, in (0, 1].

    Returns:
        Labels [n], 0 for the first cluster formed, without gaps.

    Raises:
        ValueError: `similarity` is out of range.

    Source:
        Butina, J. Chem. Inf. Comput. Sci. 1999, 39, 747.

    Example:
        >>> bits = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]], dtype=np.uint8)
        >>> butina_clusters(bits).tolist()
        [1, 0, 0]
    """
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity is {similarity}; it must be above 0 and at most 1")
    neighbours = _neighbour_counts(counts, similarity)
    labels = np.full(len(counts), -1, dtype=np.int64)
    by_neighbours = np.argsort(-neighbours, kind="stable")
    found = 0
    while True:
        free = by_neighbours[labels[by_neighbours] < 0]
        free = free[neighbours[free] > 1]
        if not len(free):
            break
        centres = free[:_ROWS]
        close = tanimoto(counts[centres], counts[free]) >= similarity
        for centre, near in zip(centres, close, strict=True):
            if labels[centre] < 0:
                members = free[near]
                labels[members[labels[members] < 0]] = found
                found += 1
    alone = labels < 0
    labels[alone] = np.arange(found, found + np.count_nonzero(alone))
    return labels


def _neighbour_counts(counts: npt.NDArray[np.uint8], similarity: float) -> npt.NDArray[np.int64]:
    """Number of compounds within `similarity` of each, itself included.

    Two sets cannot be closer than the ratio of their sizes, so each block of rows, sorted by size, is only
    compared with the rows after its start that are small enough; each close pair counts for both.
    """
    sizes = np.count_nonzero(counts, axis=1)
    order = np.argsort(sizes, kind="stable")
    sizes, ordered = sizes[order], counts[order]
    neighbours = np.zeros(len(counts), dtype=np.int64)
    for start in range(0, len(counts), _ROWS):
        stop = min(start + _ROWS, len(counts))
        last = np.searchsorted(sizes, np.ceil(sizes[stop - 1] / similarity), side="right")
        close = tanimoto(ordered[start:stop], ordered[start:last]) >= similarity
        neighbours[order[start:stop]] += np.count_nonzero(close, axis=1)
        neighbours[order[stop:last]] += np.count_nonzero(close[:, stop - start :], axis=0)
    return neighbours
