"""Weights of generated networks in fewer digits: a smaller file, and scores that differ by less than matters.

Rounding happens once, when a target is compiled, so that the target model in memory and its file say exactly
the same. In bytes, a weight is a whole number from −127 to 127 times a step that all weights of one output
share. Steps have 11 significant bits: products with such whole numbers are exact in single precision, so the
numbers come back from a file, and in any other form, bit for bit.

Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", CVPR 2018 (whole numbers and one step; here per output, symmetric, and never with integer sums).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import torch
from jaxtyping import Float, Int8
from torch import Tensor

from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
from hyperpcm.target_model.model import TargetModel, padded
from hyperpcm.target_model.scores import BLOCK

__all__ = ["TOLERANCE", "WEIGHTS", "bytes_of", "rounded", "rounded_within_tolerance"]

WEIGHTS: Final = ("byte", "half", "single")
"""How weights may be rounded, the narrowest first; ``single`` is not at all."""

TOLERANCE: Final = 0.005
"""Most that rounding may change a score of a known compound by, as a share of the labels' scale.

The scale is the standard deviation of the training labels, or 1 where they are not scaled.
"""

_MOST: Final = 127
_BITS: Final = 2048  # 2 to the number of significant bits of a step
_NOTHING: Final = 1e-30  # an output whose weights are all below this reads nothing


def rounded_within_tolerance(
    target: TargetModel,
    embeddings: Float[Tensor, "n d"],
    similarity: Float[Tensor, "n j"] | None = None,
    learned: Float[Tensor, "n h"] | None = None,
) -> tuple[TargetModel, dict[str, Any], Float[Tensor, "n"]]:
    """Return the target with weights as narrow as `TOLERANCE` allows, and what that changes (JSON values).

    Args:
        target: not mutated, and not adapted.
        embeddings: of the compounds whose scores are compared, and the rest as for
            `TargetModel.score_embedded`; without any compound nothing is rounded.

    Returns:
        The target, a record, and the target's scores of these compounds. The record: ``weights`` (one of
        `WEIGHTS`), ``largest_difference`` of a score in label units or probability, and ``compounds``, how
        many were compared.
    """
    forms = [rounded(target, weights) for weights in WEIGHTS]
    scores = _scores(forms, embeddings, similarity, learned)
    most = TOLERANCE * target.label_scale.scale
    for place, weights in enumerate(WEIGHTS[:-1] if len(embeddings) else ()):
        difference = float((scores[place] - scores[-1]).abs().max())
        if difference <= most:  # not so where a score is not a number
            record = {"weights": weights, "largest_difference": difference, "compounds": len(embeddings)}
            return forms[place], record, scores[place]
    record = {"weights": "single", "largest_difference": 0.0, "compounds": len(embeddings)}
    return target, record, scores[-1]


@torch.no_grad()
def _scores(
    targets: Sequence[TargetModel], embeddings: Tensor, similarity: Tensor | None, learned: Tensor | None
) -> Float[Tensor, "t n"]:
    """Scores of targets that differ in their networks alone, as `TargetModel.score_embedded` gives them."""
    found = [embeddings.new_zeros(len(targets), 0)]
    for start in range(0, len(embeddings), BLOCK):
        own = padded(embeddings, start)
        near, vectors = (None if part is None else padded(part, start) for part in (similarity, learned))
        retrieved = targets[0].retrieved(own, near)
        found.append(torch.stack([target.block_scores(own, retrieved, vectors) for target in targets]))
    return torch.cat(found, dim=1)[:, : len(embeddings)]


def rounded(target: TargetModel, weights: str) -> TargetModel:
    """Return the target with rounded weights in all layers but the output layers, which cost next to nothing.

    Args:
        target: not mutated.
        weights: one of `WEIGHTS`.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights are {', '.join(WEIGHTS)}, not {weights!r}.")
    if weights == "single":
        return target
    networks = tuple(_rounded_network(network, weights) for network in target.networks)
    return dataclasses.replace(target, networks=networks)


def bytes_of(weight: Float[Tensor, "o i"]) -> tuple[Int8[Tensor, "o i"], Float[Tensor, "o"]] | None:
    """Return whole numbers and steps whose products are exactly these weights; None where there are none."""
    if weight.ndim != 2 or not weight.numel():
        return None
    steps = weight.abs().amax(1, keepdim=True) / _MOST
    numbers = torch.where(steps > 0, weight / steps, 0.0).round().clamp(-_MOST, _MOST)
    products = numbers.to(torch.int8) * steps
    if not torch.equal(products.view(torch.int32), weight.contiguous().view(torch.int32)):  # bit for bit
        return None
    return numbers.to(torch.int8), steps[:, 0]


def _rounded_network(network: QsarNetwork, weights: str) -> QsarNetwork:
    head = None if network.noise_head is None else _rounded_layer(network.noise_head, weights)
    layers = (*(_rounded_layer(layer, weights) for layer in network.layers[:-1]), network.layers[-1])
    return dataclasses.replace(network, layers=layers, noise_head=head)


def _rounded_layer(layer: GeneratedLayer, weights: str) -> GeneratedLayer:
    weight = layer.dense()
    return GeneratedLayer(
        bias=layer.bias, delta=weight.half().float() if weights == "half" else _in_steps(weight)
    )


def _in_steps(weight: Float[Tensor, "t o i"]) -> Float[Tensor, "t o i"]:
    """Return the nearest weights that are whole numbers of steps."""
    largest = weight.abs().amax(-1, keepdim=True)
    mantissa, exponent = torch.frexp(largest / _MOST)
    steps = torch.ldexp((mantissa * _BITS).ceil() / _BITS, exponent)
    return torch.where(largest > _NOTHING, (weight / steps).round() * steps + 0.0, 0.0)  # a zero has no sign
