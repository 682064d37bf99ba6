"""The generated network: a small perceptron whose weights are data, not parameters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

__all__ = ["GeneratedLayer", "QsarNetwork", "QsarRegularisation", "qsar_hidden", "qsar_scores"]


@dataclass(frozen=True)
class GeneratedLayer:
    """One affine layer per target: W(t) = (1 + gate(t)) ∘ W₀ + delta(t) + left(t) right(t).

    Parts that a hypernetwork does not generate are None and cost nothing. A layer whose only part is
    ``delta`` is the published one. `dense` gives the plain weight that all parts amount to.
    """

    bias: Float[Tensor, "t _out"]
    shared: Float[Tensor, "_out _in"] | None = None
    gate: Float[Tensor, "t _out"] | None = None
    delta: Float[Tensor, "t _out _in"] | None = None
    left: Float[Tensor, "t _out r"] | None = None
    right: Float[Tensor, "t r _in"] | None = None

    def apply(self, inputs: Float[Tensor, "t c _in"]) -> Float[Tensor, "t c _out"]:
        """Return the affine map of each target applied to its own compounds, never forming W(t)."""
        outputs = self.bias[:, None, :]
        if self.shared is not None:
            product = inputs @ self.shared.T
            outputs = outputs + (product if self.gate is None else product * (1 + self.gate[:, None, :]))
        if self.delta is not None:
            outputs = outputs + torch.bmm(inputs, self.delta.transpose(1, 2))
        if self.left is not None and self.right is not None:
            hidden = torch.bmm(inputs, self.right.transpose(1, 2))
            outputs = outputs + torch.bmm(hidden, self.left.transpose(1, 2))
        return outputs

    def dense(self) -> Float[Tensor, "t _out _in"]:
        """Return the weight matrices that `apply` amounts to."""
        parts = []
        if self.shared is not None:
            shared = self.shared[None]
            parts.append(
                shared.expand(len(self.bias), -1, -1)
                if self.gate is None
                else shared * (1 + self.gate[:, :, None])
            )
        if self.delta is not None:
            parts.append(self.delta)
        if self.left is not None and self.right is not None:
            parts.append(torch.bmm(self.left, self.right))
        return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0].contiguous()

    def densified(self, factor: float = 1.0) -> GeneratedLayer:
        """Return the same map, times a factor, with the plain weight as its only part."""
        return GeneratedLayer(bias=factor * self.bias, delta=factor * self.dense())

    def cpu(self) -> GeneratedLayer:
        """Return the layer with its tensors in the memory of the CPU."""
        parts: dict[str, Any] = {
            field.name: None if value is None else value.cpu()
            for field in dataclasses.fields(self)
            for value in [getattr(self, field.name)]
        }
        return GeneratedLayer(**parts)

    def of_target(self, index: int) -> GeneratedLayer:
        """Return the layer of one target of the batch, its target axis kept with length 1."""
        rows = slice(index, index + 1)
        parts = {
            field.name: value if field.name == "shared" or value is None else value[rows]
            for field in dataclasses.fields(self)
            for value in [getattr(self, field.name)]
        }
        return GeneratedLayer(**parts)


@dataclass(frozen=True)
class QsarRegularisation:
    """Noise and dropout of a QSAR network in training; scoring uses none of it.

    Attributes:
        noise: standard deviation of the Gaussian noise on the noise head's input.
        noise_dropout: share of the noise head's outputs that is dropped.
        dropout: share of each hidden layer's outputs that is dropped.
    """

    noise: float = 0.0
    noise_dropout: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True)
class QsarNetwork:
    """The generated perceptrons of a batch of targets: a value, never written into a module.

    Attributes:
        layers: hidden layers and the output layer (one output), in order.
        noise_head: a layer that reads the noised input; its activated output is put beside the clean
            input, so the first of ``layers`` is wider by its width. Source: Svensson et al. 2024,
            section "QSAR network"; none where compounds are standardised.
        activation: ``relu`` or ``selu``.
    """

    layers: tuple[GeneratedLayer, ...]
    noise_head: GeneratedLayer | None = None
    activation: str = "relu"

    @classmethod
    def nothing(cls, width: int) -> QsarNetwork:
        """Return one target's network of one layer that scores every compound 0.

        Args:
            width: of what it reads.
        """
        return cls(layers=(GeneratedLayer(bias=torch.zeros(1, 1), delta=torch.zeros(1, 1, width)),))

    def densified(self, factor: float = 1.0) -> QsarNetwork:
        """Return the same networks with plain weights only, their scores times a factor."""
        head = None if self.noise_head is None else self.noise_head.densified()
        layers = (*(layer.densified() for layer in self.layers[:-1]), self.layers[-1].densified(factor))
        return QsarNetwork(layers=layers, noise_head=head, activation=self.activation)

    def cpu(self) -> QsarNetwork:
        """Return the networks with their tensors in the memory of the CPU."""
        head = None if self.noise_head is None else self.noise_head.cpu()
        return QsarNetwork(
            layers=tuple(layer.cpu() for layer in self.layers), noise_head=head, activation=self.activation
        )

    def of_target(self, index: int) -> QsarNetwork:
        """Return the network of one target of the batch, its target axis kept with length 1."""
        head = None if self.noise_head is None else self.noise_head.of_target(index)
        layers = tuple(layer.of_target(index) for layer in self.layers)
        return QsarNetwork(layers=layers, noise_head=head, activation=self.activation)


def qsar_scores(
    network: QsarNetwork,
    compounds: Float[Tensor, "t c d"],
    regularisation: QsarRegularisation | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "t c"]:
    """Score each compound with the network of its own target.

    Args:
        network: the generated weights.
        compounds: compound embeddings as the network was trained on (scaled; dimensionless).
        regularisation: noise and dropout of a training step; None scores deterministically.
        generator: source of that noise; torch's default generator when None.

    Returns:
        One raw score per compound: in scaled label units for a regression model, in logits for a
        classifier.
    """
    hidden = qsar_hidden(network, compounds, regularisation, generator)
    return network.layers[-1].apply(hidden).squeeze(-1)


def qsar_hidden(
    network: QsarNetwork,
    compounds: Float[Tensor, "t c d"],
    regularisation: QsarRegularisation | None = None,
    generator: Generator | None = None,
) -> Float[Tensor, "t c _last"]:
    """Return what the output layer reads: the last hidden activations of every compound."""
    activate = functional.selu if network.activation == "selu" else functional.relu
    hidden = compounds
    if network.noise_head is not None:
        noised, share = compounds, 0.0
        if regularisation is not None:
            draw = torch.randn(
                compounds.shape, generator=generator, device=compounds.device, dtype=compounds.dtype
            )
            noised, share = compounds + regularisation.noise * draw, regularisation.noise_dropout
        # Deviation: the published noise stays on when predicting; here it is part of training only.
        head = functional.dropout(
            activate(network.noise_head.apply(noised)), share, regularisation is not None
        )
        hidden = torch.cat([head, compounds], dim=-1)
    for layer in network.layers[:-1]:
        hidden = activate(layer.apply(hidden))
        if regularisation is not None:
            hidden = functional.dropout(hidden, regularisation.dropout)
    return hidden
