"""A model as it would be had its memory never held some targets or labels, every learned weight as it is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.errors import ConfigError
from hyperpcm.model.copying import bare_state, rebuilt
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.memory_ridge import memory_similarity

__all__ = ["without_labels", "without_targets"]


def without_targets(model: HyperPCM, rows: Iterable[int]) -> HyperPCM:
    """Return the model as it would be had its memory never held some targets; nothing is learned again.

    With a target go its sequence, name, embedding and labels, its entries in mean and axes of the alignment,
    its coefficients of the ridge regression, and the landmark compounds that were measured on it alone, with
    their columns of that regression. Where the others lie along the axes is computed from what is left; that
    takes an alignment of the memory to itself, which the model keeps. Scalers and all learned weights stay.
    Overlays become part of the memory; `hyperpcm.model.without_measurements` keeps them apart.

    Args:
        model: not mutated, but for that alignment.
        rows: of the memory.

    Returns:
        A model on the CPU, in evaluation mode, that shares no weights with the other.

    Raises:
        ConfigError: a row that the memory does not have, or all of them.
    """
    removed = _checked(rows, len(model.memory_sequences))
    return _reduced(model, removed, ~np.isin(model.memory_rows.cpu().numpy(), removed))


def without_labels(model: HyperPCM, labels: Iterable[int]) -> HyperPCM:
    """Return the model without some labels; targets of which none is left go as in `without_targets`.

    The coefficients of the ridge regression stay as they are for targets and compounds that stay:
    `hyperpcm.model.memory_ridge.solve_again` solves it for what is left.

    Args:
        model: not mutated, but for the alignment of its memory to itself where targets go.
        labels: positions in the memory [n].

    Raises:
        ConfigError: no label is left of any target.
    """
    of_labels = model.memory_rows.cpu().numpy()
    kept = np.ones(len(of_labels), dtype=np.bool_)
    kept[list(labels)] = False
    rows = np.setdiff1d(of_labels[~kept], of_labels[kept])
    return _reduced(model, _checked(rows, len(model.memory_sequences)), kept)


def _reduced(model: HyperPCM, removed: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> HyperPCM:
    """The model without some rows of its memory, and with some of the labels [n]."""
    tensors, header = bare_state(model)
    of_labels, of_compounds = tensors["memory_rows"].numpy(), tensors["memory_columns"].numpy()
    lost = np.setdiff1d(of_compounds[~known], of_compounds[known])
    kept = np.setdiff1d(np.arange(len(model.memory_sequences)), removed)
    compounds = np.setdiff1d(np.arange(len(model.landmark_compounds)), lost)
    of_ridge = tensors["ridge_columns"].numpy()
    in_ridge = np.flatnonzero(~np.isin(of_ridge, lost))
    at = torch.from_numpy(kept)
    tensors |= {name: tensors[name][at] for name in ("memory_embeddings", "alignment.mean", "alignment.axes")}
    tensors |= {
        "memory_rows": _places(kept, of_labels[known]),
        "memory_columns": _places(compounds, of_compounds[known]),
        "memory_values": tensors["memory_values"][torch.from_numpy(known)],
        "landmarks": tensors["landmarks"][torch.from_numpy(compounds)],
        "ridge_columns": _places(compounds, of_ridge[in_ridge]),
        "alignment.memory": _coordinates(model, kept),
    }
    if model.ridge is not None:
        own = tensors["ridge.coefficients"][:, at]
        tensors["ridge.coefficients"] = own[..., torch.from_numpy(in_ridge)]
    if model.residual_prior is not None:
        own = tensors["residuals.profiles"]
        tensors["residuals.profiles"] = own[torch.from_numpy(compounds)]
    header |= {
        "memory_sequences": [model.memory_sequences[row] for row in kept],
        "memory_names": [model.memory_names[row] for row in kept],
        "landmark_compounds": [model.landmark_compounds[place] for place in compounds],
    }
    found = rebuilt(model, tensors, header)
    if model.memory_similarity is not None:
        found.memory_similarity = model.memory_similarity[at][:, at]
    if not len(lost):
        found.known = model.known
    return found


def _checked(rows: Iterable[int], number: int) -> npt.NDArray[np.int64]:
    """The rows, each once."""
    removed = np.unique(np.array(list(rows), dtype=np.int64))
    strange = removed[(removed < 0) | (removed >= number)]
    if len(strange):
        raise ConfigError(
            f"row {strange[0]}: the memory holds {number:,} targets, rows 0 to {number - 1:,}; this is none "
            "of them."
        )
    if len(removed) == number:
        raise ConfigError(
            f"all {number:,} targets of the memory would go, and a model that knows no target predicts "
            "nothing. Leave one in it at least."
        )
    return removed


def _places(kept: npt.NDArray[np.int64], values: npt.NDArray[np.int32]) -> Tensor:
    """Where each value stands among those that are kept."""
    return torch.from_numpy(np.searchsorted(kept, values).astype(np.int32))


def _coordinates(model: HyperPCM, kept: npt.NDArray[np.int64]) -> Float[Tensor, "m k"]:
    """Where the kept targets lie along the axes, by their similarity to one another."""
    own = model.alignment
    if own.axes.shape[1] == 0 or len(kept) == len(own.memory):
        return own.memory.cpu()[torch.from_numpy(kept)]
    at = torch.from_numpy(kept)
    mean, axes = own.mean.cpu()[at].double(), own.axes.cpu()[at].double()
    return ((memory_similarity(model)[at][:, at].double() - mean) @ axes).float()
