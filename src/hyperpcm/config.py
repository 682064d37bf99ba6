"""All settings of a run: closed, described, read from TOML, stored as JSON.

Unknown keys are refused when the file is read; nothing derived is stored. The defaults are one
configuration for all data sets.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hyperpcm.errors import ConfigError

__all__ = [
    "CompoundConfig",
    "ContextConfig",
    "DataConfig",
    "EncodersConfig",
    "HypernetworkConfig",
    "ModelConfig",
    "QsarConfig",
    "RetrievalConfig",
    "RunConfig",
    "SplitConfig",
    "TrainingConfig",
    "describe_fields",
    "load_config",
]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class DataConfig(_Settings):
    """Which measurements: a catalogued data set by name, or a user's own table by path."""

    name: str | None = None
    """Name of a catalogued data set, such as "davis"."""
    path: Path | None = None
    """A table of one's own: CSV, TSV or Parquet, or a folder with compounds, targets and interactions."""
    targets: Path | None = None
    """FASTA file with the sequences, where the table names targets only."""
    columns: dict[str, str] = {}
    """Role → column name, where guessing is not enough."""
    quantity: str | None = None
    """What the values mean, such as "pKi"; guessed from the table when not given."""
    unit: str | None = None
    """Unit of the values, such as "nM"; guessed from the table when not given."""
    kind: Literal["regression", "binary"] | None = None
    """Whether values are numbers or two classes; guessed from the table when not given."""
    active_at: float | None = None
    """Values at or above this count as active; the data set's own threshold when not given."""
    merge: bool = True
    """Merge repeated measurements of one compound on one target."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.name is None) == (self.path is None):
            raise ValueError("give either data.name (a catalogued data set) or data.path (your own table)")
        return self


class SplitConfig(_Settings):
    """How the measurements are divided into train, validation and test."""

    name: str = "cold_target"
    """Kind of split: random, cold_target, cold_compound, homology_target, …"""
    folds: int = Field(5, ge=1)
    """Number of folds."""
    fold: int = Field(0, ge=0)
    """The fold whose test side is held out, from 0."""
    seed: int = 0
    """Seed of the division, apart from the training's."""
    options: dict[str, float | int | bool | str] = {}
    """Further options of this kind of split, such as min_identity."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"split.fold = {self.fold}, but folds are numbered 0 to {self.folds - 1}")
        return self


class EncodersConfig(_Settings):
    """Which encoders turn compounds and targets into embeddings; several are put side by side."""

    compound: tuple[str, ...] = ("ecfp", "descriptors")
    """Compound encoders."""
    target: tuple[str, ...] = ("composition",)
    """Target encoders that need no memory; alignment to the memory is a setting of the model."""
    radius: int = Field(2, ge=1, le=4)
    """Radius of ECFP and of the Tanimoto similarity between compounds."""
    width: int = Field(2048, ge=64, le=16384)
    """Width of ECFP and of the Tanimoto similarity between compounds."""
    options: dict[str, dict[str, float | int | bool | str]] = {}
    """Further options by encoder, such as esm2_650m.pooling; hyperpcm encoders --json lists them."""


class QsarConfig(_Settings):
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


class CompoundConfig(_Settings):
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


class HypernetworkConfig(_Settings):
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
    initialisation: Literal["hyperfan_in", "hyperfan_out", "published", "default"] = "hyperfan_in"
    """Initialisation of the heads."""


class ContextConfig(_Settings):
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
    mask_own: bool = True
    """Hide a query's own memory row in training where validation targets are new too."""
    guided: bool = True
    """Let the alignment similarity guide the attention."""

    @property
    def beta(self) -> float:
        """Inverse temperature; derived from the head width, never stored."""
        return 1 / math.sqrt(self.head_width)


class RetrievalConfig(_Settings):
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


class TreesConfig(_Settings):
    """Boosted trees over what is retrieved, the compound and the target (Friedman 2001)."""

    enabled: bool = True
    """Mix boosted trees into the prior, as far as the validation side supports them."""
    most: int = Field(3000, gt=0)
    """Most trees of each of the two sums."""
    patience: int = Field(50, gt=0)
    """Trees without a better validation error before growing stops."""


class ModelConfig(_Settings):
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


