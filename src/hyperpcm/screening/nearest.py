"""What the hits of a screen rest on: of each target's landmark compounds, the one nearest to each hit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.screening.top import Hit
from hyperpcm.target_model import NearestLandmark, TargetModel
from hyperpcm.target_model.nearest import nearest_by_counts

__all__ = ["nearest_of_hits"]


def nearest_of_hits(
    hits: Mapping[str, Sequence[Hit]], target_of: Callable[[str], TargetModel | None]
) -> dict[str, tuple[NearestLandmark | None, ...]]:
    """Return the nearest landmark compound of each hit; None where a target keeps none.

    A structure that is a hit on several targets has its fingerprint computed once. That of a hit takes 256
    bytes at the usual width, and one target is asked for and compared at a time.

    Args:
        hits: of each target, by its name.
        target_of: the target of a name; None where it is not at hand.
    """
    kept: dict[tuple[int, int], dict[str, npt.NDArray[np.uint8]]] = {}
    found: dict[str, tuple[NearestLandmark | None, ...]] = {}
    for name, own in hits.items():
        target = target_of(name) if own else None
        prior = None if target is None else target.prior
        if prior is None:
            found[name] = (None,) * len(own)
            continue
        radius, width = prior.radius, prior.landmarks.shape[1]
        bits = kept.setdefault((radius, width), {})
        new = list(dict.fromkeys(hit.smiles for hit in own if hit.smiles not in bits))
        if new:
            counts = morgan_counts(new, radius=radius, width=width)
            bits.update(zip(new, np.packbits(counts > 0, axis=1), strict=True))
        rows = np.unpackbits(np.stack([bits[hit.smiles] for hit in own]), axis=1, count=width)
        found[name] = tuple(nearest_by_counts(prior, rows))
    return found
