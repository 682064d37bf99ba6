"""What models and baselines alike need of the two axes of a table, each from one cached source.

Fingerprint counts of all compounds and the alignment of all targets with each other are whole arrays: they
are kept beside the embedding store, so that every process that works on the table maps one copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.alignment import AlignmentEncoder
from hyperpcm.encoders.ecfp import EcfpEncoder
from hyperpcm.encoders.store import EmbeddingStore

__all__ = ["compound_counts", "target_similarity"]

_BLOCK = 4096  # compounds between two reports of progress


def compound_counts(
    compounds: Sequence[str],
    store: EmbeddingStore,
    *,
    radius: int = 2,
    width: int = 2048,
    progress: Callable[[int], None] | None = None,
) -> npt.NDArray[np.uint8]:
    """Morgan counts of every compound, uint8 [n_compounds, width], read-only.

    As `hyperpcm.chem.morgan_counts` gives them; about 0.1 ms a compound the first time.

    Args:
        compounds: standardised SMILES.
        store: beside whose file the counts are kept.
        radius: bonds from the central atom.
        width: number of places.
        progress: is called with the number of compounds done.

    Raises:
        InvalidSmilesError: a text that RDKit cannot read; the reason names its row.
        DiskFullError: no space is left for the counts.
    """
    from hyperpcm.chem import morgan_counts

    def made() -> npt.NDArray[np.uint8]:
        counts = np.zeros((len(compounds), width), dtype=np.uint8)
        for start in range(0, len(compounds), _BLOCK):
            block = compounds[start : start + _BLOCK]
            counts[start : start + len(block)] = morgan_counts(block, radius=radius, width=width)
            if progress is not None:
                progress(start + len(block))
        return counts

    key = _key(EcfpEncoder(radius=radius, width=width).cache_key(), compounds)
    return store.arrays.get("morgan-counts", key, made)


def target_similarity(
    targets: Sequence[str],
    store: EmbeddingStore,
    *,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Alignment similarity of every target to every other, float32 [n_targets, n_targets], read-only.

    Symmetric, in [0, 1]. Column j holds, bit for bit, what `AlignmentEncoder` gives for reference j.
    About 0.1 ms for each of the n²/2 pairs the first time.

    Args:
        targets: different validated sequences.
        store: beside whose file the matrix is kept.
        threads: alignments at a time.
        progress: is called with the number of targets done.

    Raises:
        InvalidSequenceError: a sequence that cannot be read.
        DiskFullError: no space is left for the matrix.
    """
    from hyperpcm.protein import smith_waterman

    def made() -> npt.NDArray[np.float32]:
        scores = smith_waterman(targets, threads=threads, progress=progress).astype(np.float64)
        roots = np.sqrt(np.diagonal(scores))
        scales = roots[:, None] * roots[None, :]
        similarity = np.divide(scores, scales, out=np.zeros_like(scores), where=scales > 0)
        return np.asarray(np.minimum(similarity, 1.0), dtype=np.float32)

    if not targets:
        return np.empty((0, 0), dtype=np.float32)
    key = _key(AlignmentEncoder(tuple(targets)).cache_key(), targets)
    return store.arrays.get("alignment", key, made)


def _key(encoder: str, items: Sequence[str]) -> str:
    """Sha256 of the encoder's key and of all items in their order."""
    digest = hashlib.sha256(encoder.encode())
    for item in items:
        digest.update(b"\n" + item.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
