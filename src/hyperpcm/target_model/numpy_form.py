"""A target model in plain NumPy: the same numbers, for places where torch is not and need not be.

It is built from what `TargetModel.state` gives, so it knows nothing that a file does not hold. Axis names:
``n`` compounds, ``j`` landmarks, ``d`` embedding width, ``f`` label features. What trees split on is computed
in double precision and rounded once, as there.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.errors import ConfigError, CorruptModelError, IncompatibleModelError
from hyperpcm.target_model.scores import BLOCK, FREQUENCIES, Scores, score_rows

__all__ = [
    "ARRAYS",
    "FORMAT_VERSION",
    "HEADER",
    "LITTLE",
    "RETRIEVAL_FLOOR",
    "RIDGE_FLOOR",
    "SELU",
    "NumpyTargetModel",
]

ARRAYS: Final = "model.npz"
"""Entry of the file that holds the arrays."""

HEADER: Final = "model.json"
"""Entry of the file that holds the header."""

FORMAT_VERSION: Final = 2
"""The newest layout of the file that this version reads, and the one that is written. Older ones are read.

2 may have calibrated probabilities, which readers of 1 would not notice.
"""

Floats = npt.NDArray[np.float32]

RETRIEVAL_FLOOR: Final = 1e-3
"""Similarities below this count as this in what is retrieved, as in `hyperpcm.nn.retrieval`."""

RIDGE_FLOOR: Final = 1e-6
"""Likewise in the ridge regression, as in `hyperpcm.nn.kernel_ridge`."""

LITTLE: Final = 1e-4
"""Evidence so small that it tells nothing, as there."""

SELU: Final = (1.6732632423543772, 1.0507009873554805)
"""α and scale. Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017."""


class NumpyTargetModel:
    """Scores compounds for one target with NumPy and RDKit alone.

    Args:
        arrays: by name, as the tensors of `TargetModel.state`.
        header: as from there.

    Raises:
        IncompatibleModelError: it reads the graphs of compounds, or its encoder is not available.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], header: Mapping[str, Any]) -> None:
        if header.get("learned_compounds") is not None:
            raise IncompatibleModelError(
                "this target model reads the graphs of compounds with a network of its own, which the NumPy "
                "form does not have; score with the compiled target itself."
            )
        try:
            self.encoder = build_encoder(header["encoder"])
        except ConfigError as error:
            raise IncompatibleModelError(
                f"this target model needs an encoder that is not here: {error}"
            ) from None
        self.name: str = header["name"]
        self.sequence: str = header["sequence"]
        self.quantity = Quantity(**header["quantity"])
        self.header, self.arrays = dict(header), dict(arrays)
        self.landmarks: npt.NDArray[np.uint8] | None = None
        if header["prior"] is not None:
            packed = self.arrays["prior.landmarks"]
            self.landmarks = np.unpackbits(packed, axis=1, count=int(header["prior"]["width"]))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the model in a file; reading runs none of the code that the file holds.

        Raises:
            CorruptModelError: it is not such a file, or damaged.
            IncompatibleModelError: it has a newer layout, or an encoder that is not here.
        """
        try:
            with zipfile.ZipFile(path) as file:
                header = json.loads(file.read(HEADER))
                with np.load(io.BytesIO(file.read(ARRAYS)), allow_pickle=False) as stored:
                    arrays = {name: stored[name] for name in stored.files}
            version = header.pop("format_version")
            if version > FORMAT_VERSION:
                raise IncompatibleModelError(
                    f"{path}: the file has layout {version}; here layouts up to {FORMAT_VERSION} are read."
                )
            return cls(arrays, header)
        except (
            zipfile.BadZipFile,
            zlib.error,
            KeyError,
            TypeError,
            ValueError,
            OSError,
            RuntimeError,
        ) as error:
            raise CorruptModelError(
                f"{path}: this is not the NumPy form of a target model, or it is damaged ({error})."
            ) from None

    def about(self) -> dict[str, Any]:
        """Return what the model is, as JSON values: target, quantity, encoder, where it comes from."""
        return {name: self.header[name] for name in ("name", "sequence", "quantity", "encoder", "provenance")}

    def describe_score(self) -> str:
        """Return in words what a score is."""
        if self.quantity.kind == "binary":
            return f"probability of {self.quantity.name}"
        return f"{self.quantity.name} [{self.quantity.unit}]" if self.quantity.unit else self.quantity.name

    def score(
        self,
        smiles: Sequence[object],
        *,
        strict: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Scores:
        """Score compounds given as SMILES; as `TargetModel.score`, to rounding.

        Raises:
            InvalidSmilesError: a row cannot be used and ``strict`` is set.
        """
        return score_rows(smiles, self.quantity, self._score_block, strict=strict, progress=progress)

    def _score_block(self, smiles: list[str]) -> Floats:
        similarity = None
        if self.landmarks is not None:
            radius, width = int(self.header["prior"]["radius"]), int(self.header["prior"]["width"])
            similarity = tanimoto(morgan_counts(smiles, radius=radius, width=width), self.landmarks)
        return self.score_embedded(self.encoder.encode(smiles), similarity)

    def score_embedded(self, embeddings: Floats, similarity: Floats | None = None) -> Floats:
        """Score compounds whose embeddings are at hand.

        Args:
            embeddings: as from ``encoder``, unscaled, float32 [n, d].
            similarity: Tanimoto similarity to the landmarks, float32 [n, j], where there are any.

        Returns:
            Scores in label units, or probabilities, float32 [n].
        """
        scores = np.empty(len(embeddings), dtype=np.float32)
        for start in range(0, len(embeddings), BLOCK):
            own = slice(start, min(start + BLOCK, len(embeddings)))
            near = None if similarity is None else _padded(similarity[own])
            scores[own] = self._scores(_padded(embeddings[own]), near)[: own.stop - start]
        return scores

    def _scores(self, embeddings: Floats, similarity: Floats | None) -> Floats:
        arrays, clip = self.arrays, self.header["clip"]
        inputs = (embeddings - arrays["scaler.mean"]) / arrays["scaler.scale"]
        if clip is not None:
            inputs = np.clip(inputs, -clip, clip)
        scale, base = self.header["label_scale"], np.zeros(len(embeddings), dtype=np.float32)
        if similarity is not None:
            features, mean, ridge = self._retrieved(similarity.astype(np.float64))
            base = self._with_trees(features, mean, ridge, embeddings) + self._contrasted(mean, ridge)
            if scale["binary"]:
                base = _logit(
                    np.clip(base * np.float32(scale["scale"]) + np.float32(scale["centre"]), *FREQUENCIES)
                )
            inputs = np.concatenate([inputs, features], axis=1)
        number = int(self.header["networks"])
        raw = base + sum(self._network(place, inputs) for place in range(number)) / np.float32(number)
        if scale["binary"]:
            return _sigmoid(
                raw * np.float32(scale.get("slope", 1.0)) + np.float32(scale.get("intercept", 0.0))
            )
        return np.asarray(raw * np.float32(scale["scale"]) + np.float32(scale["centre"]), dtype=np.float32)

    def _retrieved(self, similarity: npt.NDArray[np.float64]) -> tuple[Floats, Floats, Floats]:
        """Label features [n, f], prior mean without trees and ridge score [n] (the retrieved mean in its
        place where there is none), in scaled label units; as `hyperpcm.nn.retrieval` and `kernel_ridge`.
        """
        logarithm = np.log(np.clip(similarity, RETRIEVAL_FLOOR, 1))
        fallback = np.exp(self._double("log_fallback"))
        sums, exponents = self._double("sums")[:, 0], self._double("compound_exponent")
        mean, means, spreads, evidences = np.zeros(len(similarity)), [], [], []
        for level, exponent in enumerate(exponents):
            evidence, first, second = (np.exp(exponent * logarithm) @ sums[:, level].T).T
            mean = (first + fallback[level] * mean) / (evidence + fallback[level])
            centre = first / (evidence + LITTLE)
            variance = (second + LITTLE) / (evidence + LITTLE) - centre * centre
            means.append(mean)
            spreads.append(np.sqrt(np.maximum(variance, LITTLE)))
            evidences.append(np.log(evidence + LITTLE))
        ridge, share = mean, self.header["prior"]["ridge_share"]
        if share is not None:
            logarithm = np.log(np.clip(similarity, RIDGE_FLOOR, 1))
            parts = zip(self._double("ridge.exponents"), self._double("ridge.coefficients"), strict=True)
            ridge = np.sum([np.exp(exponent * logarithm) @ beta for exponent, beta in parts], axis=0)
            mean = mean + share * (ridge - mean)
        features = np.stack([*means, *spreads, *evidences], axis=1)
        return features.astype(np.float32), mean.astype(np.float32), ridge.astype(np.float32)

    def _double(self, name: str) -> npt.NDArray[np.float64]:
        values: npt.NDArray[np.float64] = self.arrays[f"prior.{name}"].astype(np.float64)
        return values

    def _with_trees(self, features: Floats, mean: Floats, ridge: Floats, embeddings: Floats) -> Floats:
        """The prior mean with the trees mixed in, float32 [n]; as `hyperpcm.target_model.prior`."""
        held = self.header["prior"]["trees"]
        if held is None:
            return mean
        columns = np.concatenate([features, np.stack([ridge, mean], axis=1), embeddings], axis=1)
        said = np.float32(held["carry"]) * mean + self._trees(columns)
        return np.asarray(mean + np.float32(held["share"]) * (said - mean), dtype=np.float32)

    def _contrasted(self, mean: Floats, ridge: Floats) -> Floats:
        """What the contrast of the regression adds, float32 [n]; as `hyperpcm.target_model.prior`."""
        held = self.header["prior"]
        contrast, level = (np.float32(held.get(f"ridge_{key}", 0.0)) for key in ("contrast", "level"))
        return np.asarray(contrast * (ridge - mean - level), dtype=np.float32)

    def _trees(self, columns: Floats) -> Floats:
        """The sum of the boosted trees for each row; as `hyperpcm.nn.trees`."""
        column, threshold, left, right, roots, depths = (
            self.arrays[f"prior.trees.{name}"]
            for name in ("column", "threshold", "left", "right", "roots", "depths")
        )
        if not len(roots):
            return np.zeros(len(columns), dtype=np.float32)
        at = np.tile(roots, (len(columns), 1))
        rows = np.arange(len(columns))[:, None]
        for step in range(int(depths[0])):
            going = int((depths > step).sum())
            node = at[:, :going]
            goes_left = columns[rows, np.maximum(column[node], 0)] <= threshold[node]
            at[:, :going] = np.where(goes_left, left[node], right[node])
        return np.asarray(threshold[at].sum(1), dtype=np.float32)

    def _network(self, place: int, inputs: Floats) -> Floats:
        """What one generated network says, float32 [n]; as `hyperpcm.nn.qsar`."""

        def layer(position: int, values: Floats) -> Floats:
            weight = self.arrays[f"network{place}.{position}.weight"]
            product: Floats = values @ weight.T + self.arrays[f"network{place}.{position}.bias"]
            return product

        activate = _selu if self.header["activation"] == "selu" else _relu
        first, hidden = 0, inputs
        if self.header["noise_head"]:
            first, hidden = 1, np.concatenate([activate(layer(0, inputs)), inputs], axis=1)
        last = int(self.header["layers"]) - 1
        for position in range(first, last):
            hidden = activate(layer(position, hidden))
        return layer(last, hidden)[:, 0]


def _padded(values: Floats) -> Floats:
    """The rows of one block, zeros where there are no more."""
    return np.concatenate([values, np.zeros((BLOCK - len(values), values.shape[1]), dtype=np.float32)])


def _relu(values: Floats) -> Floats:
    return np.maximum(values, np.float32(0))


def _selu(values: Floats) -> Floats:
    alpha, scale = (np.float32(number) for number in SELU)
    negative = alpha * np.expm1(np.minimum(values, np.float32(0)))
    return np.asarray(scale * np.where(values > 0, values, negative), dtype=np.float32)


def _logit(values: Floats) -> Floats:
    return np.asarray(np.log(values / (1 - values)), dtype=np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), dtype=np.float32)
