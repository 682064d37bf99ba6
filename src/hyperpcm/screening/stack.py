"""Targets of one kind as tensors with a target axis: the batched product at the heart of a panel.

Axis names: ``t`` targets, ``n`` compounds, ``f`` label features.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.encoders.base import parts_of
from hyperpcm.screening.stacked_networks import StackedNetworks
from hyperpcm.screening.stacked_prior import StackedPrior
from hyperpcm.screening.tensors import CompoundTensors, Entries
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.scores import FREQUENCIES

__all__ = ["OUTPUTS", "TargetStack"]

CPU: Final = torch.device("cpu")
OUTPUTS: Final = {"cpu": 512, "cuda": 65_536}
"""Outputs of the first layers computed at a time; on a CPU so few that they stay in a core's cache."""


class TargetStack:
    """Compiled targets of one kind, scored together.

    Args:
        targets: all of one `kind`.
        device: where they score.
        dtype: of the products of dense layers.
    """

    def __init__(
        self, targets: Sequence[TargetModel], device: torch.device = CPU, dtype: torch.dtype = torch.float32
    ) -> None:
        first = targets[0]
        self.device, self.label_scale, self._dtype = device, first.label_scale, dtype
        self._scaler = copy.deepcopy(first.compound_scaler).to(device)
        self._centres, self._scales, self._slopes, self._intercepts = (
            torch.tensor([getattr(target.label_scale, name) for target in targets])[:, None].to(device)
            for name in ("centre", "scale", "slope", "intercept")
        )
        widths = _widths(first)
        outputs = first.networks[0].layers[0].bias.shape[1]
        together = max(1, OUTPUTS[device.type] // outputs)
        self._groups = [slice(start, start + together) for start in range(0, len(targets), together)]
        self._members = [
            [
                StackedNetworks([target.networks[member] for target in targets[group]], widths, device, dtype)
                for group in self._groups
            ]
            for member in range(len(first.networks))
        ]
        priors = [target.prior for target in targets if target.prior is not None]
        self._prior = StackedPrior(priors, first.encoder.width, device) if priors else None

    @staticmethod
    def kind(target: TargetModel) -> Hashable:
        """Return what targets of one stack have in common; equal for those that can be stacked."""
        scaler, prior = target.compound_scaler, target.prior
        networks = tuple(
            (
                network.activation,
                network.noise_head is not None,
                *(layer.bias.shape for layer in network.layers),
            )
            for network in target.networks
        )
        kind: tuple[Hashable, ...] = (
            scaler.clip,
            _bits(scaler.mean),
            _bits(scaler.scale),
            target.label_scale.binary,
            networks,
        )
        if prior is None:
            return kind
        kernel = tuple(_bits(part) for part in prior.retrieval.state_dict().values())
        ridge = None if prior.ridge is None else _bits(prior.ridge.exponents)
        return (*kind, prior.radius, prior.landmarks.shape[1], kernel, ridge)

    @property
    def fingerprint(self) -> tuple[int, int] | None:
        """Radius and width of the landmarks' fingerprints; None where there are none."""
        return None if self._prior is None else self._prior.fingerprint

    def scores(self, compounds: CompoundTensors) -> Float[Tensor, "t n"]:
        """Return scores in label units, or probabilities.

        Args:
            compounds: prepared for these targets, on their device.
        """
        inputs = [
            part if isinstance(part, Entries) else part.to(self._dtype)
            for part in compounds.scaled(self._scaler)
        ]
        features, base = None, torch.zeros((), device=self.device)
        if self._prior is not None:
            features, base = self._prior(compounds)
            if self.label_scale.binary:
                base = torch.logit((base * self._scales + self._centres).clamp(*FREQUENCIES))
        said = torch.stack(
            [
                torch.cat(
                    [
                        networks(inputs, None if features is None else features[group])
                        for group, networks in zip(self._groups, member, strict=True)
                    ]
                )
                for member in self._members
            ]
        ).mean(0)
        raw = base + said
        if self.label_scale.binary:
            return torch.sigmoid(raw * self._slopes + self._intercepts)
        return raw * self._scales + self._centres


def _widths(target: TargetModel) -> list[tuple[int, bool]]:
    """Of each part of the embedding its width, and whether its entries alone are read."""
    found, start = [], 0
    for part in parts_of(target.encoder):
        is_centred = bool(target.compound_scaler.mean[start : start + part.width].any())
        found.append((part.width, part.sparse and not is_centred))
        start += part.width
    return found


def _bits(tensor: Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().numpy().tobytes())