class TrainingConfig(_Settings):
    """The training loop."""

    loss: Literal["auto", "l1", "mse", "smooth_l1", "bce", "censored"] = "auto"
    """What is minimised; auto: mse for values, bce for classes."""
    targets_per_batch: int = Field(32, gt=0)
    """Targets in one step."""
    compounds_per_target: int = Field(32, gt=0)
    """Compounds of each target in one step, drawn with replacement where a target has fewer."""
    epochs: int = Field(5, gt=0)
    """Most epochs."""
    patience: int = Field(2, gt=0)
    """Epochs without a better validation metric before training stops."""
    metric: Literal["mse", "mae", "ci", "pearson", "spearman", "auroc", "auto"] = "auto"
    """Validation metric that selects the epoch; auto: mse for values, auroc for classes."""
    learning_rate: float = Field(5e-4, gt=0)
    """Step size of Adam."""
    weight_decay: float = Field(1e-2, ge=0)
    """Decoupled weight decay."""
    optimiser: Literal["adamw", "adam"] = "adamw"
    """adam applies the decay as an L2 penalty, as published."""
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    """Learning rate over the epochs; plateau halves it when the metric stalls."""
    plateau_epochs: int = Field(30, gt=0)
    """Epochs without improvement before a plateau halves the rate."""
    clip: float = Field(1.0, gt=0)
    """Largest gradient norm."""
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    """Arithmetic; 16-mixed needs a GPU, bf16-mixed runs anywhere. Weights stay 32 bits wide."""
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train."""
    processes: int = Field(1, ge=1, le=1024)
    """Processes that share the targets of each step, one per GPU or group of cores; same result."""
    refit: bool = False
    """Once everything is chosen, train again on training and validation rows together."""
    checkpoint_seconds: float = Field(60.0, ge=0)
    """Least time between two checkpoints inside an epoch; 0: after every step."""
    bad_steps: int = Field(5, ge=0)
    """Steps with a loss that is not a number that may be skipped before training stops."""
    tensorboard: bool = False
    """Also log to TensorBoard (pip install 'hyperpcm[tensorboard]')."""
    wandb: bool = False
    """Also log to Weights & Biases (pip install 'hyperpcm[wandb]')."""


class RunConfig(_Settings):
    """Everything that one training run depends on."""

    data: DataConfig
    split: SplitConfig = SplitConfig()
    encoders: EncodersConfig = EncodersConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    seed: int = 0
    """Seed of initialisation, sampling and dropout."""
    threads: int = Field(1, ge=0)
    """Threads of one process; 0 leaves the choice to torch."""

    def to_json(self) -> str:
        """Return the settings as JSON text, every default written out."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """Return settings from JSON text.

        Raises:
            ConfigError: the text is not JSON, or a key or value is not known.
        """
        try:
            return validated(json.loads(text))
        except json.JSONDecodeError as error:
            raise ConfigError(
                f"the stored settings are not JSON (line {error.lineno}): {error.msg}."
            ) from None


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> RunConfig:
    """Return the settings of a TOML file with ``section.key=value`` overrides applied.

    Args:
        path: TOML file; None starts from the defaults.
        overrides: each as ``model.context.heads=8``; the value is read as TOML, else as a plain string.

    Raises:
        ConfigError: the file cannot be read, a key is unknown (the nearest known one is named), or a value
            is out of range.
    """
    settings: dict[str, Any] = {}
    if path is not None:
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path}: there is no such file.") from None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not a TOML file: {error}.") from None
    for override in overrides:
        _apply(settings, override)
    return validated(settings)


def validated(settings: dict[str, Any]) -> RunConfig:
    """Return the settings of a nested mapping, or say in sentences what is wrong with it."""
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(dict(problem)) for problem in error.errors())) from None


def _apply(settings: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not separator or not all(path):
        raise ConfigError(f"--set {override!r}: write section.key=value, such as model.context.heads=8.")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    node = settings
    for part in path[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"--set {override!r}: {part} is a value, not a section.")
    node[path[-1]] = value


def _sentence(problem: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        fields = describe_fields()
        sections = {name.rsplit(".", depth)[0] for name in fields for depth in (1, 2)} - set(fields)
        known = sorted({*fields, *sections})
        near = difflib.get_close_matches(location, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{location}: there is no such setting.{hint}"
    if problem["type"] == "missing":
        return f"{location}: this setting is required."
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{location} = {problem.get('input')!r}: {message[:1].lower()}{message[1:]}."


def describe_fields(model: type[BaseModel] = RunConfig, prefix: str = "") -> dict[str, str]:
    """Return every setting's dotted name with its description."""
    described: dict[str, str] = {}
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            described |= describe_fields(annotation, f"{prefix}{name}.")
        else:
            described[prefix + name] = field.description or ""
    return described
