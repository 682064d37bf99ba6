"""Clusters of similar compounds, in memory that grows with the number of similar pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from hyperpcm.chem.neighbours import close_pairs

__all__ = ["butina_clusters"]


def butina_clusters(
    counts: npt.NDArray[np.uint8] | csr_array, *, similarity: float = 0.6
) -> npt.NDArray[np.int64]:
    """Give each compound the number of its Butina cluster.

    The compound with the most neighbours becomes the first centre and takes its neighbours along; then the
    one with the most neighbours (counted once, among all) that is still free becomes the next. So every
    member is at least `similarity` close to the centre of its cluster, and no two centres are that close;
    members of two clusters may be. Ties go to the earlier row, so the result is deterministic. For its cost
    see `hyperpcm.chem.neighbours.close_pairs`: unfolded fingerprints are several times faster than folded.

    Args:
        counts: Morgan counts or bits [n, width], or `morgan_environments`; presence is compared.
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
    close = close_pairs(csr_array(counts), similarity)
    neighbours = np.diff(close.indptr)
    labels = np.full(close.shape[0], -1, dtype=np.int64)
    found = 0
    for centre in np.argsort(-neighbours, kind="stable"):
        if neighbours[centre] < 2:
            break
        if labels[centre] < 0:
            members = close.indices[close.indptr[centre] : close.indptr[centre + 1]]
            labels[members[labels[members] < 0]] = found
            found += 1
    alone = labels < 0
    labels[alone] = np.arange(found, found + np.count_nonzero(alone))
    return labels
