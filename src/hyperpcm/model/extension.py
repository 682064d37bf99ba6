"""A model whose memory holds more than it was trained with, and the trained one again; nothing is learned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import IncompatibleModelError
from hyperpcm.model.appended import Appended
from hyperpcm.model.copying import bare_state, rebuilt
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.label_merge import Conflict, merged_labels
from hyperpcm.model.memory_ridge import ExtendedMemory, extended_columns, extended_ridge
from hyperpcm.model.overlaid import Overlaid
from hyperpcm.model.overlay import Overlay, check_name, overlay_of
from hyperpcm.target_model.residual_prior import read_profiles

__all__ = ["Extension", "overlaid_origin", "trained_model", "with_overlays", "with_targets"]

_PROFILES = "residuals.profiles"  # of the landmarks, where adaptation was learned


@dataclass(frozen=True, eq=False)
class Extension:
    """A model with overlays.

    Attributes:
        model: on the CPU, in evaluation mode; shares no weights with the one from before, and is that one
            where nothing is laid.
        conflicts: pairs that had a label already, with what became of them.
        weights: of all labels in what the overlays add to the ridge regression, float32 [n]; with them the
            same overlays are laid again without solving. Of size 0 where there is no regression.
    """

    model: HyperPCM
    conflicts: tuple[Conflict, ...]
    weights: Float[Tensor, "n"]


def with_targets(
    model: HyperPCM, measurements: Interactions, name: str, origin: Mapping[str, Any] | None = None
) -> Extension:
    """Return the model as it is with more measurements in its memory; nothing is trained.

    A target that the memory does not hold gets a row with its embedding, its place along the axes of the
    alignment (as that of any target that is asked about) and its labels; a compound that it does not hold
    becomes a landmark compound. Labels of known targets are added to theirs. The ridge regression is extended
    in closed form (`hyperpcm.model.memory_ridge.extended_ridge`). Scalers, axes, calibration and all learned
    weights stay. `trained_model` and `hyperpcm.model.without_measurements` undo it, bit for bit.

    Args:
        model: on the CPU, with or without overlays; not mutated, but for the alignment of its memory to
            itself.
        measurements: each pair once, in the quantity of the model.
        name: what they are removed by.
        origin: where they come from (JSON values).

    Raises:
        InputError: the name cannot be used or is taken, or there are no measurements.
        LabelError: they are of another quantity than the model's labels.
        IncompatibleModelError: a target or compound encoder is not available.
    """
    overlay = overlay_of(model, measurements, name, origin)
    return with_overlays(trained_model(model), [*model.overlays, overlay])


def with_overlays(
    model: HyperPCM, overlays: Sequence[Overlay], weights: Float[Tensor, "n"] | None = None
) -> Extension:
    """Return a model with overlays over its memory; see `with_targets`.

    Args:
        model: on the CPU, without overlays; not mutated, but for the alignment of its memory to itself.
        overlays: in the order in which their targets and compounds are appended.
        weights: of an `Extension` by the same overlays, so that nothing is solved.

    Raises:
        InputError: two have one name.
        IncompatibleModelError: an overlay was not made for this model, or the weights for these overlays.
        ValueError: the model has overlays.
    """
    if model.overlaid is not None:
        raise ValueError("this model has overlays; lay them and others over `trained_model` of it")
    if not overlays:
        return Extension(model, (), torch.zeros(0))
    for place, overlay in enumerate(overlays):
        check_name(overlay.name, (one.name for one in overlays[:place]))
        _check_widths(model, overlay)
    added = Appended.of(model, overlays)
    tensors, header = bare_state(model)
    merged = merged_labels(model, overlays, added.targets, added.compounds)
    memory = ExtendedMemory(
        sequences=tuple(added.targets),
        rows=torch.cat([tensors["memory_rows"], torch.from_numpy(merged.rows)]),
        columns=torch.cat([tensors["memory_columns"], torch.from_numpy(merged.columns)]),
        values=torch.from_numpy(merged.values),
        landmarks=torch.cat([tensors["landmarks"], added.fingerprints]),
        ridge_columns=extended_columns(model, len(added.fingerprints)),
        similarity=added.similarity,
    )
    overlaid = _overlaid(model, overlays)
    found = torch.zeros(0)
    _check_weights(weights, 0 if model.ridge is None else len(memory.values), overlays)
    if model.ridge is not None:
        tensors["ridge.coefficients"], found = extended_ridge(model, memory, weights)
    tensors |= _memory_tensors(tensors, added, memory, model.landmark_width)
    header |= {
        "memory_sequences": list(added.targets),
        "memory_names": [*model.memory_names, *added.names],
        "landmark_compounds": list(added.compounds),
    }
    extended = rebuilt(model, tensors, header)
    extended.overlaid = overlaid
    extended.origin = _origin(model.origin, overlays, found)
    return Extension(extended, merged.conflicts, found)


def trained_model(model: HyperPCM) -> HyperPCM:
    """Return the model as it was before any overlay, bit for bit; the same model where there is none."""
    overlaid = model.overlaid
    if overlaid is None:
        return model
    tensors, header = bare_state(model)
    rows, compounds, labels = overlaid.targets, overlaid.compounds, len(overlaid.values)
    for name in ("memory_embeddings", "alignment.mean", "alignment.axes", "alignment.memory"):
        tensors[name] = tensors[name][:rows].clone()
    for name in ("memory_rows", "memory_columns"):
        tensors[name] = tensors[name][:labels].clone()
    tensors |= {
        "memory_values": overlaid.values.clone(),
        "landmarks": tensors["landmarks"][:compounds].clone(),
        "ridge_columns": tensors["ridge_columns"][: overlaid.ridge_landmarks].clone(),
    }
    if model.ridge is not None:
        tensors["ridge.coefficients"] = overlaid.coefficients.clone()
    if _PROFILES in tensors:
        tensors[_PROFILES] = tensors[_PROFILES][:compounds].clone()
    header |= {
        "memory_sequences": list(model.memory_sequences[:rows]),
        "memory_names": list(model.memory_names[:rows]),
        "landmark_compounds": list(model.landmark_compounds[:compounds]),
    }
    found = rebuilt(model, tensors, header)
    found.origin = _trained_origin(model)
    if model.memory_similarity is not None:
        found.memory_similarity = model.memory_similarity[:rows, :rows]
    return found


def _check_widths(model: HyperPCM, overlay: Overlay) -> None:
    """Refuse an overlay whose targets or compounds were encoded for another model."""
    asked = (model.target_encoder.width, model.landmarks.shape[1])
    found = (overlay.embeddings.shape[1], overlay.fingerprints.shape[1])
    if asked != found:
        raise IncompatibleModelError(
            f"the overlay {overlay.name!r} holds embeddings and fingerprints of {found[0]} numbers and "
            f"{found[1]} bytes, and this model reads {asked[0]} and {asked[1]}: it was made for another one."
        )


def _memory_tensors(
    before: Mapping[str, Tensor], added: Appended, memory: ExtendedMemory, width: int
) -> dict[str, Tensor]:
    """The tensors of the memory; axes of the alignment that are 0 leave every other place as it is."""
    behind = {
        "memory_embeddings": added.embeddings,
        "alignment.mean": torch.zeros(len(added.places)),
        "alignment.axes": torch.zeros_like(added.places),
        "alignment.memory": added.places,
    }
    if _PROFILES in before:
        behind[_PROFILES] = _profiles(before, added, width)
    return {
        "memory_rows": memory.rows,
        "memory_columns": memory.columns,
        "memory_values": memory.values,
        "landmarks": memory.landmarks,
        "ridge_columns": memory.ridge_columns,
        **{name: torch.cat([before[name], tensor]) for name, tensor in behind.items()},
    }


def _profiles(before: Mapping[str, Tensor], added: Appended, width: int) -> Float[Tensor, "b r"]:
    """Profiles of new landmarks, read from the known ones as in `ResidualPrior.over`."""
    known, new = (
        np.unpackbits(bits.numpy(), axis=1, count=width) for bits in (before["landmarks"], added.fingerprints)
    )
    return torch.from_numpy(read_profiles(new, known, before[_PROFILES].numpy()))


def _overlaid(model: HyperPCM, overlays: Sequence[Overlay]) -> Overlaid:
    """What has to be known to take the overlays off again."""
    ridge = model.ridge
    return Overlaid(
        overlays=tuple(overlays),
        targets=len(model.memory_sequences),
        compounds=len(model.landmark_compounds),
        ridge_landmarks=len(model.ridge_columns),
        values=model.memory_values.cpu().clone(),
        coefficients=torch.zeros(0, 0, 0) if ridge is None else ridge.coefficients.cpu().clone(),
        origin=model.origin,
    )


def _check_weights(weights: Tensor | None, labels: int, overlays: Sequence[Overlay]) -> None:
    if weights is not None and weights.shape != (labels,):
        raise IncompatibleModelError(
            f"the overlay {overlays[-1].name!r} holds weights of {weights.numel():,} labels, and with this "
            f"model there are {labels:,}: it was made for another one."
        )


def overlaid_origin(
    model: HyperPCM, overlays: Sequence[Overlay], weights: Float[Tensor, "n"] | None = None
) -> str:
    """Return `HyperPCM.origin` of a model with more overlays: a digest that stands for it and them.

    Args:
        model: with or without overlays.
        overlays: that are laid over them; its own origin where there is none.
        weights: with which they are laid, as of an `Extension`; None where they are solved for together, so
            that the digest is the same on every machine.
    """
    if not overlays:
        return model.origin
    return _origin(_trained_origin(model), [*model.overlays, *overlays], weights)


def _trained_origin(model: HyperPCM) -> str:
    """The origin of a model without its overlays; where that was in no file, one by the file of both."""
    if model.overlaid is None:
        return model.origin
    if model.overlaid.origin or not model.origin:
        return model.overlaid.origin
    return hashlib.sha256(f"without overlays: {model.origin}".encode()).hexdigest()


def _origin(before: str, overlays: Sequence[Overlay], weights: Tensor | None) -> str:
    digest = hashlib.sha256(before.encode())
    for overlay in overlays:
        digest.update(overlay.digest().encode())
    if weights is not None:
        digest.update(weights.numpy().tobytes())
    return digest.hexdigest() if before else ""
