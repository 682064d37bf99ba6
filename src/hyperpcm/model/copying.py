"""The state of a model as its memory is changed, and the model that is made of the changed state."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["bare_state", "rebuilt"]


def bare_state(model: HyperPCM) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors on the CPU and header of a model, without what is known of its overlays.

    Args:
        model: not mutated; the header is a copy, the tensors are its own where they are on the CPU.
    """
    tensors, header = model.state()
    own = {
        name: tensor.detach().cpu() for name, tensor in tensors.items() if not name.startswith("overlaid.")
    }
    return own, {name: copy.deepcopy(value) for name, value in header.items() if name != "overlaid"}


def rebuilt(model: HyperPCM, tensors: dict[str, Tensor], header: dict[str, Any]) -> HyperPCM:
    """Return the model of a changed state; no random number of the caller is used.

    Args:
        model: whose state it was.
        tensors: as from `bare_state`, changed.
        header: likewise.

    Raises:
        IncompatibleModelError: as `HyperPCM.from_state`.
    """
    with torch.random.fork_rng(devices=[]):
        return type(model).from_state(tensors, header)
