"""Overlays to files and back: measurements that are laid over one trained model, and nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.checkpoint.archive import read_archive, write_archive
from hyperpcm.checkpoint.consistency import check_state
from hyperpcm.checkpoint.models import load_model
from hyperpcm.errors import CorruptModelError, HyperpcmError, IncompatibleModelError, ModelFileError

if TYPE_CHECKING:
    from hyperpcm.model import Extension, HyperPCM, Overlay

__all__ = ["StoredOverlay", "laid", "load_overlaid", "load_overlay", "save_overlay"]

_WEIGHTS: Final = "weights"
_HEADER: Final = {"overlay", "model_sha256", "change"}


@dataclass(frozen=True, eq=False)
class StoredOverlay:
    """What the file of an overlay holds.

    Attributes:
        overlay: the measurements.
        weights: as of an `Extension`: with them nothing has to be solved.
        model: sha256 of the model that it was made for (`HyperPCM.origin`).
        change: what laying it changes, as from `hyperpcm.model.history.card_entry`.
    """

    overlay: Overlay
    weights: Float[Tensor, "n"]
    model: str
    change: Mapping[str, Any]


def save_overlay(stored: StoredOverlay, path: Path, *, overwrite: bool = False) -> None:
    """Write an overlay; ``project.hpm`` by custom.

    Args:
        stored: not mutated.
        path: of the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    tensors, header = stored.overlay.state()
    header = {"overlay": header, "model_sha256": stored.model, "change": dict(stored.change)}
    write_archive(path, "overlay", {**tensors, _WEIGHTS: stored.weights}, header, overwrite=overwrite)


def load_overlay(path: Path) -> StoredOverlay:
    """Return the overlay in a file.

    Raises:
        InputError: there is no such file.
        CorruptModelError: the file is truncated, altered, or describes no overlay.
        IncompatibleModelError: it is whole, and of another kind or of a newer format version.
    """
    from hyperpcm.model import Overlay
    from hyperpcm.model.card import change_line

    archive = read_archive(Path(path), "overlay")
    try:
        tensors = dict(archive.tensors)
        weights = tensors.pop(_WEIGHTS)
        header: Any = archive.header
        if header.keys() != _HEADER or weights.dtype != torch.float32 or weights.ndim != 1:
            raise IncompatibleModelError("entries of the header missing or left over, or odd weights.")
        overlay = Overlay.from_state(tensors, header["overlay"])
        check_state((tensors, header["overlay"]), overlay.state())
        change_line(header["change"])  # the card of the model will tell it
        return StoredOverlay(overlay, weights, str(header["model_sha256"]), dict(header["change"]))
    except ModelFileError as error:
        raise type(error)(f"{path}: {error}") from error
    except (HyperpcmError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CorruptModelError(
            f"{path}: the file is whole, but describes no overlay ({type(error).__name__}: {error})."
        ) from error


def load_overlaid(path: Path, overlays: Sequence[Path]) -> HyperPCM:
    """Return the model in a file with the overlays in others.

    Args:
        path: of the model.
        overlays: files, in the order in which they are laid.

    Raises:
        InputError: there is no such file, or two overlays have one name.
        CorruptModelError: a file is truncated or altered.
        IncompatibleModelError: an overlay was made for another model.
    """
    return laid(load_model(path), overlays).model


def laid(model: HyperPCM, overlays: Sequence[Path]) -> Extension:
    """Return a model with the overlays in files; see `load_overlaid`.

    An overlay goes with the model that it was made for, alone or with others made for it, and with the
    overlays that were laid when it was made. Where the regression was not solved for just these overlays
    together, it is.

    Args:
        model: as loaded; not mutated, and given back where no overlay is named.
        overlays: files, in the order in which they are laid.

    Raises:
        InputError: there is no such file, or two overlays have one name.
        CorruptModelError: a file is truncated or altered.
        IncompatibleModelError: an overlay was made for another model.
    """
    from hyperpcm.model import Extension, trained_model, with_overlays
    from hyperpcm.model.extension import overlaid_origin
    from hyperpcm.model.history import with_history

    if not overlays:
        return Extension(model, (), torch.zeros(0))
    found: list[Overlay] = []
    weights: Tensor | None = None
    history: list[Mapping[str, Any]] = []
    for path in overlays:
        stored = load_overlay(path)
        expected = overlaid_origin(model, found, weights)
        if not stored.model or stored.model not in (model.origin, expected):
            made_for = f"sha256 {stored.model[:12]}…" if stored.model else "which was in no file"
            raise IncompatibleModelError(
                f"{path}: this overlay was made for another model ({made_for}; this one is "
                f"{model.origin[:12]}…). Add the measurements to this model: hyperpcm memory add"
            )
        weights = stored.weights if stored.model == expected else None
        found.append(stored.overlay)
        history.append(stored.change)
    extension = with_overlays(trained_model(model), [*model.overlays, *found], weights)
    if weights is None:  # the last digits of what was solved here are others on another machine
        extension.model.origin = overlaid_origin(model, found)
    with_history(extension.model, history)
    return extension
