"""One compiled target: a small frozen QSAR model of one protein, and the scores it gives.

Everything expensive has happened when a `TargetModel` exists; scoring is a few matrix products.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from hyperpcm.chem import morgan_counts, standardise_all, tanimoto
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import Encoder, build_encoder
from hyperpcm.errors import ConfigError, IncompatibleModelError, InvalidSmilesError, Rejection
from hyperpcm.nn.kernel_ridge import ridge_scores
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, qsar_scores
from hyperpcm.nn.retrieval import CollapsedLabels, LabelRetrieval
from hyperpcm.nn.scaling import Standardiser

__all__ = ["CompiledRidge", "LabelScale", "RetrievedPrior", "Scores", "TargetModel"]

_BLOCK = 512  # compounds per matrix product; fixed, so that a score does not depend on its neighbours


@dataclass(frozen=True)
class Scores:
    """What a target model says about a list of compounds.

    Attributes:
        values: float32 [n]; in the quantity's unit, or the probability of being active for a binary
            quantity; NaN where the row was rejected.
        quantity: what the values mean.
        smiles: the standardised structure that was scored, None where rejected.
        rejections: the rows that could not be scored, with reasons.
    """

    values: npt.NDArray[np.float32]
    quantity: Quantity
    smiles: tuple[str | None, ...]
    rejections: tuple[Rejection, ...]

    def __len__(self) -> int:
        return len(self.values)

    def order(self) -> npt.NDArray[np.int64]:
        """Return row numbers, best score first; ties in order of rows; rejected rows never rank."""
        rows = np.flatnonzero(~np.isnan(self.values))
        return rows[np.argsort(-self.values[rows], kind="stable")]


@dataclass(frozen=True)
class LabelScale:
    """How scaled scores become labels: value = centre + scale · score, or a probability.

    Attributes:
        centre: mean of the training labels.
        scale: their standard deviation.
        binary: scores are logits, and what comes out is a probability.
    """

    centre: float
    scale: float
    binary: bool = False

    def to_labels(self, scores: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return scores in label units, or probabilities."""
        return torch.sigmoid(scores) if self.binary else scores * self.scale + self.centre

    def to_scaled(self, values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return labels as the label memory holds them (classes are centred, not turned into logits)."""
        return (values - self.centre) / self.scale

    def prior(self, retrieved: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Return the retrieved mean as a score: as it is, or as the logit of a class frequency."""
        if not self.binary:
            return retrieved
        return torch.logit((retrieved * self.scale + self.centre).clamp(0.01, 0.99))


@dataclass(frozen=True)
class CompiledRidge:
    """The ridge regression of the memory's labels as one target sees it: a linear model over landmarks.

    Attributes:
        coefficients: β [k, j], one row per part of the kernel.
        exponents: of the compounds' similarity, one per part.
        share: of it in the prior; the rest is the retrieved mean.
    """

    coefficients: Float[Tensor, "k j"]
    exponents: Float[Tensor, "k"]
    share: float


@dataclass(frozen=True)
class RetrievedPrior:
    """The labels of the memory as one target sees them.

    Attributes:
        retrieval: the fitted kernel.
        collapsed: the memory summed over its targets (one target: t = 1).
        landmarks: Morgan counts of the compounds that were measured on known targets.
        radius: of those fingerprints.
        ridge: what is mixed into the retrieved mean; None: nothing.
    """

    retrieval: LabelRetrieval
    collapsed: CollapsedLabels
    landmarks: UInt8[np.ndarray, "j w"]
    radius: int
    ridge: CompiledRidge | None = None

    def similarity(self, smiles: Sequence[str]) -> Float[np.ndarray, "n j"]:
        """Return the Tanimoto similarity of standardised SMILES to the landmark compounds."""
        return tanimoto(
            morgan_counts(smiles, radius=self.radius, width=self.landmarks.shape[1]), self.landmarks
        )

    def features_and_mean(
        self, similarity: Float[Tensor, "n j"]
    ) -> tuple[Float[Tensor, "1 n f"], Float[Tensor, "1 n"]]:
        """Return the label features of each compound and its prior mean, in scaled label units."""
        features = self.retrieval(self.collapsed, similarity[None])
        mean = self.retrieval.scores(features)
        if self.ridge is not None:
            ridge = ridge_scores(self.ridge.coefficients[None], self.ridge.exponents, similarity[None])
            mean = mean + self.ridge.share * (ridge - mean)
        return features, mean


@dataclass(frozen=True)
class TargetModel:
    """A frozen QSAR model of one protein, with everything that scoring a SMILES needs.

    Attributes:
        name: of the target, as the user gave it.
        sequence: of the target.
        quantity: what its scores mean.
        encoder: turns standardised SMILES into embeddings.
        networks: the generated networks of all members, plain weights, t = 1; scores are averaged.
        compound_scaler: standardises embeddings.
        label_scale: turns raw scores into labels.
        prior: what is retrieved from the memory's labels; None where the model has no label retrieval.
        provenance: where the model comes from (JSON values).
    """

    name: str
    sequence: str
    quantity: Quantity
    encoder: Encoder
    networks: tuple[QsarNetwork, ...]
    compound_scaler: Standardiser
    label_scale: LabelScale
    prior: RetrievedPrior | None = None
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def score(
        self,
        smiles: Sequence[object],
        *,
        strict: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Scores:
        """Score compounds given as SMILES.

        A row that cannot be used gets NaN and a `Rejection`. Two calls give equal numbers, whatever else
        is in the list.

        Args:
            smiles: one per row.
            strict: raise at the first row that cannot be used.
            progress: is called with the number of rows done.

        Raises:
            InvalidSmilesError: a row cannot be used and ``strict`` is set.
        """
        if isinstance(smiles, str):
            raise TypeError("score takes a list of SMILES, not one string; write score([smiles]).")
        compounds, rejections = standardise_all(smiles)
        if strict and rejections:
            first = rejections[0]
            raise InvalidSmilesError(first.code, f"row {first.row}, {first.text!r}: {first.reason}")
        structures = [None if compound is None else compound.smiles for compound in compounds]
        rows = [row for row, structure in enumerate(structures) if structure is not None]
        values = np.full(len(structures), np.nan, dtype=np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            values[block] = self._score_block([structures[row] or "" for row in block])
            if progress is not None:
                progress(start + len(block))
        return Scores(values, self.quantity, tuple(structures), tuple(rejections))

    def _score_block(self, smiles: list[str]) -> npt.NDArray[np.float32]:
        embeddings = torch.from_numpy(self.encoder.encode(smiles))
        similarity = None if self.prior is None else torch.from_numpy(self.prior.similarity(smiles))
        return self.score_embedded(embeddings, similarity).numpy()

    @torch.no_grad()
    def score_embedded(
        self, embeddings: Float[Tensor, "n d"], similarity: Float[Tensor, "n j"] | None = None
    ) -> Float[Tensor, "n"]:
        """Score compounds whose embeddings are at hand.

        Args:
            embeddings: as from ``encoder``, unscaled.
            similarity: Tanimoto similarity to the landmarks, where the model retrieves labels.

        Returns:
            Scores in label units, or probabilities.
        """
        blocks = [
            self._score_padded(
                embeddings[start : start + _BLOCK],
                None if similarity is None else similarity[start : start + _BLOCK],
            )
            for start in range(0, len(embeddings), _BLOCK)
        ]
        return torch.cat(blocks) if blocks else embeddings.new_zeros(0)

    def _score_padded(self, embeddings: Tensor, similarity: Tensor | None) -> Tensor:
        n, missing = len(embeddings), _BLOCK - len(embeddings)
        if missing:
            embeddings = torch.cat([embeddings, embeddings.new_zeros(missing, embeddings.shape[1])])
            if similarity is not None:
                similarity = torch.cat([similarity, similarity.new_zeros(missing, similarity.shape[1])])
        inputs = self.compound_scaler(embeddings)[None]
        base: Tensor | float = 0.0
        if self.prior is not None and similarity is not None:
            retrieved, mean = self.prior.features_and_mean(similarity)
            inputs = torch.cat([inputs, retrieved], dim=-1)
            base = self.label_scale.prior(mean)
        total = torch.stack([qsar_scores(network, inputs) for network in self.networks]).mean(0)
        return self.label_scale.to_labels(base + total)[0, :n]

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds the model."""
        tensors = {"scaler.mean": self.compound_scaler.mean, "scaler.scale": self.compound_scaler.scale}
        for number, network in enumerate(self.networks):
            for position, layer in enumerate(_stored_layers(network)):
                tensors[f"network{number}.{position}.weight"] = layer.dense()[0].clone()
                tensors[f"network{number}.{position}.bias"] = layer.bias[0].clone()
        header: dict[str, Any] = {
            "name": self.name,
            "sequence": self.sequence,
            "quantity": dataclasses.asdict(self.quantity),
            "encoder": self.encoder.spec(),
            "label_scale": dataclasses.asdict(self.label_scale),
            "clip": self.compound_scaler.clip,
            "networks": len(self.networks),
            "layers": len(_stored_layers(self.networks[0])),
            "noise_head": self.networks[0].noise_head is not None,
            "activation": self.networks[0].activation,
            "prior": None,
            "provenance": dict(self.provenance),
        }
        if self.prior is not None:
            collapsed = self.prior.collapsed
            tensors |= {f"prior.{key}": value for key, value in self.prior.retrieval.state_dict().items()}
            tensors["prior.sums"] = torch.stack([collapsed.evidence, collapsed.first, collapsed.second])
            tensors["prior.landmarks"] = torch.from_numpy(np.packbits(self.prior.landmarks > 0, axis=1))
            header["prior"] = {
                "radius": self.prior.radius,
                "width": self.prior.landmarks.shape[1],
                "ridge_share": None if self.prior.ridge is None else self.prior.ridge.share,
            }
            if self.prior.ridge is not None:
                tensors["prior.ridge.coefficients"] = self.prior.ridge.coefficients
                tensors["prior.ridge.exponents"] = self.prior.ridge.exponents
        return tensors, header

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> TargetModel:
        """Return the model that `state` described.

        Raises:
            IncompatibleModelError: its compound encoder is not available in this version.
        """
        try:
            encoder = build_encoder(header["encoder"])
        except ConfigError as error:
            raise IncompatibleModelError(
                f"this target model needs an encoder that is not here: {error}"
            ) from None
        scaler = Standardiser(len(tensors["scaler.mean"]), clip=header["clip"])
        scaler.load_state_dict({"mean": tensors["scaler.mean"], "scale": tensors["scaler.scale"]})
        return cls(
            name=header["name"],
            sequence=header["sequence"],
            quantity=Quantity(**header["quantity"]),
            encoder=encoder,
            networks=tuple(_network(tensors, header, number) for number in range(header["networks"])),
            compound_scaler=scaler,
            label_scale=LabelScale(**header["label_scale"]),
            prior=None if header["prior"] is None else _prior(tensors, header["prior"]),
            provenance=header["provenance"],
        )


def _stored_layers(network: QsarNetwork) -> tuple[GeneratedLayer, ...]:
    return network.layers if network.noise_head is None else (network.noise_head, *network.layers)


def _network(tensors: Mapping[str, Tensor], header: Mapping[str, Any], number: int) -> QsarNetwork:
    layers = [
        GeneratedLayer(
            bias=tensors[f"network{number}.{position}.bias"][None],
            delta=tensors[f"network{number}.{position}.weight"][None],
        )
        for position in range(header["layers"])
    ]
    head = layers.pop(0) if header["noise_head"] else None
    return QsarNetwork(layers=tuple(layers), noise_head=head, activation=header["activation"])


def _prior(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> RetrievedPrior:
    exponents = tensors["prior.target_exponent"]
    retrieval = LabelRetrieval((0.0,) * len(exponents), (0.0,) * len(exponents))
    retrieval.load_state_dict({key: tensors[f"prior.{key}"] for key in retrieval.state_dict()})
    retrieval.requires_grad_(False)
    bits = np.unpackbits(tensors["prior.landmarks"].numpy(), axis=1, count=header["width"])
    ridge = None
    if header["ridge_share"] is not None:
        coefficients, exponents = (tensors[f"prior.ridge.{key}"] for key in ("coefficients", "exponents"))
        ridge = CompiledRidge(coefficients, exponents, float(header["ridge_share"]))
    collapsed = CollapsedLabels(*tensors["prior.sums"].unbind(0))
    return RetrievedPrior(retrieval, collapsed, bits, header["radius"], ridge)
