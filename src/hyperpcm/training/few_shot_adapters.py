"""The adapters that need a trained model, fitted on its validation targets for a few-shot benchmark."""

from __future__ import annotations

import dataclasses
import logging
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation import (
    FineTuning,
    HeadRegression,
    Posterior,
    ResidualRidge,
    TargetViews,
    tunable_embedding,
    tunable_weights,
)
from hyperpcm.datasets.few_shot import Adapter, FewShotTask
from hyperpcm.datasets.splits import Split
from hyperpcm.evaluation.few_shot import Draw, FewShotInputs, FewShotProtocol, draw_targets
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import EncodedData
from hyperpcm.training.target_rows import rows_by_target

__all__ = ["MODEL_ADAPTERS", "model_adapters"]

logger = logging.getLogger(__name__)

MODEL_ADAPTERS: Final = (
    "posterior",
    "posterior_ungated",
    "residual_ridge",
    "head",
    "fine_tune",
    "fine_tune_embedding",
)
"""Names of the adapters that `model_adapters` returns."""
_TUNED_ON: Final = 24  # validation targets that the settings of fine-tuning are chosen on
_TUNED_AT: Final = (4, 16)  # measured compounds of each


def model_adapters(
    model: HyperPCM, data: EncodedData, inputs: FewShotInputs, split: Split, protocol: FewShotProtocol
) -> list[Adapter]:
    """Return the product's own adapter and its rivals; none where the model learned nothing of its residuals.

    Args:
        model: trained on the training side.
        data: the encoded table.
        inputs: what tasks are made of, with the model's scores of validation and test rows.
        split: the division; of its test side nothing is read.
        protocol: how compounds of validation targets are drawn, too.

    Raises:
        LabelError: no validation label differs from its score, or no validation target has compounds enough
            to choose the settings of fine-tuning on.
    """
    if model.residual_prior is None:
        logger.warning(
            "no adapters of the model: %s", model.card.get("no_adaptation", "it was not calibrated.")
        )
        return []
    views = TargetViews(model, inputs.interactions, data.compounds, data.targets, data.similarity)
    whole = _whole_targets(inputs, split, protocol.seed)
    adapters: list[Adapter] = [
        Posterior(views),
        Posterior(views, gated=False),
        ResidualRidge.fitted(whole),
        HeadRegression.fitted(views, whole),
    ]
    tasks = _tuning_tasks(inputs, split, protocol)
    for name, tunable in (("fine_tune", tunable_weights), ("fine_tune_embedding", tunable_embedding)):
        adapters.append(FineTuning.tuned(name, views, tunable, tasks))
    return adapters


def _whole_targets(inputs: FewShotInputs, split: Split, seed: int) -> list[FewShotTask]:
    """Validation targets with all, or many, of their labels as measured."""
    generator = np.random.default_rng([seed, 29])
    targets = inputs.interactions.target_index[split.valid]
    nothing = np.zeros(0, dtype=np.int64)
    return [
        inputs.task(Draw(int(targets[own[0]]), 0, split.valid[own], nothing))
        for own in rows_by_target(targets, generator)
    ]


def _tuning_tasks(
    inputs: FewShotInputs, split: Split, protocol: FewShotProtocol
) -> list[tuple[FewShotTask, npt.NDArray[np.float32]]]:
    """Tasks of validation targets, target by target, and the labels of what is scored."""
    labels = inputs.interactions.point()
    draws = draw_targets(inputs.interactions, split.valid, dataclasses.replace(protocol, draws=1))
    tasks = []
    for place in _evenly(np.arange(len(draws)), _TUNED_ON).tolist():
        task = inputs.task(draws[place])
        known = [k for k in _TUNED_AT if k <= len(task.support)]
        tasks += [(task.first(k), labels[draws[place].query]) for k in known]
    return tasks


def _evenly(values: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """So many of the values, evenly spaced, or all of them."""
    places = np.linspace(0, max(0, len(values) - 1), min(most, len(values)))
    return values[np.unique(places.astype(np.int64))]
