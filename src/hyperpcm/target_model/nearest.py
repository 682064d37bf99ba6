"""What a score can rest on: of the training compounds that a target keeps, the one nearest to a compound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from hyperpcm.chem import morgan_counts, standardise_all, tanimoto
from hyperpcm.target_model.prior import RetrievedPrior
from hyperpcm.target_model.scores import ROWS

__all__ = ["NearestLandmark", "nearest_by_counts", "nearest_by_similarity", "nearest_landmarks"]


@dataclass(frozen=True)
class NearestLandmark:
    """Of the training compounds that a target keeps, the one most similar to some compound.

    Attributes:
        smiles: standardised.
        similarity: Tanimoto similarity to it, 0 to 1, by the target's own fingerprint.
    """

    smiles: str
    similarity: float


def nearest_by_counts(
    prior: RetrievedPrior, counts: UInt8[np.ndarray, "n w"]
) -> list[NearestLandmark | None]:
    """Return the nearest landmark of each compound, the first of several; None where no SMILES are kept.

    Args:
        prior: whose landmarks are compared.
        counts: Morgan counts or bits of the compounds, of the prior's radius and width.
    """
    if not prior.compounds:
        return [None] * len(counts)
    return nearest_by_similarity(prior, tanimoto(counts, prior.landmarks))


def nearest_by_similarity(
    prior: RetrievedPrior, similarity: Float[np.ndarray, "n j"]
) -> list[NearestLandmark | None]:
    """Return what `nearest_by_counts` gives, from the similarity of each compound to the landmarks."""
    if not prior.compounds:
        return [None] * len(similarity)
    return [
        NearestLandmark(prior.compounds[place], float(row[place]))
        for row, place in zip(similarity, similarity.argmax(axis=1).tolist(), strict=True)
    ]


def nearest_landmarks(
    prior: RetrievedPrior | None, smiles: Sequence[object]
) -> tuple[NearestLandmark | None, ...]:
    """Return the nearest landmark of compounds given as SMILES; None for a row that cannot be used.

    Args:
        prior: whose landmarks are compared; None: there are none.
        smiles: one per row.
    """
    if isinstance(smiles, str):
        raise TypeError("a list of SMILES is needed, not one string; write [smiles].")
    found: list[NearestLandmark | None] = [None] * len(smiles)
    if prior is None or not prior.compounds:
        return tuple(found)
    compounds, _ = standardise_all(smiles)
    usable = [(row, compound.smiles) for row, compound in enumerate(compounds) if compound is not None]
    for start in range(0, len(usable), ROWS):
        rows, structures = zip(*usable[start : start + ROWS], strict=True)
        counts = morgan_counts(structures, radius=prior.radius, width=prior.landmarks.shape[1])
        for row, nearest in zip(rows, nearest_by_counts(prior, counts), strict=True):
            found[row] = nearest
    return tuple(found)
