"""How similar each compound or target is to the most similar one of another set, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["nearest_compound_similarity", "nearest_target_similarity"]

_BLOCK = 4096  # reference compounds at a time: 8 MB of fingerprints


def nearest_compound_similarity(queries: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float32]:
    """Tanimoto similarity of each query to the most similar reference, [n] in [0, 1]; 0 without references.

    On Morgan fingerprints of radius 2 and 2,048 bits. Equal structures count 1 without computing; compounds
    whose fingerprints agree by chance or by symmetry count 1, too. About a minute for 1,000 queries and
    250,000 references on one core.

    Args:
        queries: standardised SMILES, n of them.
        references: standardised SMILES.

    Raises:
        InvalidSmilesError: RDKit cannot read one of them.
    """
    from hyperpcm.chem import morgan_counts, tanimoto

    nearest, new = _known(queries, references)
    if new.size == 0:
        return nearest
    counts = morgan_counts([queries[place] for place in new])
    for start in range(0, len(references), _BLOCK):
        similarity = tanimoto(counts, morgan_counts(references[start : start + _BLOCK]))
        nearest[new] = np.maximum(nearest[new], similarity.max(axis=1))
    return nearest


def nearest_target_similarity(queries: Sequence[str], references: Sequence[str]) -> npt.NDArray[np.float32]:
    """Alignment similarity of each query to the most similar reference, [n] in [0, 1]; 0 without references.

    Smith-Waterman score over the geometric mean of the scores of both with themselves. Equal sequences
    count 1 without computing. About 0.1 ms for a pair of 500 residues.

    Args:
        queries: validated sequences, n of them.
        references: validated sequences.

    Raises:
        InvalidSequenceError: one of them is no validated sequence.
    """
    from hyperpcm.protein import alignment_similarity

    nearest, new = _known(queries, references)
    if new.size and len(references):
        nearest[new] = alignment_similarity([queries[place] for place in new], references).max(axis=1)
    return nearest


def _known(
    queries: Sequence[str], references: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """1 for each query that is among the references, else 0; and the places of the others."""
    known = set(references)
    nearest = np.array([query in known for query in queries], dtype=np.float32)
    return nearest, np.flatnonzero(nearest == 0).astype(np.int64)
