"""Products of the layers of generated networks: dense in float32, by entries, dense in bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from made_library import made_bits
from timing import seconds_of
from torch import Tensor

from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.stack import OUTPUTS
from hyperpcm.screening.tensors import Entries

__all__ = ["first_layer"]

BLOCK = 1024  # compounds
HIDDEN = 256  # outputs of a layer of one target
TARGETS = (1, 400)
DENSE = (512, 1900)  # widths of learned encoders
FINGERPRINTS = 2048
CPU = torch.device("cpu")


def first_layer(repeats: int) -> Performance:
    """Seconds of the first layers of 400 targets over fingerprints by entries, against dense products.

    Beside them the first layers over dense embeddings and second layers, in float32 and in bfloat16, the
    inputs converted each time, for 1 and 400 targets.
    """
    layers: dict[str, dict[str, Any]] = {}
    for targets in TARGETS:
        fingerprints = made_bits(np.random.default_rng(0), BLOCK, FINGERPRINTS)
        table = torch.from_numpy(fingerprints.dense())
        ways = _ways(table, targets)
        bags = [BagProduct(matrix, CPU) for matrix in _matrices(FINGERPRINTS, targets)]
        entries = Entries.of(fingerprints, CPU)
        ways["by entries"] = lambda bags=bags, entries=entries: [bag(entries) for bag in bags]
        layers[f"first, fingerprints, {targets} targets"] = _measured(ways, repeats)
        for width in DENSE:
            embeddings = torch.randn(BLOCK, width, generator=torch.Generator().manual_seed(0))
            layers[f"first, dense {width}, {targets} targets"] = _measured(
                _ways(embeddings, targets), repeats
            )
        layers[f"second, {targets} targets"] = _measured(_second(targets), repeats)
    ours = layers[f"first, fingerprints, {TARGETS[-1]} targets"]["seconds"]
    detail = {
        "compounds": BLOCK,
        "outputs_of_a_target": HIDDEN,
        "threads": torch.get_num_threads(),
        "peak_mb": peak_memory_mb(),
        "layers": layers,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "against": "the same products dense in float32, so many outputs at a time as a panel takes",
    }
    return Performance.of_times("first_layer", ours["by entries"], ours["float32"], detail, surroundings())


def _matrices(width: int, targets: int) -> list[Tensor]:
    """Weights of the first layers of some targets, in the groups in which a panel takes them."""
    generator = torch.Generator().manual_seed(1)
    left, found = targets * HIDDEN, []
    while left:
        outputs = min(left, OUTPUTS["cpu"])
        found.append(torch.randn(width, outputs, generator=generator) / width**0.5)
        left -= outputs
    return found


def _ways(inputs: Tensor, targets: int) -> dict[str, Callable[[], Sequence[Tensor]]]:
    """The product of a table with first layers, dense, in two precisions."""
    single = _matrices(inputs.shape[1], targets)
    half = [matrix.bfloat16() for matrix in single]

    def in_half() -> Sequence[Tensor]:
        own = inputs.bfloat16()
        return [(own @ matrix).float() for matrix in half]

    return {"float32": lambda: [inputs @ matrix for matrix in single], "bfloat16": in_half}


def _second(targets: int) -> dict[str, Callable[[], Sequence[Tensor]]]:
    """Batched products of hidden layers, two targets at a time as a panel takes them."""
    together = max(1, OUTPUTS["cpu"] // HIDDEN)
    generator = torch.Generator().manual_seed(2)
    sizes = [min(together, targets - start) for start in range(0, targets, together)]
    hidden = torch.relu(torch.randn(together, BLOCK, HIDDEN, generator=generator))
    single = [torch.randn(size, HIDDEN, HIDDEN, generator=generator) / HIDDEN**0.5 for size in sizes]
    half = [weight.bfloat16() for weight in single]
    return {
        "float32": lambda: [torch.bmm(hidden[: len(weight)], weight) for weight in single],
        "bfloat16": lambda: [torch.bmm(hidden[: len(weight)].bfloat16(), weight).float() for weight in half],
    }


@torch.no_grad()
def _measured(ways: Mapping[str, Callable[[], Sequence[Tensor]]], repeats: int) -> dict[str, Any]:
    """Median seconds of each way, and how far it is from float32 in standard deviations of the outputs."""
    exact = ways["float32"]()[0]
    return {
        "seconds": seconds_of(ways, repeats),
        "largest_difference": {
            name: float((way()[0] - exact).abs().max() / exact.std()) for name, way in ways.items()
        },
    }
