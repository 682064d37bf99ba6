"""Settings of the model: its networks, what it retrieves, and the trees on top."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from hyperpcm.config.base import Settings

__all__ = [
    "CompoundConfig",
    "ContextConfig",
    "HypernetworkConfig",
    "ModelConfig",
    "QsarConfig",
    "RetrievalConfig",
    "TreesConfig",
]


class QsarConfig(Settings):
    """The small network that is generated for each target (Svensson et al. 2024)."""

    hidden: tuple[int, ...] = (256,)
    """Widths of the hidden layers."""
    noise_head: int = Field(0, ge=0)
    """Width of the noise head beside the clean input; 0: none (published: 512)."""
    noise: float = Field(0.01, ge=0)
    """Standard deviation of the noise head's input noise, in training."""
    noise_dropout: float = Field(0.2, ge=0, lt=1)
    """Dropout of the noise head."""
    dropout: float = Field(0.25, ge=0, lt=1)
    """Dropout of the hidden layers."""
    activation: Literal["relu", "selu"] = "relu"
    """Activation of the hidden layers."""
    standardise: bool = False
    """Standardise compound embeddings on the training compounds."""
    zero_start: bool = True
    """Start with an output layer of zeros, so that an untrained network adds nothing to what is retrieved."""


class CompoundConfig(Settings):
    """A compound encoder that is trained along: messages along the bonds (D-MPNN; Yang et al. 2019)."""

    learned: Literal["none", "dmpnn"] = "none"
    """What is learned of a compound's graph for the generated networks to read; none: nothing."""
    beside: bool = True
    """Whether the generated networks read the encoders' fixed embedding too."""
    width: int = Field(300, ge=4, le=4096, multiple_of=4)
    """Width of the messages and of what is learned, a multiple of 4."""
    depth: int = Field(3, ge=1, le=16)
    """Rounds of messages."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout of what is learned."""


class HypernetworkConfig(Settings):
    """What generates the QSAR network (Ha et al. 2017; Chang et al. 2020)."""

    trunk: tuple[int, ...] = (256,)
    """Widths of the trunk."""
    activation: Literal["relu", "selu"] = "relu"
    """Activation of the trunk; selu brings LeCun initialisation and alpha-dropout."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Dropout of the trunk (published: 0.25)."""
    parts: Literal["full", "low_rank", "gates", "last_layer"] = "low_rank"
    """What is generated: whole matrices, low-rank products, gates on shared rows, the output layer only."""
    rank: int = Field(4, ge=1)
    """Rank of the low-rank products."""
    shared: bool = True
    """Keep an explicit base W₀ that all targets share: W(t) = W₀ + s·Δ(t)."""
    delta_scale: float = Field(0.1, gt=0)
    """Start value of s."""
    initialisation: Literal["hyperfan_in", "hyperfan_out", "published", "default"] = "published"
    """Initialisation of the heads."""


class ContextConfig(Settings):
    """Modern Hopfield retrieval over the training targets (Ramsauer et al. 2021; Schimunek et al. 2023)."""

    enabled: bool = True
    """Enrich the target's embedding from the memory."""
    heads: int = Field(4, gt=0)
    """Number of heads."""
    head_width: int = Field(64, gt=0)
    """Width of queries, keys and values of one head."""
    dropout: float = Field(0.25, ge=0, lt=1)
    """Dropout of the attention weights."""
    skip: bool = True
    """Add what is retrieved to the query instead of replacing it."""
    mask_own: bool = False
    """Hide a query's own memory row in training where validation targets are new too."""
    guided: bool = True
    """Let the alignment similarity guide the attention."""

    @property
    def beta(self) -> float:
        """Inverse temperature; derived from the head width, never stored."""
        return 1 / math.sqrt(self.head_width)


class RetrievalConfig(Settings):
    """Label retrieval: a learned kernel over alignment and Tanimoto similarity, from wide to narrow."""

    enabled: bool = True
    """Use the memory's labels as the prior mean of the scores."""
    target_exponents: tuple[float, ...] = (0.0, 0.0, 2.0, 4.0)
    """Start values of the exponents on alignment similarity, one per level."""
    compound_exponents: tuple[float, ...] = (2.0, 8.0, 8.0, 8.0)
    """Start values of the exponents on Tanimoto similarity, one per level."""
    fallback: float = Field(0.005, gt=0)
    """Start value of the weight with which a level falls back on the wider one."""
    max_landmarks: int = Field(4096, gt=0)
    """Most landmark compounds that one target retrieves from; those with the most evidence are kept."""
    steps: int = Field(120, ge=0)
    """Steps of leave-one-target-out fitting of exponents and fallbacks; 0 keeps the start values."""
    learning_rate: float = Field(0.03, gt=0)
    """Step size of that fitting."""
    ridge: bool = True
    """Mix in kernel ridge regression over both axes, as far as the validation side supports it."""
    ridge_landmarks: int = Field(4096, gt=0)
    """Most landmark compounds of that regression; exact where there are no more compounds than this."""
    ridge_iterations: int = Field(100, gt=0)
    """Most steps of its solver."""

    @model_validator(mode="after")
    def _same_levels(self) -> Self:
        if len(self.target_exponents) != len(self.compound_exponents) or not self.target_exponents:
            raise ValueError("retrieval needs one target exponent and one compound exponent per level")
        return self


class TreesConfig(Settings):
    """Boosted trees over what is retrieved, the compound and the target (Friedman 2001)."""

    enabled: bool = True
    """Mix boosted trees into the prior, as far as the validation side supports them."""
    most: int = Field(3000, gt=0)
    """Most trees of each of the two sums."""
    patience: int = Field(50, gt=0)
    """Trees without a better validation error before growing stops."""


class ModelConfig(Settings):
    """The whole architecture."""

    qsar: QsarConfig = QsarConfig()
    compound: CompoundConfig = CompoundConfig()
    hypernetwork: HypernetworkConfig = HypernetworkConfig()
    context: ContextConfig = ContextConfig()
    retrieval: RetrievalConfig = RetrievalConfig()
    trees: TreesConfig = TreesConfig()
    alignment_components: int = Field(64, ge=0)
    """Principal components of the alignment similarity to the memory, put beside the target's embedding."""
    members: int = Field(2, ge=1, le=32)
    """Number of independently initialised hypernetworks whose scores are averaged."""
    scale_labels: bool = True
    """Train on standardised labels (scores are always returned in label units)."""
    label_centre: float | None = None
    """Fixed centre in place of the training mean (published for Davis: 7)."""

    @property
    def needs_alignment(self) -> bool:
        """Whether a target has to be aligned to the memory before it can be compiled."""
        guided = self.context.enabled and self.context.guided
        return self.retrieval.enabled or guided or self.alignment_components > 0
