"""What the hits of a screen rest on: the nearest landmark compound, and how far each score may be off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.screening.top import Hit
from hyperpcm.target_model import Intervals, NearestLandmark, TargetModel
from hyperpcm.target_model.nearest import nearest_by_counts
from hyperpcm.target_model.scores import LEVEL

__all__ = ["Backing", "backing_of_hits"]


@dataclass(frozen=True, eq=False)
class Backing:
    """What the hits on one target rest on, in their order.

    Attributes:
        nearest: the landmark compound nearest to each; None where the target keeps none.
        intervals: how far their scores may be off; None where the target was not calibrated.
    """

    nearest: tuple[NearestLandmark | None, ...]
    intervals: Intervals | None = None


def backing_of_hits(
    hits: Mapping[str, Sequence[Hit]],
    target_of: Callable[[str], TargetModel | None],
    *,
    level: float = LEVEL,
) -> dict[str, Backing]:
    """Return what the hits on each target rest on.

    A structure that is a hit on several targets has its fingerprint computed once. That of a hit takes 256
    bytes at the usual width, and one target is asked for and compared at a time. A calibrated target scores
    its hits once more.

    Args:
        hits: of each target, by its name.
        target_of: the target of a name; None where it is not at hand.
        level: share of the labels that the intervals hold.

    Raises:
        ConfigError: a calibrated target has no intervals of this level.
    """
    kept: dict[tuple[int, int], dict[str, npt.NDArray[np.uint8]]] = {}
    found: dict[str, Backing] = {}
    for name, own in hits.items():
        target = target_of(name) if own else None
        prior = None if target is None else target.prior
        intervals = None
        if target is not None and target.calibration is not None:
            intervals = target.score([hit.smiles for hit in own], level=level).intervals
        if prior is None:
            found[name] = Backing((None,) * len(own), intervals)
            continue
        radius, width = prior.radius, prior.landmarks.shape[1]
        bits = kept.setdefault((radius, width), {})
        new = list(dict.fromkeys(hit.smiles for hit in own if hit.smiles not in bits))
        if new:
            counts = morgan_counts(new, radius=radius, width=width)
            bits.update(zip(new, np.packbits(counts > 0, axis=1), strict=True))
        rows = np.unpackbits(np.stack([bits[hit.smiles] for hit in own]), axis=1, count=width)
        found[name] = Backing(tuple(nearest_by_counts(prior, rows)), intervals)
    return found
