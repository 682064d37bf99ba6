"""Trained models under names: those that ship in the package, those of a user, and the default among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.pretrained.choice import DefaultModel, choose, default_model, reset
    from hyperpcm.pretrained.loading import load_pretrained
    from hyperpcm.pretrained.packing import pack_model
    from hyperpcm.pretrained.registry import PretrainedModel, find_model, known_models

__all__ = [
    "DefaultModel",
    "PretrainedModel",
    "choose",
    "default_model",
    "find_model",
    "known_models",
    "load_pretrained",
    "pack_model",
    "reset",
]

_HOMES = {
    **dict.fromkeys(("DefaultModel", "choose", "default_model", "reset"), "choice"),
    **dict.fromkeys(("PretrainedModel", "find_model", "known_models"), "registry"),
    "load_pretrained": "loading",
    "pack_model": "packing",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
