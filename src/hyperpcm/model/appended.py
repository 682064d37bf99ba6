"""What overlays append to a memory: rows for new targets, landmark compounds for new compounds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from hyperpcm.model.overlay import Overlay

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["Appended"]


@dataclass(frozen=True, eq=False)
class Appended:
    """The axes of a memory with those of overlays behind them, and what the new entries hold.

    Attributes:
        targets: row of each sequence, those of the memory first [m].
        compounds: column of each SMILES, those of the memory first [q].
        names: of the new targets; one that is taken gets the name of its overlay behind it, and a
            number where that is taken too [a].
        embeddings: of the new targets, unscaled.
        similarity: alignment similarity of the new targets to the memory rows; zeros where it is not read.
        places: coordinates of the new targets along the axes of the alignment.
        fingerprints: of the new compounds, packed presence bits.
    """

    targets: Mapping[str, int]
    compounds: Mapping[str, int]
    names: tuple[str, ...]
    embeddings: Float[Tensor, "a d_t"]
    similarity: Float[Tensor, "a m0"]
    places: Float[Tensor, "a k"]
    fingerprints: UInt8[Tensor, "b w"]

    @classmethod
    @torch.no_grad()
    def of(cls, model: HyperPCM, overlays: Sequence[Overlay]) -> Appended:
        """Return what overlays append to the memory of a model without any.

        Args:
            model: on the CPU; not mutated.
            overlays: in the order in which they append.
        """
        targets = _places(model.memory_sequences, (one.sequences for one in overlays))
        compounds = _places(model.landmark_compounds, (one.compounds for one in overlays))
        new_targets = _held(targets, len(model.memory_sequences), [one.sequences for one in overlays])
        new_compounds = _held(compounds, len(model.landmark_compounds), [one.compounds for one in overlays])
        embeddings = np.zeros((len(new_targets), model.target_encoder.width), dtype=np.float32)
        fingerprints = np.zeros((len(new_compounds), model.landmarks.shape[1]), dtype=np.uint8)
        for place, (number, at) in enumerate(new_targets):
            embeddings[place] = overlays[number].embeddings[at]
        for place, (number, at) in enumerate(new_compounds):
            fingerprints[place] = overlays[number].fingerprints[at]
        similarity = torch.zeros(len(new_targets), len(model.memory_sequences))
        if new_targets and model.config.needs_alignment:
            added = list(targets)[-len(new_targets) :]
            similarity = torch.from_numpy(model.aligner.encode(added))
        embedded = torch.from_numpy(embeddings)
        return cls(
            targets=targets,
            compounds=compounds,
            names=_names(model.memory_names, overlays, new_targets),
            embeddings=embedded,
            similarity=similarity,
            places=model.alignment(embedded, similarity if model.config.needs_alignment else None),
            fingerprints=torch.from_numpy(fingerprints),
        )


def _places(known: Iterable[str], added: Iterable[Sequence[str]]) -> dict[str, int]:
    """The place of each target or compound: those of the memory, and then the others as they come."""
    places = {content: place for place, content in enumerate(known)}
    for contents in added:
        for content in contents:
            places.setdefault(content, len(places))
    return places


def _held(places: Mapping[str, int], known: int, contents: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """The overlay that holds each new target or compound first, and its place in that, in their order."""
    found: dict[int, tuple[int, int]] = {}
    for number, own in enumerate(contents):
        for at, content in enumerate(own):
            if places[content] >= known:
                found.setdefault(places[content], (number, at))
    return [found[place] for place in sorted(found)]


def _names(
    known: Iterable[str], overlays: Sequence[Overlay], targets: Sequence[tuple[int, int]]
) -> tuple[str, ...]:
    taken, names = set(known), []
    for number, at in targets:
        own, source = overlays[number].names[at], overlays[number].name
        tried = itertools.chain(
            [own, f"{own} ({source})"], (f"{own} ({source}, {n})" for n in itertools.count(2))
        )
        names.append(next(name for name in tried if name not in taken))
        taken.add(names[-1])
    return tuple(names)
