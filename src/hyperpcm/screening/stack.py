"""Targets of one kind as tensors with a target axis: the batched product at the heart of a panel.

Axis names: ``t`` targets, ``n`` compounds, ``d`` embedding width, ``f`` label features, ``j`` landmarks of
all targets together, ``k`` parts of the ridge kernel.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hyperpcm.chem import tanimoto
from hyperpcm.nn.kernel_ridge import ridge_scores_for_all
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
from hyperpcm.nn.retrieval import CollapsedLabels
from hyperpcm.target_model import RetrievedPrior, TargetModel
from hyperpcm.target_model.prior import prior_columns
from hyperpcm.target_model.scores import FREQUENCIES

__all__ = ["TargetStack"]


class TargetStack:
    """Compiled targets of one kind, scored together.

    A landmark that one target keeps and another does not has sums of zero there, which change nothing.

    Args:
        targets: all of one `kind`.
    """

    def __init__(self, targets: Sequence[TargetModel]) -> None:
        first = targets[0]
        self.scaler, self.label_scale = first.compound_scaler, first.label_scale
        self.centres = torch.tensor([target.label_scale.centre for target in targets])[:, None]
        self.scales = torch.tensor([target.label_scale.scale for target in targets])[:, None]
        self.members = [
            _SplitNetwork([target.networks[member] for target in targets])
            for member in range(len(first.networks))
        ]
        priors = [target.prior for target in targets if target.prior is not None]
        self.features, self.landmarks = 1, np.zeros((0, 0), dtype=np.uint8)
        if priors:
            self.features = priors[0].retrieval.width
            self._join(priors)

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

    def _join(self, priors: Sequence[RetrievedPrior]) -> None:
        """Put all landmarks into one table, and every target's sums into its columns."""
        self.retrieval, self.radius = priors[0].retrieval, priors[0].radius
        self.trees = [prior.trees for prior in priors]
        self.landmarks, own = _one_table([prior.landmarks for prior in priors])
        joined = torch.stack(
            [
                _scattered(_sums(prior.collapsed), at, len(self.landmarks))
                for prior, at in zip(priors, own, strict=True)
            ]
        )
        self.collapsed = CollapsedLabels(*joined.view(len(priors), 3, -1, joined.shape[-1]).unbind(1))
        ridges = [prior.ridge for prior in priors]
        self.ridge: Tensor | None = None
        if ridges[0] is not None:
            self.exponents = ridges[0].exponents
            self.ridge = torch.stack(
                [
                    _scattered(ridge.coefficients.double(), at, len(self.landmarks))
                    for ridge, at in zip(ridges, own, strict=True)
                    if ridge is not None
                ]
            )
            self.shares = torch.tensor(
                [ridge.share for ridge in ridges if ridge is not None], dtype=torch.float64
            )[:, None]

    @property
    def fingerprint(self) -> tuple[int, int] | None:
        """Radius and width of the landmarks' fingerprints; None where there are none."""
        return (self.radius, self.landmarks.shape[1]) if self.landmarks.size else None

    def similarity(self, counts: npt.NDArray[np.uint8]) -> Float[Tensor, "n j"]:
        """Return the Tanimoto similarity to the landmarks of all targets.

        Args:
            counts: Morgan counts of the compounds, of the radius and width of `fingerprint`.
        """
        return torch.from_numpy(tanimoto(counts, self.landmarks))

    def scores(
        self, embeddings: Float[Tensor, "n d"], similarity: Float[Tensor, "n j"] | None
    ) -> Float[Tensor, "t n"]:
        """Return scores in label units, or probabilities.

        Args:
            embeddings: unscaled.
            similarity: as from `similarity`.
        """
        inputs, features, base = self.scaler(embeddings), None, torch.zeros(())
        if similarity is not None:
            features, base = self._prior(embeddings, similarity.double())
            if self.label_scale.binary:
                base = torch.logit((base * self.scales + self.centres).clamp(*FREQUENCIES))
        said = torch.stack([member(inputs, features) for member in self.members]).mean(0)
        raw = base + said
        return torch.sigmoid(raw) if self.label_scale.binary else raw * self.scales + self.centres

    def _prior(self, embeddings: Tensor, similarity: Tensor) -> tuple[Tensor, Tensor]:
        """Label features [t, n, f] and prior means [t, n]; as `RetrievedPrior.features_and_mean`."""
        features = self.retrieval.for_all(self.collapsed, similarity)
        mean, ridge = self.retrieval.scores(features), None
        if self.ridge is not None:
            ridge = ridge_scores_for_all(self.ridge, self.exponents, similarity)
            mean = mean + self.shares * (ridge - mean)
        features, mean = features.float(), mean.float()
        ridge = None if ridge is None else ridge.float()
        for place, trees in enumerate(self.trees):
            if trees is not None:
                own = None if ridge is None else ridge[place]
                columns = prior_columns(features[place], own, mean[place], embeddings)
                mean[place] = trees.mixed(columns, mean[place])
        return features, mean


