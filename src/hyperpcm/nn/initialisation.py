"""Principled initialisation: a generated network should start with stable signals.

A weight head makes W (fan-in d_j, fan-out d_i) from the trunk's output e (width d_k, mean square V); its
own matrix H and bias then decide the variance of every generated weight. Three rules are offered.

Source: Chang, Flokas, Lipson, "Principled Weight Initialization for Hypernetworks", ICLR 2020, Table 1.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import nn

__all__ = ["InitialisationRule", "initialise_bias_head", "initialise_weight_head"]

InitialisationRule = Literal["hyperfan_in", "hyperfan_out", "published", "default"]

_RELU_GAIN = 2.0  # r: half of the signal's variance is lost in a ReLU
_GENERATED_BIAS = 2.0  # c: weight and bias contribute half of the output's variance each


@torch.no_grad()
def initialise_weight_head(
    head: nn.Linear, fan_in: int, fan_out: int, rule: InitialisationRule, trunk_variance: float = 1.0
) -> None:
    """Set a head that makes a weight matrix of shape [fan_out, fan_in].

    Args:
        head: linear map from the trunk's output (d_k) to fan_out × fan_in numbers; changed in place.
        fan_in: d_j, inputs of the generated layer.
        fan_out: d_i, outputs of the generated layer.
        rule: ``hyperfan_in`` Var(H) = r/(c·d_j·d_k·V); ``hyperfan_out`` Var(H) = r/(c·d_i·d_k·V);
            ``published`` divides the framework's default matrix by √(2 d_j) and its bias by √2;
            ``default`` leaves the framework's initialisation.
        trunk_variance: V, the mean square of the trunk's output.
    """
    if rule == "default":
        return
    if rule == "published":
        head.weight.div_(math.sqrt(2 * fan_in))
        head.bias.div_(math.sqrt(2))
        return
    fan = fan_in if rule == "hyperfan_in" else fan_out
    variance = _RELU_GAIN / (_GENERATED_BIAS * fan * head.in_features * trunk_variance)
    _uniform_with_variance(head.weight, variance)
    head.bias.zero_()


@torch.no_grad()
def initialise_bias_head(
    head: nn.Linear, fan_in: int, fan_out: int, rule: InitialisationRule, trunk_variance: float = 1.0
) -> None:
    """Set a head that makes the bias of a layer of shape [fan_out, fan_in].

    The rules as in `initialise_weight_head`: ``hyperfan_in`` Var(H) = r/(2·d_k·V); ``hyperfan_out``
    Var(H) = max(r·(1 − d_j/d_i)/(d_k·V), 0); ``published`` the same scaling as the matrix before it.
    """
    if rule == "default":
        return
    if rule == "published":
        head.weight.div_(math.sqrt(2 * fan_in))
        head.bias.div_(math.sqrt(2))
        return
    width_times_variance = head.in_features * trunk_variance
    if rule == "hyperfan_in":
        variance = _RELU_GAIN / (2 * width_times_variance)
    else:
        variance = max(_RELU_GAIN * (1 - fan_in / fan_out) / width_times_variance, 0.0)
    _uniform_with_variance(head.weight, variance)
    head.bias.zero_()


def _uniform_with_variance(weight: torch.Tensor, variance: float) -> None:
    bound = math.sqrt(3 * variance)
    nn.init.uniform_(weight, -bound, bound) if bound > 0 else nn.init.zeros_(weight)
