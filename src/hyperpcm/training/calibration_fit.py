"""Calibrates a trained model on its validation side: how hard rows look, and how wrong their scores are.

What makes a row hard is learned from training rows, each as it looks while its own labels are hidden, so that
the validation rows are left for the quantiles alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.baselines.lightgbm_fit import in_blocks
from hyperpcm.config import RunConfig
from hyperpcm.errors import LabelError
from hyperpcm.model import HyperPCM
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.calibration import NEAREST_TARGETS, target_constants
from hyperpcm.target_model.label_scale import logits_of
from hyperpcm.training.encoded import EncodedData, Progress, Retrieved
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.trees_fit import trees_of
from hyperpcm.trust import HeldOut, calibrate, fit_logit_map

__all__ = ["fit_calibration", "held_out_rows", "nearest_targets"]

_SETTINGS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 15,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
)
_TREES: Final = 150
_LEAF_ROWS: Final = (20, 200)  # least rows of a leaf: a hundredth of all, between these
_MOST_ROWS: Final = 200_000
_LEAST_SHARE: Final = 0.1  # of the mean difficulty: no row looks easier than this


@dataclass(frozen=True, eq=False)
class _Table:
    """The columns of `difficulty_columns` of some rows, in blocks."""

    columns: npt.NDArray[np.float32]

    def rows(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the columns of some rows."""
        return self.columns[rows]


def fit_calibration(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    retrieved: Retrieved | None,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None = None,
) -> None:
    """Set ``model.calibration``, or for two classes ``model.logit_map``; say in the model's card why not.

    Args:
        model: trained; changed in place.
        data: with what training rows find while their own labels are hidden.
        valid: validation rows, int64 [n].
        scores: of those rows, in label units, float32 [n].
        retrieved: what is retrieved for those rows; None where the model retrieves nothing.
        config: the run's settings.
        hiding: what training queries must not see.
        progress: called with a stage, what is done and what there is.
    """
    if model.quantity.kind == "binary":
        what = "scores are probabilities of a class; intervals and verdicts are for values."
        model.card["no_intervals"] = what
        _fit_probabilities(model, data, valid, scores, hiding.unseen)
        return
    if progress is not None:
        progress("calibration", 0, 1)
    trees, columns = _difficulty_trees(model, data, config, hiding)
    if not trees.size[0]:
        least = float(np.abs(data.labels.numpy()[valid] - scores).mean()) or 1.0
    else:
        least = _LEAST_SHARE * float(trees(torch.from_numpy(columns)).mean())
    held_out = held_out_rows(
        data, valid, scores, retrieved, hiding.unseen, lambda columns: trees(columns).clamp_min(least)
    )
    try:
        model.calibration = calibrate(trees, columns.shape[1], least, held_out)
    except LabelError as error:
        model.card["no_intervals"] = str(error)
    if progress is not None:
        progress("calibration", 1, 1)


def _fit_probabilities(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    unseen: str,
) -> None:
    active, target = data.labels.numpy()[valid] > 0.5, data.target_index[valid]
    try:
        found = fit_logit_map(active, logits_of(scores), target, unseen)
    except LabelError as error:
        model.card["no_probabilities"] = str(error)
        return
    model.logit_map = (found.slope, found.intercept)
    model.card["probabilities"] = found.held_out


def held_out_rows(
    data: EncodedData,
    rows: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    retrieved: Retrieved | None,
    unseen: str,
    difficulty: Callable[[torch.Tensor], torch.Tensor],
) -> HeldOut:
    """Return rows that were not learned from as a calibration takes them.

    Args:
        data: the encoded table.
        rows: int64 [n].
        scores: of those rows, in label units, float32 [n].
        retrieved: what is retrieved for those rows; None where the model retrieves nothing.
        unseen: what of them training has not seen, as `Hiding.unseen` says it.
        difficulty: of rows, from their columns as `Calibration.difficulty` reads them.
    """
    target = data.target_index[rows]
    constants = _constants(data, target, None)
    features = torch.zeros(len(rows), 0) if retrieved is None else retrieved.features
    nearest = torch.zeros(len(rows)) if retrieved is None else retrieved.nearest
    columns = torch.cat([features, nearest[:, None], constants], dim=1)
    return HeldOut(
        errors=data.labels.numpy()[rows].astype(np.float64) - scores,
        difficulty=difficulty(columns).numpy(),
        nearest_target=constants[:, 0].numpy(),
        nearest_compound=nearest.numpy(),
        target=target,
        unseen=unseen,
    )


def nearest_targets(data: EncodedData, targets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the similarity of the nearest known target of each row; zeros where no alignment is there.

    Args:
        data: the encoded table.
        targets: of each row, int64 [n].
    """
    return _constants(data, targets, None)[:, 0].numpy()


def _constants(
    data: EncodedData, targets: npt.NDArray[np.int64], allowed: torch.Tensor | None
) -> torch.Tensor:
    """What tells of each row's target how hard it is, float32 [n, k]; zeros where no alignment is there."""
    if data.similarity is None:
        return torch.zeros(len(targets), NEAREST_TARGETS)
    different, places = np.unique(targets, return_inverse=True)
    similarity = data.similarity[torch.from_numpy(different)]
    if allowed is not None:
        similarity = similarity * allowed[torch.from_numpy(different)]
    return target_constants(similarity)[torch.from_numpy(places)]


def _difficulty_trees(
    model: HyperPCM, data: EncodedData, config: RunConfig, hiding: Hiding
) -> tuple[BoostedTrees, npt.NDArray[np.float32]]:
    """Trees grown on the absolute errors of what training rows retrieve, and their columns."""
    width = 1 + NEAREST_TARGETS
    if model.retrieval is None or data.retrieved is None or data.nearest is None:
        return BoostedTrees(), np.zeros((0, width), dtype=np.float32)
    import lightgbm

    generator, rows = np.random.default_rng([config.seed, 11]), data.learned
    if len(rows) > _MOST_ROWS:
        rows = np.sort(generator.choice(rows, _MOST_ROWS, replace=False))
    at = torch.from_numpy(rows.copy())
    constants = torch.zeros(len(rows), NEAREST_TARGETS)
    for hidden, own in hiding.of(rows):
        allowed = data.allowed if hidden.targets else None
        constants[np.searchsorted(rows, own)] = _constants(data, data.target_index[own], allowed)
    features = data.retrieved[at]
    columns = torch.cat([features, data.nearest[at][:, None], constants], dim=1).numpy()
    scale = model.label_scale
    expected = model.retrieval.scores(features)
    errors = (data.labels[at] - scale.to_labels(scale.prior(expected))).abs().numpy()
    smallest, largest = _LEAF_ROWS
    settings = {
        **_SETTINGS,
        "min_data_in_leaf": min(largest, max(smallest, len(rows) // 100)),
        # a nearer compound or target never makes a row look harder
        "monotone_constraints": [0] * features.shape[1] + [-1] * width,
        "bin_construct_sample_cnt": min(len(rows), 100_000),
        "seed": config.seed,
        "num_threads": max(1, config.threads),
    }
    if len(rows) < 2 * settings["min_data_in_leaf"]:
        return BoostedTrees(), columns
    table = lightgbm.Dataset(in_blocks(_Table(columns), np.arange(len(rows))), errors, params=settings)
    booster = lightgbm.train(settings, table, _TREES)
    return BoostedTrees.of(trees_of(booster, np.arange(columns.shape[1]), 1.0)), columns