class _SplitNetwork:
    """One member's networks of all targets; the first layer reads the embedding, which all share, apart from
    the label features, which differ, so that no input is repeated for each target.
    """

    def __init__(self, own: Sequence[QsarNetwork]) -> None:
        self.activation = own[0].activation
        self.layers = [
            _joined([network.layers[place] for network in own]) for place in range(len(own[0].layers))
        ]
        heads = [network.noise_head for network in own if network.noise_head is not None]
        self.head = _joined(heads) if heads else None

    def __call__(
        self, inputs: Float[Tensor, "n d"], features: Float[Tensor, "t n f"] | None
    ) -> Float[Tensor, "t n"]:
        """Return what the networks say of each compound."""
        activate = functional.selu if self.activation == "selu" else functional.relu
        if self.head is None:
            hidden = _apart(self.layers[0], inputs, features)
        else:
            head = activate(_apart(self.head, inputs, features))
            weight, bias = self.layers[0]
            noised = head.shape[-1]
            hidden = _apart((weight[:, :, noised:], bias), inputs, features)
            hidden = hidden + torch.bmm(head, weight[:, :, :noised].transpose(1, 2))
        for weight, bias in self.layers[1:]:
            hidden = torch.baddbmm(bias[:, None], activate(hidden), weight.transpose(1, 2))
        return hidden.squeeze(-1)


def _apart(
    layer: tuple[Tensor, Tensor], inputs: Float[Tensor, "n d"], features: Float[Tensor, "t n f"] | None
) -> Float[Tensor, "t n o"]:
    """One affine layer of all targets, where the targets share what they read but for the features."""
    weight, bias = layer
    targets, outputs, _ = weight.shape
    width = inputs.shape[1]
    product = inputs @ weight[:, :, :width].reshape(targets * outputs, width).T
    found = product.view(len(inputs), targets, outputs).transpose(0, 1) + bias[:, None]
    if features is not None:
        found = found + torch.bmm(features, weight[:, :, width:].transpose(1, 2))
    return found


def _joined(layers: Sequence[GeneratedLayer]) -> tuple[Tensor, Tensor]:
    """Plain weights [t, out, in] and biases [t, out]."""
    return torch.cat([layer.dense() for layer in layers]), torch.cat([layer.bias for layer in layers])


def _one_table(
    landmarks: Sequence[npt.NDArray[np.uint8]],
) -> tuple[npt.NDArray[np.uint8], list[Tensor]]:
    """The different fingerprints of several tables, and the place of each table's rows among them."""
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


def _sums(collapsed: CollapsedLabels) -> Float[Tensor, "s j"]:
    """The three sums of one target, one below the other."""
    return torch.cat([collapsed.evidence[0], collapsed.first[0], collapsed.second[0]]).double()


def _scattered(values: Float[Tensor, "r i"], places: Tensor, size: int) -> Float[Tensor, "r j"]:
    found = values.new_zeros(len(values), size)
    return found.index_add_(1, places, values)


def _bits(tensor: Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().numpy().tobytes())
