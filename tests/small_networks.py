"""Targets of made networks over a dense encoder, shared by tests."""

from __future__ import annotations

import itertools

import torch

from hyperpcm.encoders.base import Encoder
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.target_model import LabelScale, TargetModel
from small_models import PKD, many_smiles


def dense_targets(encoder: Encoder, hidden: tuple[int, ...], number: int = 3) -> list[TargetModel]:
    """Targets over a dense encoder whose scores spread as labels of a standard deviation of 1 do."""
    generator = torch.Generator().manual_seed(0)
    scaler = Standardiser(encoder.width)
    scaler.fit(torch.from_numpy(encoder.encode(many_smiles(300))))
    found = []
    for name in range(number):
        widths = [encoder.width, *hidden, 1]
        layers = tuple(
            GeneratedLayer(
                bias=torch.zeros(1, after),
                delta=torch.randn(1, after, before, generator=generator) * (2 / before) ** 0.5,
            )
            for before, after in itertools.pairwise(widths)
        )
        network = QsarNetwork(layers=layers)
        found.append(
            TargetModel(str(name), "M", PKD, encoder, (network,), scaler, LabelScale(0.0, 1.0, binary=False))
        )
    return found
