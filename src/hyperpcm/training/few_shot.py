"""Few-shot curves of a zero-shot model on one fold: trains the model, then measures every adapter."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines import BaselineInputs, build_baseline
from hyperpcm.baselines.few_shot import MeanEffect, PerTargetForest, Shift, SimilarLabels, ZeroShot, shrinkage
from hyperpcm.config import RunConfig
from hyperpcm.datasets.few_shot import Adapter
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.errors import ConfigError, SplitError
from hyperpcm.evaluation.few_shot import (
    LABELS_ROW,
    FewShotInputs,
    FewShotPart,
    FewShotProtocol,
    draw_targets,
    measure_curves,
)
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import EncodedData, Progress, encode
from hyperpcm.training.evaluation import protocol_of
from hyperpcm.training.few_shot_adapters import model_adapters
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import prior_alone
from hyperpcm.training.run import train_model

__all__ = ["FEW_SHOT_SPLITS", "FewShotRow", "few_shot_part", "few_shot_protocol"]

logger = logging.getLogger(__name__)

FEW_SHOT_SPLITS: Final = ("cold_target", "homology_target")
"""Splits that hold targets out."""

Scores = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class FewShotRow:
    """What is measured: the zero-shot model whose scores are adapted, or the methods that need none.

    Attributes:
        name: of the row; `LABELS_ROW` is the row of the methods that use measured labels alone.
        baseline: a registered baseline; None: the model that the settings describe.
        options: of the baseline.
        prior_alone: of the model, its prior without any network.

    Raises:
        ConfigError: a baseline named `LABELS_ROW`, or options without a baseline.
    """

    name: str
    baseline: str | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    prior_alone: bool = False

    def __post_init__(self) -> None:
        if self.baseline is not None and (self.name == LABELS_ROW or self.prior_alone):
            raise ConfigError(
                f"few-shot row {self.name!r}: the baseline {self.baseline!r} is a zero-shot model itself, "
                f"neither {LABELS_ROW!r} nor a part of the model."
            )
        if self.options and self.baseline is None:
            raise ConfigError(f"few-shot row {self.name!r} has options, but no baseline that takes them.")

    @property
    def is_zero_shot(self) -> bool:
        """Whether the row is a model whose scores are adapted."""
        return self.name != LABELS_ROW


def few_shot_protocol(
    config: RunConfig, interactions: Interactions, protocol: FewShotProtocol
) -> dict[str, object]:
    """What parts must share to stand in one summary: data, division, draws."""
    return protocol_of(config, interactions) | protocol.as_dict() | {"quantity": interactions.quantity.name}


def few_shot_part(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    row: FewShotRow,
    protocol: FewShotProtocol,
    inputs: BaselineInputs,
    *,
    adapters: Callable[[float], Sequence[Adapter]] | None = None,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> FewShotPart:
    """Measure one row on one fold.

    How much adapters shrink is estimated on the validation targets, which no model is scored on.

    Args:
        config: settings of the zero-shot model, with its seed.
        interactions: the table.
        split: its division by target.
        row: what is measured.
        protocol: how measured and scored compounds are drawn.
        inputs: features for the baselines.
        adapters: makes the adapters from the λ of the row's residuals (see `shrinkage`); None: the
            yardsticks, and those of `model_adapters` where the row is a whole model.
        store: where embeddings are kept.
        progress: called with a stage, what is done and what there is.

    Raises:
        ConfigError: an unknown baseline; or a model that is refitted (``training.refit``).
        SplitError: a split that is not by target, or no held-out target has enough compounds.
        LabelError: a binary table, or as `model_adapters`.
    """
    if split.name not in FEW_SHOT_SPLITS:
        raise SplitError(
            f"few-shot needs held-out targets: use {' or '.join(FEW_SHOT_SPLITS)}, not {split.name}."
        )
    if config.training.refit and row.is_zero_shot and row.baseline is None:
        raise ConfigError(
            "training.refit: few-shot methods are tuned on scores of validation targets, which a refitted "
            "model has learned from. Leave it out here."
        )
    started = time.perf_counter()
    labels = interactions.point()
    additive = _baseline_scores("additive", {}, inputs, split, config)
    zero_shot, trained = additive, None
    if row.baseline is not None:
        zero_shot = _baseline_scores(row.baseline, row.options, inputs, split, config)
    elif row.is_zero_shot:
        model, data = _trained(config, interactions, split, row.prior_alone, store, progress)
        zero_shot = _model_scores(model, data, interactions, split)
        trained = None if row.prior_alone else (model, data)
    penalty = _penalty(labels, zero_shot, interactions, split)
    mean = float(labels[split.train].astype(np.float64).mean())
    tasks = FewShotInputs(interactions, zero_shot, additive, inputs.compound_counts, mean)
    if adapters is not None:
        chosen = list(adapters(penalty))
    else:
        chosen = _yardsticks(row, penalty)
        if trained is not None:
            chosen += model_adapters(*trained, tasks, split, protocol)
    draws = draw_targets(interactions, split.test, protocol)
    if not draws:
        raise SplitError(
            f"{split.label()}: no held-out target of {interactions.name!r} can keep {protocol.min_query} "
            "compounds to score that share no scaffold with the measured ones. Lower min_query."
        )
    logger.info("few-shot %s, fold %d: %d draws, shrinkage %.2f", row.name, split.fold, len(draws), penalty)

    def tell(done: int) -> None:
        if progress is not None:
            progress(f"few-shot {row.name}", done, len(draws))

    targets, curves = measure_curves(tasks, draws, chosen, protocol.sizes, progress=tell)
    return FewShotPart(
        few_shot_protocol(config, interactions, protocol),
        row.name,
        split.fold,
        config.seed,
        targets,
        curves,
        time.perf_counter() - started,
        surroundings(),
        peak_mb=peak_memory_mb(),
    )


def _yardsticks(row: FewShotRow, penalty: float) -> list[Adapter]:
    if row.is_zero_shot:
        return [ZeroShot(), Shift(penalty)]
    return [MeanEffect(penalty), SimilarLabels(), PerTargetForest()]


def _penalty(labels: Scores, scores: Scores, interactions: Interactions, split: Split) -> float:
    valid = split.valid
    return shrinkage(labels[valid] - scores[valid], interactions.target_index[valid])


def _baseline_scores(
    name: str, options: Mapping[str, Any], inputs: BaselineInputs, split: Split, config: RunConfig
) -> Scores:
    baseline = build_baseline(name, threads=max(1, config.threads), options=dict(options))
    baseline.fit(inputs, split.train, split.valid, seed=config.seed)
    return _column(len(inputs.interactions), split, baseline.predict)


def _trained(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    prior: bool,
    store: EmbeddingStore | None,
    progress: Progress | None,
) -> tuple[HyperPCM, EncodedData]:
    kept = EmbeddingStore() if store is None else store
    if prior:
        model = prior_alone(config, interactions, split, kept, progress)
    else:
        model, _ = train_model(config, interactions, split, store=kept, progress=progress)
    return model, encode(config, interactions, split, kept, progress)


def _model_scores(model: HyperPCM, data: EncodedData, interactions: Interactions, split: Split) -> Scores:
    compound, target = interactions.compound_index, interactions.target_index
    return _column(
        len(interactions), split, lambda rows: predict_pairs(model, data, compound[rows], target[rows])
    )


def _column(n: int, split: Split, score: Callable[[npt.NDArray[np.int64]], Scores]) -> Scores:
    """Scores of validation and test rows in their places, nan elsewhere: float32 [n]."""
    scores = np.full(n, np.nan, dtype=np.float32)
    for rows in (split.valid, split.test):
        scores[rows] = score(rows)
    return scores
