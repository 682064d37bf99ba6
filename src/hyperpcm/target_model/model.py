"""The frozen model of one protein and the scores it gives.

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
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import Encoder, build_encoder
from hyperpcm.encoders.licences import licences_of
from hyperpcm.errors import ConfigError, IncompatibleModelError
from hyperpcm.nn.learned_compounds import LearnedCompounds
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, qsar_scores
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.target_model.adaptation import Adaptation, Corrected
from hyperpcm.target_model.calibration import Calibration, difficulty_columns
from hyperpcm.target_model.label_scale import LabelScale
from hyperpcm.target_model.measurement import Measurement
from hyperpcm.target_model.nearest import NearestLandmark, nearest_landmarks
from hyperpcm.target_model.parts import add_part, tensors_of
from hyperpcm.target_model.prior import RetrievedPrior
from hyperpcm.target_model.residual_prior import ResidualPrior
from hyperpcm.target_model.scores import BLOCK, LEVEL, Scores, score_rows
from hyperpcm.target_model.verdicts import nearest_known, scored_intervals

__all__ = ["TargetModel", "padded"]


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
        learned_compounds: the compound encoder that was trained along; None where there is none.
        calibration: how far its scores may be off; None where the model was not calibrated.
        residual_prior: what measurements start from; None where nothing was learned of that.
        adaptation: what measurements on the target change; None: none were seen.
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
    learned_compounds: LearnedCompounds | None = None
    calibration: Calibration | None = None
    residual_prior: ResidualPrior | None = None
    adaptation: Adaptation | None = None
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def licences(self) -> dict[str, str]:
        """The licences of all encoders that it was made with, by name; that of the target's among them."""
        card = self.provenance.get("model", {})
        return {**licences_of(self.encoder), **card.get("licences", {})}

    def score(
        self,
        smiles: Sequence[object],
        *,
        level: float = LEVEL,
        strict: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Scores:
        """Score compounds given as SMILES.

        A row that cannot be used gets NaN and a `Rejection`. Two calls give equal numbers, whatever else
        is in the list.

        Args:
            smiles: one per row.
            level: share of the labels that the intervals hold, in hundredths; where the model has intervals.
            strict: raise at the first row that cannot be used.
            progress: is called with the number of rows done.

        Raises:
            InvalidSmilesError: a row cannot be used and ``strict`` is set.
            ConfigError: there are no intervals of this level.
        """
        nothing = np.zeros(0, dtype=np.float32)
        calibration, difficulties, nearest = self.calibration, [nothing], [nothing]
        if calibration is not None:
            calibration.half_widths(nothing, level)  # refuses a level before the work

        def score_block(block: list[str]) -> npt.NDArray[np.float32]:
            values, difficulty, near = self._assessed_block(block)
            if difficulty is not None:
                difficulties.append(difficulty.numpy())
                nearest.append(near)
            return values.numpy()

        scores = score_rows(smiles, self.quantity, score_block, strict=strict, progress=progress)
        if calibration is None:
            return scores
        difficulty, closest = np.full((2, len(scores)), np.nan, dtype=np.float32)
        is_scored = [structure is not None for structure in scores.smiles]
        difficulty[is_scored], closest[is_scored] = np.concatenate(difficulties), np.concatenate(nearest)
        told = (self.prior, self.adaptation, scores.smiles, scores.values)
        found = scored_intervals(calibration, *told, difficulty=difficulty, nearest=closest, level=level)
        return dataclasses.replace(scores, intervals=found)

    def _assessed_block(self, smiles: list[str]) -> tuple[Tensor, Tensor | None, npt.NDArray[np.float32]]:
        """Scores, difficulties, and how near the nearest known or measured compound is; 1 without any."""
        embeddings = torch.from_numpy(self.encoder.encode(smiles))
        similarity = None if self.prior is None else torch.from_numpy(self.prior.similarity(smiles))
        learned = None
        if self.learned_compounds is not None:
            learned = self.learned_compounds.vectors(MolecularGraphs.of_smiles(smiles))
        measured = None if self.adaptation is None else torch.from_numpy(self.adaptation.similarity(smiles))
        nearest = nearest_known(len(smiles), similarity, measured)
        return *self.assess_embedded(embeddings, similarity, learned, measured), nearest

    @torch.no_grad()
    def score_embedded(
        self,
        embeddings: Float[Tensor, "n d"],
        similarity: Float[Tensor, "n j"] | None = None,
        learned: Float[Tensor, "n h"] | None = None,
        measured: Float[Tensor, "n z"] | None = None,
    ) -> Float[Tensor, "n"]:
        """Score compounds whose embeddings are at hand.

        Args:
            embeddings: as from ``encoder``, unscaled.
            similarity: Tanimoto similarity to the landmarks, where the model retrieves labels.
            learned: as from ``learned_compounds.vectors``, where the model has it.
            measured: as from ``adaptation.similarity``, where the target was adapted.

        Returns:
            Scores in label units, or probabilities.

        Raises:
            ValueError: the model reads the graphs of compounds, and ``learned`` is missing; or the target was
                adapted, and ``measured`` is.
        """
        return self._embedded(embeddings, similarity, learned, measured, None)[0]

    @torch.no_grad()
    def assess_embedded(
        self,
        embeddings: Float[Tensor, "n d"],
        similarity: Float[Tensor, "n j"] | None = None,
        learned: Float[Tensor, "n h"] | None = None,
        measured: Float[Tensor, "n z"] | None = None,
    ) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"] | None]:
        """Score compounds and tell how hard each looks; arguments as for `score_embedded`.

        Returns:
            Scores, and the absolute error to be expected of each, both in label units; None in place of the
            errors where the model was not calibrated.

        Raises:
            ValueError: as `score_embedded`.
        """
        return self._embedded(embeddings, similarity, learned, measured, self.calibration)

    def _embedded(
        self,
        embeddings: Tensor,
        similarity: Tensor | None,
        learned: Tensor | None,
        measured: Tensor | None,
        calibration: Calibration | None,
    ) -> tuple[Tensor, Tensor | None]:
        if self.adaptation is not None and measured is None:
            raise ValueError("this target model was adapted: it reads how like measured compounds are.")
        if self.learned_compounds is not None and learned is None:
            raise ValueError("this target model reads the graphs of compounds too; use score(smiles).")
        values, difficulties = [embeddings.new_zeros(0)], [embeddings.new_zeros(0)]
        for start in range(0, len(embeddings), BLOCK):
            own = padded(embeddings, start)
            near, vectors, to_anchors = (
                None if part is None else padded(part, start) for part in (similarity, learned, measured)
            )
            retrieved = self.retrieved(own, near)
            scored = self.block_scores(own, retrieved, vectors)
            found: Corrected | None = None
            if self.adaptation is not None and to_anchors is not None:
                known = None if near is None else near.numpy()
                found = self.adaptation.corrected(scored.numpy(), known, to_anchors.numpy())
                scored = torch.from_numpy(found.values).float()
            values.append(scored)
            if calibration is not None:
                features = None if retrieved is None else retrieved[0]
                columns = _difficulty_columns(features, near, len(own))
                hard = calibration.difficulty(columns)
                if found is not None:
                    hard = torch.from_numpy(found.difficulty(hard.numpy(), calibration.usual_quantile))
                difficulties.append(hard.float())
        scores = torch.cat(values)[: len(embeddings)]
        return scores, None if calibration is None else torch.cat(difficulties)[: len(embeddings)]

    def retrieved(
        self, embeddings: Float[Tensor, "n d"], similarity: Float[Tensor, "n j"] | None
    ) -> tuple[Float[Tensor, "1 n f"], Float[Tensor, "1 n"]] | None:
        """Return what the prior says of some compounds; None where the target retrieves nothing."""
        if self.prior is None or similarity is None:
            return None
        return self.prior.features_and_mean(similarity, embeddings)

    def block_scores(
        self,
        embeddings: Float[Tensor, "n d"],
        retrieved: tuple[Float[Tensor, "1 n f"], Float[Tensor, "1 n"]] | None,
        learned: Float[Tensor, "n h"] | None,
    ) -> Float[Tensor, "n"]:
        """Return the scores of one block of compounds, from what is retrieved; without any adaptation."""
        inputs = self.compound_scaler(embeddings)[None]
        if self.learned_compounds is not None and learned is not None:
            inputs = self.learned_compounds(inputs, learned[None])
        base: Tensor | float = 0.0
        if retrieved is not None:
            features, mean = retrieved
            inputs = torch.cat([inputs, features], dim=-1)
            base = self.label_scale.prior(mean)
        total = torch.stack([qsar_scores(network, inputs) for network in self.networks]).mean(0)
        return self.label_scale.to_labels(base + total)[0]

    def adapt(self, measurements: Sequence[Measurement]) -> TargetModel:
        """Return the target with measurements added to those that it has seen; see `adapting.adapted`."""
        from hyperpcm.target_model.adapting import adapted

        return adapted(self, measurements)

    def nearest_landmarks(self, smiles: Sequence[object]) -> tuple[NearestLandmark | None, ...]:
        """Return the landmark compound nearest to each compound: what a score can rest on.

        Landmarks are the training compounds that the target keeps: all of them unless it was compiled with a
        limit or a tolerance, or ``model.retrieval.max_landmarks`` is below their number.

        Args:
            smiles: one per row.

        Returns:
            The nearest by Tanimoto similarity of the target's fingerprint; None for a row that cannot be
            used, and everywhere where the model retrieves no labels or an older version wrote the file.
        """
        return nearest_landmarks(self.prior, smiles)

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
        parts = {
            "prior": self.prior,
            "calibration": self.calibration,
            "residuals": self.residual_prior,
            "adaptation": self.adaptation,
        }
        for name, part in parts.items():
            add_part(name, part, tensors, header)
        if self.learned_compounds is not None:
            learned = self.learned_compounds
            tensors |= {f"compounds.{key}": value for key, value in learned.state_dict().items()}
            header["learned_compounds"] = {
                "width": learned.messages.width,
                "depth": learned.messages.depth,
                "beside": learned.beside,
            }
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
        residual_prior = adaptation = None
        if "residuals" in header:
            residual_prior = ResidualPrior.from_state(tensors_of("residuals", tensors), header["residuals"])
        if "adaptation" in header and residual_prior is not None:
            own = tensors_of("adaptation", tensors)
            adaptation = Adaptation.from_state(own, header["adaptation"], residual_prior)
        return cls(
            name=header["name"],
            sequence=header["sequence"],
            quantity=Quantity(**header["quantity"]),
            encoder=encoder,
            networks=tuple(_network(tensors, header, number) for number in range(header["networks"])),
            compound_scaler=scaler,
            label_scale=LabelScale(**header["label_scale"]),
            prior=None if header["prior"] is None else _prior(tensors, header["prior"]),
            learned_compounds=_learned_compounds(tensors, header.get("learned_compounds")),
            calibration=(
                Calibration.from_state(tensors_of("calibration", tensors), header["calibration"])
                if "calibration" in header
                else None
            ),
            residual_prior=residual_prior,
            adaptation=adaptation,
            provenance=header["provenance"],
        )


def _difficulty_columns(retrieved: Tensor | None, near: Tensor | None, rows: int) -> Tensor:
    """What `Calibration` of one target reads of each compound; the columns of the target are gone."""
    nothing = torch.zeros(rows, 0)
    features = nothing if retrieved is None else retrieved[0]
    nearest = near.amax(-1) if near is not None and near.shape[-1] else torch.zeros(rows)
    return difficulty_columns(features, nearest, nothing[0])


def padded(values: Tensor, start: int) -> Tensor:
    """Return the rows of one block of `BLOCK`, zeros where there are no more."""
    own = values[start : start + BLOCK]
    return functional.pad(own, (0, 0, 0, BLOCK - len(own)))


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
    return RetrievedPrior.from_state(tensors_of("prior", tensors), header)


def _learned_compounds(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any] | None
) -> LearnedCompounds | None:
    if header is None:
        return None
    learned = LearnedCompounds(int(header["width"]), int(header["depth"]), beside=bool(header["beside"]))
    learned.load_state_dict(tensors_of("compounds", tensors))
    return learned.eval().requires_grad_(False)
