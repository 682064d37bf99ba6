"""HyperPCM: scalers, context memory and hypernetworks; from a protein sequence to a target model.

    sequence ─ encoders ▶ embedding ─ context (memory) ▶ hypernetwork ▶ QSAR network ─▶ TargetModel
                  └─ alignment to the memory ─ labels, ridge, boosted trees ▶ prior ─────┘

Tensors only in `forward`; identifiers and encoders are used by `compile_target` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from hyperpcm.config import ModelConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import Encoder, target_encoder
from hyperpcm.encoders.licences import licences_of
from hyperpcm.model.compiling import compile_target
from hyperpcm.model.known_compounds import KnownCompounds
from hyperpcm.model.member import Member
from hyperpcm.model.memory import ContextMemory
from hyperpcm.model.overlaid import Overlaid
from hyperpcm.model.overlay import Overlay
from hyperpcm.model.sizes import ModelSizes
from hyperpcm.model.stored import model_state, stored_model
from hyperpcm.nn.alignment import AlignmentComponents
from hyperpcm.nn.kernel_ridge import TwoAxisRidge
from hyperpcm.nn.label_memory import LabelMemory
from hyperpcm.nn.learned_compounds import LearnedCompounds
from hyperpcm.nn.molecular_graphs import PlacedGraphs
from hyperpcm.nn.qsar import QsarNetwork, QsarRegularisation, qsar_scores
from hyperpcm.nn.retrieval import LabelRetrieval
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model import Calibration, LabelScale, ResidualPrior, TargetModel

__all__ = ["HyperPCM"]

_CLIP = 8.0  # standard deviations; an embedding entry further out counts as this far
RIDGE_PARTS = 4  # products in the kernel of the ridge regression
_DENSE_MEMORY = 20_000_000  # a label memory with more cells than this is kept sparse


class HyperPCM(nn.Module):
    """Predicts interactions of compounds with targets, seen or unseen.

    Args:
        config: the architecture.
        quantity: what labels mean.
        memory: the known targets; becomes buffers, so that a checkpoint predicts with no data at hand.
        compound_encoder: for compounds.
        target_encoder: for targets.
        radius: of the fingerprints in which Tanimoto similarity is measured.
        sizes: that were settled before, where the memory may be smaller now; None: as the settings ask.

    Source: Svensson, Hoedt, Hochreiter, Klambauer, "HyperPCM", J. Chem. Inf. Model. 2024, 64, 2539.
    """

    def __init__(
        self,
        config: ModelConfig,
        quantity: Quantity,
        memory: ContextMemory,
        compound_encoder: Encoder,
        target_encoder: Encoder,
        radius: int = 2,
        sizes: ModelSizes | None = None,
    ) -> None:
        super().__init__()
        self.config, self.quantity, self.radius = config, quantity, radius
        self.compound_encoder, self.target_encoder = compound_encoder, target_encoder
        self.memory_sequences, self.memory_names = memory.sequences, memory.names
        self.landmark_compounds = memory.compounds
        self.card: dict[str, Any] = {"licences": licences_of(compound_encoder, target_encoder)}
        self.known: KnownCompounds | None = None  # prepared when the first target is compiled
        self.calibration: Calibration | None = None  # of its errors, once it is trained
        self.overlaid: Overlaid | None = None  # what was laid over the memory since it was trained
        self.logit_map = (1.0, 0.0)  # slope and intercept of calibrated logits, likewise
        self.ridge_contrast = (0.0, 0.0)  # of the regression, on new targets, on those learned from
        self.residual_prior: ResidualPrior | None = None  # what measurements on a target start from
        self.origin = ""  # sha256 of the document of the file it was read from; compiled targets name it
        self.memory_similarity: Tensor | None = None  # of its targets to one another, once that was needed
        sizes = sizes or ModelSizes.of(config, memory)
        target_width = target_encoder.width + sizes.components
        self.target_scaler = Standardiser(target_width, clip=_CLIP)
        self.compound_scaler = Standardiser(compound_encoder.width, clip=_CLIP)
        self.label_scaler = Standardiser(1)
        retrieval = config.retrieval
        self.retrieval = (
            LabelRetrieval(retrieval.target_exponents, retrieval.compound_exponents, retrieval.fallback)
            if retrieval.enabled
            else None
        )
        inputs = compound_encoder.width
        self.learned_compounds: LearnedCompounds | None = None
        if config.compound.learned == "dmpnn":
            own = config.compound
            self.learned_compounds = LearnedCompounds(own.width, own.depth, own.dropout, beside=own.beside)
            inputs = self.learned_compounds.inputs(inputs)
        inputs += 0 if self.retrieval is None else self.retrieval.width
        self.register_buffer("correction", torch.ones(2))  # on new targets, on those learned from
        self.register_buffer("ridge_share", torch.zeros(()))
        self.ridge = (
            TwoAxisRidge(RIDGE_PARTS, len(memory.sequences), sizes.ridge_landmarks)
            if retrieval.enabled and retrieval.ridge
            else None
        )
        self.register_buffer("ridge_columns", torch.arange(sizes.ridge_landmarks, dtype=torch.int32))
        self.trees = BoostedTrees()
        self.register_buffer("trees_share", torch.zeros(()))
        self.register_buffer("trees_carry", torch.zeros(()))
        self.members = nn.ModuleList(Member(config, target_width, inputs) for _ in range(config.members))
        self._register_memory(memory, sizes.components)

    def _register_memory(self, memory: ContextMemory, components: int) -> None:
        self.alignment = AlignmentComponents(len(memory.sequences), components)
        if memory.similarity is not None:
            self.alignment.fit(torch.from_numpy(memory.similarity))
        buffers = {
            "memory_embeddings": torch.from_numpy(memory.embeddings.copy()),
            "memory_rows": torch.from_numpy(memory.rows.astype(np.int32)),
            "memory_columns": torch.from_numpy(memory.columns.astype(np.int32)),
            "memory_values": torch.from_numpy(memory.values.copy()),
            "landmarks": torch.from_numpy(memory.packed_landmarks()),
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor)
        self.landmark_width = memory.width

    correction: Tensor
    ridge_share: Tensor
    ridge_columns: Tensor
    trees_share: Tensor
    trees_carry: Tensor
    memory_embeddings: Tensor
    memory_rows: Tensor
    memory_columns: Tensor
    memory_values: Tensor
    landmarks: Tensor

    @cached_property
    def aligner(self) -> Encoder:
        """What aligns targets to the memory; it keeps the memory's own scores for the next target."""
        return target_encoder("alignment", references=self.memory_sequences)

    @property
    def trained_on(self) -> str:
        """What the data are called that it was trained on."""
        return str(self.card.get("data") or "training data")

    @property
    def overlays(self) -> tuple[Overlay, ...]:
        """What was laid over the memory since the model was trained, in its order."""
        return () if self.overlaid is None else self.overlaid.overlays

    def learned_from(self, sequence: str) -> bool:
        """Whether labels of this target were learned from, and not laid over the memory after training.

        Shares of networks and of the contrast of the ridge regression are of targets that were, or were not.

        Args:
            sequence: validated.
        """
        rows = len(self.memory_sequences) if self.overlaid is None else self.overlaid.targets
        return sequence in self.memory_sequences[:rows]

    @property
    def label_scale(self) -> LabelScale:
        """How scaled scores become labels."""
        return LabelScale(
            float(self.label_scaler.mean),
            float(self.label_scaler.scale),
            self.quantity.kind == "binary",
            *self.logit_map,
        )

    def fit_scalers(self, compounds: Float[Tensor, "n_compounds d_c"], labels: Float[Tensor, "n"]) -> None:
        """Fit all scalers on the training side; labels of classes are centred but not scaled.

        Targets are scaled by the memory, which is the training targets.

        Args:
            compounds: embeddings of the training compounds.
            labels: point labels of the training interactions.
        """
        self.target_scaler.fit(torch.cat([self.memory_embeddings, self.alignment.memory], dim=-1))
        if self.config.qsar.standardise:
            self.compound_scaler.fit(compounds)
        self.label_scaler.fit(labels[:, None])
        if not self.config.scale_labels or self.quantity.kind == "binary":
            self.label_scaler.scale.fill_(1.0)
        if self.config.label_centre is not None:
            self.label_scaler.mean.fill_(self.config.label_centre)

    def label_memory(self) -> LabelMemory:
        """Return the memory's labels, scaled; a pair that was measured several times counts with its mean."""
        return LabelMemory.of(
            self.memory_rows.long(),
            self.memory_columns.long(),
            self.label_scale.to_scaled(self.memory_values),
            (len(self.memory_sequences), len(self.landmark_compounds)),
            most_cells=_DENSE_MEMORY,
        )

    def prior_mean(
        self, retrieved: Float[Tensor, "*n f"], ridge: Float[Tensor, "*n"] | None = None
    ) -> Float[Tensor, "*n"]:
        """Return retrieved mean and ridge score mixed, in scaled label units; the trees are added to this.

        Args:
            retrieved: label features.
            ridge: scores of the ridge regression; None leaves it out.
        """
        if self.retrieval is None:
            raise ValueError("this model retrieves no labels (model.retrieval.enabled = false)")
        mean = self.retrieval.scores(retrieved)
        return mean if ridge is None else mean + self.ridge_share * (ridge - mean)

    def described(
        self, targets: Float[Tensor, "t d_t"], similarity: Float[Tensor, "t m"] | None = None
    ) -> Float[Tensor, "t d"]:
        """Return embeddings and principal components of the alignment, standardised on the memory."""
        raw = torch.cat([targets, self.alignment(targets, similarity)], dim=-1)
        described: Tensor = self.target_scaler(raw)
        return described

    def generate(
        self,
        targets: Float[Tensor, "t d_t"],
        similarity: Float[Tensor, "t m"] | None = None,
        allowed: Bool[Tensor, "t m"] | None = None,
    ) -> tuple[QsarNetwork, ...]:
        """Return the QSAR networks of each target, one per member: prepare once, score many times.

        Args:
            targets: unscaled embeddings.
            similarity: alignment similarity to the memory rows.
            allowed: False where a target must not see a memory row (its own, in training).
        """
        scaled, memory, logarithm = self.beside_memory(targets, similarity)
        return tuple(member(scaled, memory, allowed, logarithm) for member in self.members)

    def attention(
        self, targets: Float[Tensor, "t d_t"], similarity: Float[Tensor, "t m"] | None = None
    ) -> Float[Tensor, "k t h m"] | None:
        """Return the weights of the memory rows in each head of each member's context module.

        Args:
            targets: unscaled embeddings.
            similarity: alignment similarity to the memory rows.

        Returns:
            Weights that sum to 1 over the memory rows; None where the model has no context module.
        """
        scaled, memory, logarithm = self.beside_memory(targets, similarity)
        found = []
        for member in self.members:
            if isinstance(member, Member) and member.context is not None:
                found.append(member.context.attention(scaled, memory, None, logarithm))
        return torch.stack(found) if found else None

    def beside_memory(
        self, targets: Float[Tensor, "t d_t"], similarity: Float[Tensor, "t m"] | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return what members read: scaled targets, memory rows, and the logarithm of their similarity."""
        memory = self.target_scaler(torch.cat([self.memory_embeddings, self.alignment.memory], dim=-1))
        logarithm = None if similarity is None else similarity.clamp(1e-3, 1.0).log()
        return self.described(targets, similarity), memory, logarithm

    def forward(
        self,
        targets: Float[Tensor, "t d_t"],
        compounds: Float[Tensor, "t c d_c"],
        retrieved: Float[Tensor, "t c f"] | None = None,
        similarity: Float[Tensor, "t m"] | None = None,
        allowed: Bool[Tensor, "t m"] | None = None,
        prior: Float[Tensor, "t c"] | None = None,
        learned: PlacedGraphs | Float[Tensor, "t c h"] | None = None,
        known: Bool[Tensor, "t"] | None = None,
    ) -> Float[Tensor, "k t c"]:
        """Return the score of each member, scaled (logits for a binary quantity); average them to predict.

        What the networks say is added to what is retrieved: in training as it is, otherwise times
        ``correction``, the shares of it that the validation side supports on new targets and on known ones.

        Args:
            targets: unscaled target embeddings.
            compounds: unscaled compound embeddings of each target's compounds.
            retrieved: label features of each pair, where the model retrieves labels.
            similarity: alignment similarity to the memory rows.
            allowed: False where a target must not see a memory row.
            prior: mean of each pair, in scaled label units; None: what is retrieved alone, as in training.
            learned: graphs of the compounds, or vectors of them from ``learned_compounds.vectors``; where the
                model learns an encoder of compounds.
            known: whether each target was learned from; None: none was.
        """
        inputs, base = self.compound_scaler(compounds), torch.zeros(())
        if self.learned_compounds is not None:
            if learned is None:
                raise ValueError("this model reads the graphs of compounds (model.compound.learned)")
            inputs = self.learned_compounds(inputs, learned)
        if self.retrieval is not None and retrieved is not None:
            inputs = torch.cat([inputs, retrieved], dim=-1)
            base = self.label_scale.prior(self.prior_mean(retrieved) if prior is None else prior)
        qsar = self.config.qsar
        regularisation = (
            QsarRegularisation(qsar.noise, qsar.noise_dropout, qsar.dropout) if self.training else None
        )
        share = torch.ones(()) if self.training else self.share_of(known)
        networks = self.generate(targets, similarity, allowed)
        return torch.stack(
            [base + share * qsar_scores(network, inputs, regularisation) for network in networks]
        )

    def share_of(self, known: Bool[Tensor, "t"] | None = None) -> Float[Tensor, "*t"]:
        """Return the share of the networks on some targets, [t, 1].

        Args:
            known: whether each of them was learned from; None: none was, and one number is returned.
        """
        return self.correction[0] if known is None else self.correction[known.long()][:, None]

    def compile_target(
        self,
        sequence: str,
        *,
        name: str = "",
        exact: bool = False,
        max_landmarks: int | None = None,
        landmark_tolerance: float = 0.0,
    ) -> TargetModel:
        """Return the frozen model of one protein, known or never measured; on the CPU, sharing nothing.

        A target of the memory sees its own labels, which training hides from it. The model is put into
        evaluation mode.

        Args:
            sequence: amino acids; validated first.
            name: what to call the target.
            exact: keep all digits of the generated weights. Otherwise they are rounded, which makes the file
                smaller, as far as scores of known compounds change by no more than
                `hyperpcm.target_model.rounding.TOLERANCE`; how much they do stands in the provenance.
            max_landmarks: landmark compounds that may be kept; None: as many as in training and evaluation,
                ``model.retrieval.max_landmarks`` and those of the ridge regression, and the same ones.
            landmark_tolerance: what leaving landmark compounds out may change a score of a known compound by,
                as a share of the labels' standard deviation: as few are kept as it allows. 0: as many as may
                be. What it does change stands in the provenance.

        Raises:
            InvalidSequenceError: the sequence cannot be used.
            ConfigError: a limit below 1, or a tolerance below 0.
        """
        return compile_target(
            self, sequence, name, exact=exact, limit=max_landmarks, landmark_tolerance=landmark_tolerance
        )

    def landmark_limit(self, asked: int | None = None) -> int:
        """Return how many landmark compounds a compiled target may keep; as `compile_target` takes it."""
        every = self.config.retrieval.max_landmarks + (0 if self.ridge is None else len(self.ridge_columns))
        return every if asked is None else asked

    def landmark_bits(self, places: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.uint8]:
        """Return the presence bits of the fingerprints of landmark compounds, all or some, uint8 [j, w]."""
        packed = self.landmarks.cpu().numpy()
        return np.unpackbits(packed if places is None else packed[places], axis=1, count=self.landmark_width)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds the model."""
        return model_state(self)

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> HyperPCM:
        """Return the model that `state` described.

        Raises:
            IncompatibleModelError: an encoder is not available in this version, or the tensors do not have
                the shapes that the settings call for.
        """
        return stored_model(cls, tensors, header)
