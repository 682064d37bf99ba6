"""Known compounds that every compiled target scores, to see what it gives and what shortening it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperpcm.chem import tanimoto

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["KnownCompounds", "known_compounds"]

_SCORED: Final = 500  # known compounds that a target scores
_RANKING: Final = 4096  # known compounds by which landmarks are put in order
_SIMILARITIES: Final = 50_000_000  # of known compounds to landmarks, 200 MB; fewer compounds where it is more


@dataclass(frozen=True)
class KnownCompounds:
    """Some compounds of a model's memory, the same for all its targets.

    Attributes:
        smiles: standardised structures, those that targets score.
        embeddings: of them, unscaled.
        similarity: of them to all landmarks; None where no labels are retrieved.
        ranking: landmarks by which landmarks are put in order.
        ranking_similarity: of them to all landmarks; None where all may be kept.
    """

    smiles: tuple[str, ...]
    embeddings: Float[Tensor, "n d"]
    similarity: Float[Tensor, "n j"] | None
    ranking: Int[Tensor, "r"]
    ranking_similarity: Float[Tensor, "r j"] | None


def known_compounds(model: HyperPCM, *, with_ranking: bool) -> KnownCompounds:
    """Return known compounds, evenly drawn from them; the model keeps them for the next target.

    Args:
        model: whose memory it is.
        with_ranking: whether landmarks have to be put in order.
    """
    found = model.known
    if found is None:
        landmarks = len(model.landmark_compounds)
        places = _evenly(landmarks, min(_SCORED, max(100, _SIMILARITIES // max(1, landmarks))))
        smiles = tuple(model.landmark_compounds[place] for place in places)
        embeddings = torch.zeros(0, model.compound_encoder.width)
        if smiles:
            embeddings = torch.from_numpy(model.compound_encoder.encode(smiles))
        similarity = None if model.retrieval is None else _similarity(model, places)
        found = KnownCompounds(smiles, embeddings, similarity, torch.arange(0), None)
    if with_ranking and found.ranking_similarity is None:
        landmarks = len(model.landmark_compounds)
        places = _evenly(landmarks, min(_RANKING, max(100, _SIMILARITIES // max(1, landmarks))))
        found = KnownCompounds(
            found.smiles,
            found.embeddings,
            found.similarity,
            torch.from_numpy(places),
            _similarity(model, places),
        )
    model.known = found
    return found


def _evenly(number: int, most: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """So many of the numbers below ``number``, evenly spaced, or all of them."""
    return np.unique(np.linspace(0, max(0, number - 1), min(most, number)).astype(np.int64))


def _similarity(model: HyperPCM, places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tensor:
    bits = model.landmark_bits()
    return torch.from_numpy(tanimoto(bits[places], bits))
