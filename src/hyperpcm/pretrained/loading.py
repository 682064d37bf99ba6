"""A trained model by its name, for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.pretrained.registry import DEFAULT_NAME, model_named

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM

__all__ = ["load_pretrained"]


def load_pretrained(name: str = DEFAULT_NAME) -> HyperPCM:
    """Return the trained model of a name: one that ships, or one that was added.

    Args:
        name: as `hyperpcm models list` tells it; the model that ships if not given, whatever the user's
            default is, so that a program gives the same numbers for everyone.

    Raises:
        InputError: there is none of this name.
        ModelFileError: its file cannot be used.
    """
    from hyperpcm.checkpoint import load_model

    return load_model(model_named(name).path)
