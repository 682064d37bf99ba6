"""Few-shot curves of a zero-shot model on one fold: trains the model, then measures every adapter."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines import NULLS, BaselineInputs, build_baseline
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
    part_path,
)
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.training.encoded import Progress, encode
from hyperpcm.training.evaluation import protocol_of
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.run import train_model

__all__ = ["FEW_SHOT_ROWS", "few_shot_part", "few_shot_protocol", "missing_parts", "run_part"]

logger = logging.getLogger(__name__)

MODEL: Final = "hyperpcm"
FEW_SHOT_ROWS: Final = (LABELS_ROW, *NULLS, MODEL)
"""Rows that can be run: methods that use labels alone, and every zero-shot model."""
_SPLITS: Final = ("cold_target", "homology_target")

Scores = npt.NDArray[np.float32]


def few_shot_protocol(
    config: RunConfig, interactions: Interactions, protocol: FewShotProtocol
) -> dict[str, object]:
    """What parts must share to stand in one summary: data, division, draws."""
    return protocol_of(config, interactions) | protocol.as_dict() | {"quantity": interactions.quantity.name}


def missing_parts(
    folder: Path, name: str, rows: Sequence[str], folds: Iterable[int], seeds: Sequence[int]
) -> list[tuple[str, int, int]]:
    """The (row, fold, seed) of a benchmark that have no file yet, fold by fold.

    Methods that use labels alone need no seed of a model and are run with the first one.
    """
    wanted = [
        (row, fold, seed)
        for fold in folds
        for row in rows
        for seed in (seeds[:1] if row == LABELS_ROW else seeds)
    ]
    return [key for key in wanted if not part_path(folder, name, *key).exists()]


def run_part(
    folder: Path,
    name: str,
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    row: str,
    protocol: FewShotProtocol,
    inputs: BaselineInputs,
    *,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> FewShotPart:
    """Measure one row on one fold and write its file; see `few_shot_part`."""
    part = few_shot_part(config, interactions, split, row, protocol, inputs, store=store, progress=progress)
    part.write(part_path(folder, name, row, split.fold, config.seed))
    return part


def few_shot_part(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    row: str,
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
        row: one of `FEW_SHOT_ROWS`.
        protocol: how measured and scored compounds are drawn.
        inputs: features for the baselines.
        adapters: makes the adapters from the λ of the row's residuals (see `shrinkage`); None: yardsticks.
        store: where embeddings are kept.
        progress: called with a stage, what is done and what there is.

    Raises:
        ConfigError: an unknown row.
        SplitError: a split that is not by target, or no held-out target has enough compounds.
        LabelError: a binary table.
    """
    if row not in FEW_SHOT_ROWS:
        raise ConfigError(f"there is no few-shot row {row!r}. Known: {', '.join(FEW_SHOT_ROWS)}.")
    if split.name not in _SPLITS:
        raise SplitError(f"few-shot needs held-out targets: use {' or '.join(_SPLITS)}, not {split.name}.")
    started = time.perf_counter()
    labels = interactions.point()
    additive = _null_scores("additive", inputs, split, config.seed)
    zero_shot = additive
    if row == MODEL:
        zero_shot = _model_scores(config, interactions, split, store, progress)
    elif row != LABELS_ROW:
        zero_shot = _null_scores(row, inputs, split, config.seed)
    penalty = _penalty(labels, zero_shot, interactions, split)
    chosen = list(adapters(penalty)) if adapters is not None else _yardsticks(row, penalty)
    mean = float(labels[split.train].astype(np.float64).mean())
    tasks = FewShotInputs(interactions, zero_shot, additive, inputs.compound_counts, mean)
    draws = draw_targets(interactions, split.test, protocol)
    if not draws:
        raise SplitError(
            f"{split.label()}: no held-out target of {interactions.name!r} can keep {protocol.min_query} "
            "compounds to score that share no scaffold with the measured ones. Lower min_query."
        )
    logger.info("few-shot %s, fold %d: %d draws, shrinkage %.2f", row, split.fold, len(draws), penalty)

    def tell(done: int) -> None:
        if progress is not None:
            progress(f"few-shot {row}", done, len(draws))

    targets, curves = measure_curves(tasks, draws, chosen, protocol.sizes, progress=tell)
    return FewShotPart(
        few_shot_protocol(config, interactions, protocol),
        row,
        split.fold,
        config.seed,
        targets,
        curves,
        time.perf_counter() - started,
        surroundings(),
    )


def _yardsticks(row: str, penalty: float) -> list[Adapter]:
    if row == LABELS_ROW:
        return [MeanEffect(penalty), SimilarLabels(), PerTargetForest()]
    return [ZeroShot(), Shift(penalty)]


def _penalty(labels: Scores, scores: Scores, interactions: Interactions, split: Split) -> float:
    valid = split.valid
    return shrinkage(labels[valid] - scores[valid], interactions.target_index[valid])


def _null_scores(name: str, inputs: BaselineInputs, split: Split, seed: int) -> Scores:
    baseline = build_baseline(name)
    baseline.fit(inputs, split.train, split.valid, seed=seed)
    return _column(len(inputs.interactions), split, baseline.predict)


def _model_scores(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    store: EmbeddingStore | None,
    progress: Progress | None,
) -> Scores:
    kept = EmbeddingStore() if store is None else store
    model, _ = train_model(config, interactions, split, store=kept, progress=progress)
    data = encode(config, interactions, split, kept, progress)
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
