"""Whether what a file holds fits together: nothing missing, nothing left over, every shape as it must be.

The sha256 of an archive tells that nothing was altered by accident; these checks tell that a file made by
another program or version is what it says, before a wrong index or a silently broadcast shape becomes a
score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from hyperpcm.errors import IncompatibleModelError
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.calibration import GRID, NEAREST_TARGETS, Calibration

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM
    from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
    from hyperpcm.target_model import Adaptation, LabelScale, ResidualPrior, TargetModel

__all__ = ["check_model", "check_state", "check_target_model"]


def check_state(
    stored: tuple[Mapping[str, Tensor], Mapping[str, Any]],
    rebuilt: tuple[Mapping[str, Tensor], Mapping[str, Any]],
) -> None:
    """Refuse tensors and header entries that the rebuilt model did not take up as they were stored.

    Args:
        stored: tensors and header of the file.
        rebuilt: what the model made from them says of itself.

    Raises:
        IncompatibleModelError: something is missing, left over, or of another shape or type.
    """
    kinds = [
        {name: (tensor.dtype, tensor.shape) for name, tensor in state[0].items()}
        for state in (stored, rebuilt)
    ]
    differing = [
        name for name in kinds[0].keys() | kinds[1].keys() if kinds[0].get(name) != kinds[1].get(name)
    ]
    differing += stored[1].keys() ^ rebuilt[1].keys()
    if differing:
        raise IncompatibleModelError(
            f"settings and weights do not fit: {', '.join(sorted(differing)[:5])} missing, left over or of "
            "another shape."
        )


def check_model(model: HyperPCM) -> None:
    """Refuse a context memory whose parts do not belong together.

    Raises:
        IncompatibleModelError: numbers of rows differ, or a label belongs to no row or compound.
    """
    rows, columns = len(model.memory_sequences), len(model.landmark_compounds)
    labels, numbers = model.memory_values.shape, {model.memory_values.dtype, model.memory_embeddings.dtype}
    _require(numbers == {model.label_scaler.mean.dtype}, "the type of the memory's numbers")
    _require(len(model.memory_names) == rows, "the number of names in the memory")
    _require(
        model.memory_embeddings.shape == (rows, model.target_encoder.width), "the embeddings of the memory"
    )
    _require(
        model.landmarks.shape == (columns, -(-model.landmark_width // 8)), "the fingerprints of the memory"
    )
    for index, size in ((model.memory_rows, rows), (model.memory_columns, columns)):
        _require(len(labels) == 1 and index.shape == labels, "the number of labels in the memory")
        _require(bool(((index >= 0) & (index < size)).all()), "the places of the labels in the memory")
    _check_overlaid(model)
    of_ridge = model.ridge_columns.long()
    _require(
        bool((of_ridge.diff() > 0).all() and ((of_ridge >= 0) & (of_ridge < columns)).all()),
        "the landmarks of the ridge regression",
    )
    described = model.target_scaler.mean.shape[0]
    retrieved = 0 if model.retrieval is None else model.retrieval.width + 2
    _check_trees(model.trees, retrieved + model.compound_encoder.width + described)
    if model.calibration is not None:
        features = 0 if model.retrieval is None else model.retrieval.width
        _check_calibration(model.calibration, features + 1 + NEAREST_TARGETS)
    if model.residual_prior is not None:
        _check_residuals(model.residual_prior, columns)
    _check_scale(model.label_scale)


def _check_overlaid(model: HyperPCM) -> None:
    """Refuse overlays that cannot be taken off the memory again."""
    overlaid = model.overlaid
    if overlaid is None:
        return
    targets, landmarks = overlaid.targets, overlaid.ridge_landmarks
    _require(bool(overlaid.overlays), "the overlays")
    _require(0 < targets <= len(model.memory_sequences), "the targets under the overlays")
    _require(0 <= overlaid.compounds <= len(model.landmark_compounds), "the compounds under the overlays")
    _require(0 <= landmarks <= len(model.ridge_columns), "the landmarks under the overlays")
    of_before = model.ridge_columns[:landmarks] < overlaid.compounds
    _require(bool(of_before.all()), "the compounds of the landmarks under the overlays")
    labels = len(overlaid.values) if overlaid.values.ndim == 1 else -1
    _require(0 <= labels <= len(model.memory_values), "the labels under the overlays")
    for index, size in (
        (model.memory_rows, targets),
        (model.memory_columns, overlaid.compounds),
    ):
        _require(bool((index[:labels] < size).all()), "the places of the labels under the overlays")
    of_ridge = (0, 0, 0)
    if model.ridge is not None:
        of_ridge = (len(model.ridge.weights), targets, landmarks)
    _require(overlaid.coefficients.shape == of_ridge, "the regression under the overlays")
    sequences, compounds = set(model.memory_sequences), set(model.landmark_compounds)
    _require(len(sequences) == len(model.memory_sequences), "a target that the memory holds twice")
    _require(len(compounds) == len(model.landmark_compounds), "a compound that the memory holds twice")
    for overlay in overlaid.overlays:
        _require(sequences.issuperset(overlay.sequences), "the targets of an overlay")
        _require(compounds.issuperset(overlay.compounds), "the compounds of an overlay")


def check_target_model(model: TargetModel) -> None:
    """Refuse networks whose layers do not follow one another, and settings that score nothing.

    Raises:
        IncompatibleModelError: a shape does not follow from the one before it.
    """
    width, landmarks = model.encoder.width, 0
    _check_scale(model.label_scale)
    _require(model.compound_scaler.mean.shape == (width,), "the width of the compound encoder")
    if model.prior is not None:
        levels, landmarks = model.prior.retrieval.levels, len(model.prior.landmarks)
        sums = (model.prior.collapsed.evidence, model.prior.collapsed.first, model.prior.collapsed.second)
        _require(all(part.shape == (1, levels, landmarks) for part in sums), "the retrieved labels")
        compounds = model.prior.compounds
        _require(compounds is None or len(compounds) == landmarks, "the SMILES of the landmark compounds")
        width += model.prior.retrieval.width
        ridge = model.prior.ridge
        fits = ridge is None or ridge.coefficients.shape == (len(ridge.exponents), landmarks)
        _require(fits, "the coefficients of the ridge regression")
        if model.prior.trees is not None:
            _check_trees(model.prior.trees.trees, width + 2)
    learned = None
    if model.learned_compounds is not None:
        width += model.learned_compounds.inputs(model.encoder.width) - model.encoder.width
        learned = torch.zeros(1, model.learned_compounds.messages.width)
    if model.calibration is not None:
        features = 0 if model.prior is None else model.prior.retrieval.width
        _check_calibration(model.calibration, features + 1)
        _require(len(model.calibration.quantiles) == 1, "the groups of the calibration")
    _require(bool(model.networks), "the number of networks")
    for network in model.networks:
        _check_network(network, width)
    measured = None
    if model.residual_prior is not None:
        _check_residuals(model.residual_prior, landmarks)
    if model.adaptation is not None:
        _check_adaptation(model.adaptation)
        measured = torch.zeros(1, len(model.adaptation.anchors))
    similarity = None if model.prior is None else torch.zeros(1, landmarks)
    trial = model.score_embedded(torch.zeros(1, model.encoder.width), similarity, learned, measured)
    _require(trial.shape == (1,), "the score of a trial compound")


def _check_trees(trees: BoostedTrees, width: int) -> None:
    """Refuse trees that split on columns that are not there, or whose ways down do not end."""
    _require(trees.is_sound(width), "the boosted trees")


def _check_calibration(calibration: Calibration, columns: int) -> None:
    """Refuse quantiles of groups that are not there, and a difficulty that would not be positive."""
    _require(calibration.columns == columns, "the columns of the calibration")
    _check_trees(calibration.trees, columns)
    groups = len(calibration.bounds) + 1
    _require(calibration.quantiles.shape == (groups, GRID), "the quantiles of the calibration")
    _require(calibration.least > 0, "the least difficulty of the calibration")


def _check_residuals(prior: ResidualPrior, landmarks: int) -> None:
    """Refuse variances below 0, and profiles of other landmarks."""
    weights = prior.covariance
    least = min(weights.offset, weights.slope, weights.structure, weights.profile)
    fits = least >= 0 and weights.noise > 0 and prior.spread > 0 and prior.caution > 0
    _require(fits, "the covariance of the residuals")
    _require(
        prior.profiles.shape[1] == 0 or len(prior.profiles) == landmarks, "the profiles of the landmarks"
    )
    knots, scales = prior.knots, prior.scales
    fits = knots.shape == scales.shape and bool((np.diff(knots) > 0).all() and (scales > 0).all())
    _require(fits, "how far residuals go by score")


def _check_adaptation(adaptation: Adaptation) -> None:
    """Refuse an adaptation whose parts do not follow from one another."""
    anchors, columns = len(adaptation.anchors), 2 + adaptation.prior.profiles.shape[1]
    weights, measured = adaptation.weights, len(adaptation.measurements)
    _require(adaptation.whitening.shape == (anchors, anchors), "the anchors of the adaptation")
    _require(weights.mean.shape == (columns + anchors,), "the weights of the adaptation")
    _require(weights.root.shape == (columns + anchors,) * 2, "the covariance of the adaptation")
    of_measured = (adaptation.left_out, adaptation.expected, adaptation.before)
    fits = measured > 0 and all(part.shape == (measured,) for part in of_measured)
    _require(fits, "the measurements of the adaptation")


def _check_scale(scale: LabelScale) -> None:
    """Refuse probabilities that would not rise with the logit."""
    _require(scale.slope > 0 and math.isfinite(scale.intercept), "the calibration of the probabilities")


def _check_network(network: QsarNetwork, width: int) -> None:
    _require(network.activation in ("relu", "selu"), "the activation")
    if network.noise_head is not None:
        width += _width_after(network.noise_head, width)
    for layer in network.layers:
        width = _width_after(layer, width)
    _require(bool(network.layers) and width == 1, "the number of outputs")


def _width_after(layer: GeneratedLayer, width: int) -> int:
    _require(
        layer.bias.ndim == 2 and layer.dense().shape == (*layer.bias.shape, width), "the width of a layer"
    )
    return layer.bias.shape[1]


def _require(fits: bool, what: str) -> None:
    if not fits:
        raise IncompatibleModelError(f"settings and weights do not fit: {what}.")
