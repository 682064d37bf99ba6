"""What targets of one kind retrieve from the labels of their memory, for the same compounds.

Axis names: ``t`` targets, ``n`` compounds, ``f`` label features, ``j`` landmarks of all targets together,
``k`` parts of the ridge kernel, ``s`` sums.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.nn.kernel_ridge import ridge_scores_for_all, similarity_power
from hyperpcm.nn.retrieval import CollapsedLabels
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.screening.forest import Forests, JoinedForests
from hyperpcm.screening.landmark_kernels import LandmarkKernels
from hyperpcm.screening.tensors import CompoundTensors, Entries
from hyperpcm.target_model import RetrievedPrior

__all__ = ["StackedPrior"]

_NUMBERS: Final = {"cpu": 262_144, "cuda": 33_554_432}
"""Similarities of one block; on a CPU so few that a kernel of them stays in a core's cache."""


class StackedPrior:
    """The priors of some targets.

    A landmark that one target keeps and another does not has sums of zero there, which change nothing.

    Args:
        priors: with the same kernels, one per target.
        width: of the embedding.
        device: where they are.
    """

    def __init__(self, priors: Sequence[RetrievedPrior], width: int, device: torch.device) -> None:
        first = priors[0]
        self._device, self._retrieval = device, copy.deepcopy(first.retrieval).to(device)
        landmarks, own = one_table([prior.landmarks for prior in priors])
        self.fingerprint = (first.radius, landmarks.shape[1])
        kernels = [
            functools.partial(first.retrieval.kernel, level) for level in range(first.retrieval.levels)
        ]
        if first.ridge is not None:
            kernels += [functools.partial(_power, exponent) for exponent in first.ridge.exponents]
        self._kernels = LandmarkKernels(landmarks, kernels, device)
        joined = torch.stack(
            [
                _scattered(_sums(prior.collapsed), at, len(landmarks))
                for prior, at in zip(priors, own, strict=True)
            ]
        ).to(device)
        self._collapsed = CollapsedLabels(*joined.view(len(priors), 3, -1, joined.shape[-1]).unbind(1))
        self._ridge: Tensor | None = None
        ridges = [prior.ridge for prior in priors if prior.ridge is not None]
        if ridges:
            self._ridge = torch.stack(
                [
                    _scattered(ridge.coefficients.double(), at, len(landmarks))
                    for ridge, at in zip(ridges, own, strict=True)
                ]
            ).to(device)
            shares = torch.tensor([ridge.share for ridge in ridges], dtype=torch.float64)
            self._shares = shares[:, None].to(device)
            contrasts = torch.tensor([(ridge.contrast, ridge.level) for ridge in ridges])
            self._contrast, self._level = contrasts.T[..., None].to(device)
        self._forests: Forests | JoinedForests | None = None
        grown = [prior.trees for prior in priors]
        if any(one is not None for one in grown):
            trees = [BoostedTrees() if one is None else one.trees for one in grown]
            retrieved = first.retrieval.width + 2
            if device.type == "cpu":
                self._forests = Forests(trees, retrieved, width)
            else:
                self._forests = JoinedForests(trees, retrieved, width, device)
            mixing = [(0.0, 0.0) if one is None else (one.carry, one.share) for one in grown]
            self._carry, self._share = torch.tensor(mixing).T[..., None].to(device)

    def __call__(self, compounds: CompoundTensors) -> tuple[Float[Tensor, "t n f"], Float[Tensor, "t n"]]:
        """Return label features and prior means of compounds, in scaled label units.

        As `RetrievedPrior.features_and_mean`.
        """
        bits = compounds.prints[self.fingerprint]
        size = max(64, _NUMBERS[self._device.type] // max(1, len(self._kernels)))
        blocks = [self._retrieved(bits[start : start + size]) for start in range(0, len(bits), size)]
        features, mean, ridge = (torch.cat(found, dim=1) for found in zip(*blocks, strict=True))
        prior = mean
        if self._forests is not None:
            retrieved = torch.cat([features, ridge[..., None], mean[..., None]], dim=2)
            said = self._forests(retrieved, compounds.parts)
            prior = mean + self._share * (self._carry * mean + said - mean)
        if self._ridge is not None:
            prior = prior + self._contrast * (ridge - mean - self._level)
        return features, prior

    def _retrieved(self, bits: Entries) -> tuple[Tensor, Tensor, Tensor]:
        """Label features, means, and ridge scores or the means in their place."""
        similarities, levels = self._kernels(bits), self._retrieval.levels
        features = self._retrieval.for_all(self._collapsed, similarities.kernels(range(levels)))
        mean = ridge = self._retrieval.scores(features)
        if self._ridge is not None:
            parts = range(levels, levels + self._ridge.shape[1])
            ridge = ridge_scores_for_all(self._ridge, similarities.kernels(parts))
            mean = mean + self._shares * (ridge - mean)
        return features.float(), mean.float(), (mean if self._ridge is None else ridge).float()


def one_table(
    landmarks: Sequence[npt.NDArray[np.uint8]],
) -> tuple[npt.NDArray[np.uint8], list[Tensor]]:
    """Return the different fingerprints of several tables, and the place of each table's rows among them."""
    seen: dict[bytes, int] = {}
    rows: list[npt.NDArray[np.uint8]] = []
    places = []
    for table in landmarks:
        own = []
        for at, packed in enumerate(np.packbits(table > 0, axis=1)):
            place = seen.setdefault(packed.tobytes(), len(rows))
            if place == len(rows):
                rows.append(table[at])
            own.append(place)
        places.append(torch.tensor(own))
    return np.stack(rows), places


def _power(exponent: Tensor, similarity: Tensor) -> Tensor:
    return similarity_power(similarity, exponent)


def _sums(collapsed: CollapsedLabels) -> Float[Tensor, "s j"]:
    """The three sums of one target, one below the other."""
    return torch.cat([collapsed.evidence[0], collapsed.first[0], collapsed.second[0]]).double()


def _scattered(values: Float[Tensor, "s i"], places: Tensor, size: int) -> Float[Tensor, "s j"]:
    found = values.new_zeros(len(values), size)
    return found.index_add_(1, places, values)
