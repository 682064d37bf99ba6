"""Generated networks of many targets, side by side: one batched product for each layer.

All targets read the same embedding, so the first layer is one product with it, by entries where the embedding
is sparse, and label features, which differ between targets, are added to it. Axis names: ``t`` targets, ``n``
compounds, ``w`` width of a part of the embedding, ``f`` label features, ``o`` outputs of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.tensors import Entries

__all__ = ["StackedNetworks"]


class StackedNetworks:
    """One member's networks of some targets.

    Args:
        own: the networks, plain weights, all of one shape.
        widths: of the parts of the embedding, and whether each is sparse.
        device: where they are.
        dtype: of dense products, but for those of an output layer behind hidden ones.
    """

    def __init__(
        self,
        own: Sequence[QsarNetwork],
        widths: Sequence[tuple[int, bool]],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._activation = own[0].activation
        layers = [_joined([network.layers[place] for network in own]) for place in range(len(own[0].layers))]
        heads = [network.noise_head for network in own if network.noise_head is not None]
        weight, bias = layers[0]
        self._head: _FirstLayer | None = None
        if heads:
            self._head = _FirstLayer(*_joined(heads), widths, device, dtype)
            noised = heads[0].bias.shape[1]
            self._from_head = weight[:, :, :noised].transpose(1, 2).contiguous().to(device, dtype)
            weight = weight[:, :, noised:]
        self._first = _FirstLayer(weight, bias, widths, device, dtype)
        self._rest = [
            (weight.transpose(1, 2).contiguous().to(device, dtype), bias[:, None].to(device))
            for weight, bias in layers[1:-1]
        ]
        if len(layers) > 1:
            weight, bias = layers[-1]
            self._rest.append((weight.transpose(1, 2).contiguous().to(device), bias[:, None].to(device)))

    def __call__(
        self, parts: Sequence[Entries | Tensor], features: Float[Tensor, "t n f"] | None
    ) -> Float[Tensor, "t n"]:
        """Return what the networks say of each compound.

        Args:
            parts: of the embeddings, as from `CompoundTensors.scaled`; dense ones may be rounded.
            features: label features, where the networks read them.
        """
        activate = torch.selu_ if self._activation == "selu" else torch.relu_
        hidden = self._first(parts, features)
        if self._head is not None:
            hidden = hidden.add_(_product(activate(self._head(parts, features)), self._from_head))
        for weight, bias in self._rest:
            hidden = _product(activate(hidden), weight).add_(bias)
        return hidden.squeeze(-1)


class _FirstLayer:
    """An affine layer of all targets over the embedding and the label features.

    Args:
        weight: [t, o, w + f].
        bias: [t, o].
        widths: of the parts of the embedding, and whether each is sparse.
        device: where it is.
        dtype: of dense products.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        widths: Sequence[tuple[int, bool]],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._shape = bias.shape
        self._bias = bias[:, None].to(device)
        self._products: list[BagProduct | Tensor] = []
        start = 0
        for width, is_sparse in widths:
            columns = weight[:, :, start : start + width].flatten(0, 1).T
            self._products.append(
                BagProduct(columns, device) if is_sparse else columns.contiguous().to(device, dtype)
            )
            start += width
        self._of_features = weight[:, :, start:].transpose(1, 2).contiguous().to(device)

    def __call__(
        self, parts: Sequence[Entries | Tensor], features: Float[Tensor, "t n f"] | None
    ) -> Float[Tensor, "t n o"]:
        products = [self._product(part, product) for part, product in zip(parts, self._products, strict=True)]
        found = products[0]
        for product in products[1:]:
            found += product
        layer = found.view(len(found), *self._shape).transpose(0, 1).add_(self._bias)
        return layer if features is None else layer.add_(torch.bmm(features, self._of_features))

    @staticmethod
    def _product(part: Entries | Tensor, product: BagProduct | Tensor) -> Float[Tensor, "n _"]:
        if isinstance(product, BagProduct):
            assert isinstance(part, Entries)
            return product(part)
        dense = part.dense() if isinstance(part, Entries) else part
        return (dense.to(product.dtype) @ product).float()


def _product(hidden: Float[Tensor, "t n o"], weight: Tensor) -> Float[Tensor, "t n p"]:
    """The batched product in the type of the weights, in float32."""
    return torch.bmm(hidden.to(weight.dtype), weight).float()


def _joined(layers: Sequence[GeneratedLayer]) -> tuple[Tensor, Tensor]:
    """Plain weights [t, out, in] and biases [t, out]."""
    return torch.cat([layer.dense() for layer in layers]), torch.cat([layer.bias for layer in layers])
