"""Settings of one run: data, division, encoders, model and training; read from JSON, and described."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from hyperpcm.config.architecture import ModelConfig
from hyperpcm.config.base import Settings
from hyperpcm.errors import ConfigError

__all__ = [
    "DataConfig",
    "EncodersConfig",
    "RunConfig",
    "SplitConfig",
    "TrainingConfig",
    "describe_fields",
    "validated",
]


class DataConfig(Settings):
    """Which measurements: a catalogued data set by name, or a user's own table by path."""

    name: str | None = None
    """Name of a catalogued data set, such as "davis"."""
    path: Path | None = None
    """A table of one's own: CSV, TSV or Parquet, or a folder with compounds, targets and interactions."""
    targets: Path | None = None
    """FASTA file with the sequences, where the table names targets only."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Role → column name, where guessing is not enough."""
    quantity: str | None = None
    """What the values mean, such as "pKi"; guessed from the table when not given."""
    unit: str | None = None
    """Unit of the values, such as "nM"; guessed from the table when not given."""
    kind: Literal["regression", "binary"] | None = None
    """Whether values are numbers or two classes; guessed from the table when not given. With "binary" the
    values of a catalogued data set become two classes."""
    active_at: float | None = None
    """Values at or above this count as active; the data set's own threshold when not given."""
    merge: bool = True
    """Merge repeated measurements of one compound on one target."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.name is None) == (self.path is None):
            raise ValueError("give either data.name (a catalogued data set) or data.path (your own table)")
        return self


class SplitConfig(Settings):
    """How the measurements are divided into train, validation and test."""

    name: str = "cold_target"
    """Kind of split: random, cold_target, cold_compound, homology_target, …"""
    folds: int = Field(5, ge=1)
    """Number of folds."""
    fold: int = Field(0, ge=0)
    """The fold whose test side is held out, from 0."""
    seed: int = 0
    """Seed of the division, apart from the training's."""
    test: bool = True
    """Hold the fold's test side out; otherwise it is learned from too, and nothing can judge the model."""
    options: dict[str, float | int | bool | str] = Field(default_factory=dict)
    """Further options of this kind of split, such as min_identity."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"split.fold = {self.fold}, but folds are numbered 0 to {self.folds - 1}")
        return self


class EncodersConfig(Settings):
    """Which encoders turn compounds and targets into embeddings; several are put side by side."""

    compound: tuple[str, ...] = ("ecfp", "descriptors")
    """Compound encoders."""
    target: tuple[str, ...] = ("composition",)
    """Target encoders that need no memory; alignment to the memory is a setting of the model."""
    radius: int = Field(2, ge=1, le=4)
    """Radius of ECFP and of the Tanimoto similarity between compounds."""
    width: int = Field(2048, ge=64, le=16384)
    """Width of ECFP and of the Tanimoto similarity between compounds."""
    options: dict[str, dict[str, float | int | bool | str]] = Field(default_factory=dict)
    """Further options by encoder, such as esm2_650m.pooling; hyperpcm encoders --json lists them."""


class TrainingConfig(Settings):
    """The training loop."""

    loss: Literal["auto", "l1", "mse", "smooth_l1", "bce", "censored"] = "auto"
    """What is minimised; auto: mse for values, bce for classes."""
    targets_per_batch: int = Field(32, gt=0)
    """Targets in one step."""
    compounds_per_target: int = Field(32, gt=0)
    """Compounds of each target in one step, drawn with replacement where a target has fewer."""
    epochs: int = Field(15, gt=0)
    """Most epochs."""
    patience: int = Field(4, gt=0)
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


class RunConfig(Settings):
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


def validated(settings: dict[str, Any]) -> RunConfig:
    """Return the settings of a nested mapping, or say in sentences what is wrong with it."""
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(dict(problem)) for problem in error.errors())) from None


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
