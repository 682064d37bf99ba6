"""The hypernetwork: from one target's (context-enriched) embedding to its QSAR network.

Source: Ha, Dai, Le, "HyperNetworks", ICLR 2017; Svensson et al., JCIM 2024, section "HyperPCM": a trunk,
then one linear head per weight and bias tensor of the QSAR network.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hyperpcm.nn.initialisation import InitialisationRule, initialise_bias_head, initialise_weight_head
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork

__all__ = ["GeneratedParts", "Hypernetwork", "LayerHeads", "QsarShape"]

GeneratedParts = Literal["full", "low_rank", "gates", "last_layer"]


@dataclass(frozen=True)
class QsarShape:
    """Widths of the network to generate.

    Attributes:
        inputs: width of the scaled compound embedding.
        hidden: widths of the hidden layers; empty for a linear QSAR model.
        noise_head: width of the noise head, 0 for none.
        activation: ``relu`` or ``selu``.
    """

    inputs: int
    hidden: tuple[int, ...]
    noise_head: int = 0
    activation: Literal["relu", "selu"] = "relu"

    def layers(self) -> list[tuple[int, int]]:
        """Return (out, in) of each layer after the noise head, the one-wide output layer last."""
        widths = [self.inputs + self.noise_head, *self.hidden, 1]
        return [(out, fan_in) for fan_in, out in pairwise(widths)]

    def parameters(self) -> int:
        """Return how many numbers one plain QSAR network of this shape has."""
        head = self.noise_head * (self.inputs + 1)
        return head + sum(out * (fan_in + 1) for out, fan_in in self.layers())


class LayerHeads(nn.Module):
    """All heads that make one layer of the QSAR network, and the part that all targets share.

    Args:
        trunk_width: d_k, width of the trunk's output.
        fan_out: d_i, outputs of the generated layer.
        fan_in: d_j, inputs of the generated layer.
        parts: what is generated besides the bias: the ``full`` matrix, a ``low_rank`` product, the
            ``gates`` of the shared matrix's rows, or nothing (``last_layer`` passes None for hidden layers).
        rank: r of the low-rank product.
        shared: keep an explicit base W₀ that all targets share.
        rule: initialisation of the heads.
        delta_scale: s, the start value of the learned factor on what is generated.
    """

    def __init__(
        self,
        trunk_width: int,
        fan_out: int,
        fan_in: int,
        *,
        parts: Literal["full", "low_rank", "gates"] | None,
        rank: int,
        shared: bool,
        rule: InitialisationRule,
        delta_scale: float,
    ) -> None:
        super().__init__()
        self.fan_out, self.fan_in, self.rank = fan_out, fan_in, rank
        self.shared_weight: nn.Parameter | None = None
        self.shared_bias: nn.Parameter | None = None
        self.scale: nn.Parameter | None = None
        if shared or parts in (None, "gates"):
            base = nn.Linear(fan_in, fan_out)
            nn.init.kaiming_uniform_(base.weight, nonlinearity="relu")
            nn.init.zeros_(base.bias)
            self.shared_weight, self.shared_bias = nn.Parameter(base.weight), nn.Parameter(base.bias)
            self.scale = nn.Parameter(torch.tensor(float(delta_scale)))
        self.bias = nn.Linear(trunk_width, fan_out) if parts is not None else None
        if self.bias is not None:
            initialise_bias_head(self.bias, fan_in, fan_out, rule)
        self.delta = nn.Linear(trunk_width, fan_out * fan_in) if parts == "full" else None
        if self.delta is not None:
            initialise_weight_head(self.delta, fan_in, fan_out, rule)
        self.gate = nn.Linear(trunk_width, fan_out) if parts == "gates" else None
        self.left = nn.Linear(trunk_width, fan_out * rank) if parts == "low_rank" else None
        self.right = nn.Linear(trunk_width, rank * fan_in) if parts == "low_rank" else None
        if self.left is not None and self.right is not None:
            # The product of two generated matrices: `right` keeps the variance of its inputs, `left`
            # that of r inputs, so that the product is a hyperfan-in matrix whatever the rank.
            initialise_weight_head(self.right, fan_in, rank, rule)
            initialise_weight_head(self.left, rank, fan_out, rule)

    def forward(self, trunk: Float[Tensor, "t k"]) -> GeneratedLayer:
        """Return this layer for each target of the batch."""
        targets, scale = len(trunk), 1.0 if self.scale is None else self.scale
        bias = trunk.new_zeros(targets, self.fan_out) if self.bias is None else scale * self.bias(trunk)
        if self.shared_bias is not None:
            bias = bias + self.shared_bias
        return GeneratedLayer(
            bias=bias,
            shared=self.shared_weight,
            gate=None if self.gate is None else scale * self.gate(trunk),
            delta=None if self.delta is None else self._scaled(self.delta(trunk), self.fan_in),
            left=None if self.left is None else self._scaled(self.left(trunk), self.rank),
            right=None if self.right is None else self.right(trunk).view(targets, self.rank, self.fan_in),
        )

    @torch.no_grad()
    def over_basis(self, basis: Float[Tensor, "d_j z"]) -> LayerHeads:
        """Return the heads of the layer that reads coordinates y of inputs x = basis · y."""
        found = copy.copy(self)
        found._modules, found._parameters = dict(self._modules), dict(self._parameters)
        found.fan_in = basis.shape[1]
        if self.shared_weight is not None:
            found.shared_weight = nn.Parameter(self.shared_weight @ basis)
        if self.delta is not None:
            found.delta = _contracted(self.delta, self.fan_out, basis)
        if self.right is not None:
            found.right = _contracted(self.right, self.rank, basis)
        return found

    def _scaled(self, flat: Float[Tensor, "t n"], columns: int) -> Float[Tensor, "t _out columns"]:
        matrices = flat.view(len(flat), self.fan_out, columns)
        return matrices if self.scale is None else self.scale * matrices


class Hypernetwork(nn.Module):
    """Generates the QSAR network of each target in a batch.

    Args:
        width: of the target representation that comes in.
        shape: of the network that goes out.
        trunk: widths of the trunk's layers.
        activation: of the trunk; ``selu`` comes with LeCun initialisation and alpha-dropout.
        dropout: share of the trunk's outputs dropped in training.
        parts: which part of each layer is generated; ``last_layer`` generates the output layer only.
        rank: of the low-rank product.
        shared: explicit shared base W₀ under full and low-rank parts.
        rule: initialisation of the heads; ``published`` and ``default`` leave a ReLU trunk as the framework
            makes it.
        delta_scale: start value of s in W(t) = W₀ + s·Δ(t).
        zero_output: start with an output layer of zeros, for a network that corrects another score.
    """

    def __init__(
        self,
        width: int,
        shape: QsarShape,
        *,
        trunk: tuple[int, ...] = (256,),
        activation: Literal["relu", "selu"] = "relu",
        dropout: float = 0.25,
        parts: GeneratedParts = "full",
        rank: int = 8,
        shared: bool = False,
        rule: InitialisationRule = "hyperfan_in",
        delta_scale: float = 1.0,
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.trunk = _trunk((width, *trunk), activation, dropout, rule)
        sizes = [(shape.noise_head, shape.inputs)] if shape.noise_head else []
        sizes += shape.layers()
        self.heads = nn.ModuleList()
        for position, (fan_out, fan_in) in enumerate(sizes):
            is_last = position == len(sizes) - 1
            own: Literal["full", "low_rank", "gates"] | None
            if parts == "last_layer":
                own = "full" if is_last else None
            elif is_last and parts in ("low_rank", "gates"):
                own = "full"  # one output: its single row is as small as any factor of it
            else:
                own = parts
            self.heads.append(
                LayerHeads(
                    trunk[-1],
                    fan_out,
                    fan_in,
                    parts=own,
                    rank=rank,
                    shared=shared,
                    rule=rule,
                    delta_scale=delta_scale,
                )
            )
        if zero_output:
            for name, parameter in self.heads[-1].named_parameters():
                if name != "scale":  # a scale of zero as well would never let a gradient through
                    nn.init.zeros_(parameter)

    def forward(self, targets: Float[Tensor, "t d"]) -> QsarNetwork:
        """Return one QSAR network per target."""
        trunk = self.trunk(targets)
        layers = [head(trunk) for head in self.heads]
        noise_head = layers.pop(0) if self.shape.noise_head else None
        return QsarNetwork(layers=tuple(layers), noise_head=noise_head, activation=self.shape.activation)

    def over_basis(self, basis: Float[Tensor, "d_c z"]) -> Hypernetwork:
        """Return the hypernetwork whose networks read coordinates of compounds instead of the compounds.

        Its networks give y the scores that those of this one give basis · y: much less work where few
        compounds are scored often. All but the first layer is shared with this one.

        Raises:
            ValueError: there is a noise head, whose output stands beside the compounds.
        """
        if self.shape.noise_head:
            raise ValueError("networks with a noise head read more than coordinates")
        found = copy.copy(self)
        found._modules = dict(self._modules)
        found.shape = replace(self.shape, inputs=basis.shape[1])
        first, *others = self.heads
        if not isinstance(first, LayerHeads):
            raise TypeError(f"the first layer has heads of {type(first).__name__}")
        found.heads = nn.ModuleList([first.over_basis(basis), *others])
        return found


def _contracted(head: nn.Linear, rows: int, basis: Float[Tensor, "d_j z"]) -> nn.Linear:
    """The head that generates [rows, d_j] · basis."""
    found = nn.Linear(head.in_features, rows * basis.shape[1], device="meta").to_empty(device=basis.device)
    weight = head.weight.view(rows, len(basis), head.in_features)
    found.weight.copy_(torch.einsum("rdk,dz->rzk", weight, basis).reshape(-1, head.in_features))
    found.bias.copy_((head.bias.view(rows, len(basis)) @ basis).reshape(-1))
    return found


def _trunk(
    widths: tuple[int, ...],
    activation: Literal["relu", "selu"],
    dropout: float,
    rule: InitialisationRule,
) -> nn.Sequential:
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layer = nn.Linear(fan_in, fan_out)
        if activation == "selu":
            # Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017.
            nn.init.normal_(layer.weight, std=1 / math.sqrt(fan_in))
            nn.init.zeros_(layer.bias)
            modules += [layer, nn.SELU(), nn.AlphaDropout(dropout)]
            continue
        modules += [layer, nn.ReLU(), nn.Dropout(dropout)]
        if rule.startswith("hyperfan"):  # which counts on a mean square of 1; others: the framework's default
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*modules)
