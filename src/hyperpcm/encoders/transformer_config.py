"""What the configuration of a transformer says about it, read without loading anything."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from hyperpcm.encoders.base import Side
from hyperpcm.errors import ConfigError

__all__ = ["Family", "Profile", "profile_of"]

Family: TypeAlias = Literal["esm", "bert", "t5", "roberta"]
"""The ``model_type`` of a configuration: which class of `transformers` it is loaded as."""

FAMILIES: Final[dict[Side, tuple[Family, ...]]] = {
    "target": ("esm", "bert", "t5"),
    "compound": ("roberta", "bert"),
}
"""Which classes read one residue per token, and which read SMILES."""

_LONGEST: Final = 2048
"""Tokens read at once where the configuration allows more: attention grows with the square."""


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """The shape of a transformer.

    Attributes:
        family: which class it is.
        hidden: numbers per token.
        layers: blocks of the encoder.
        limit: tokens that it reads at once, the special ones not counted.
    """

    family: Family
    hidden: int
    layers: int
    limit: int


def profile_of(folder: Path, side: Side | None = None) -> Profile:
    """Read ``config.json`` of a folder.

    Args:
        folder: holds it.
        side: what the transformer is to read; None is either.

    Raises:
        ConfigError: no such file, not a configuration, or of a class that is not supported for that side.
    """
    path = folder / "config.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        family = stated["model_type"]
        if family in get_args(Family):
            profile = _profile(family, stated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is not the configuration of a transformer ({error!r}).") from error
    supported = get_args(Family) if side is None else FAMILIES[side]
    if family not in supported:
        of = "" if side is None else f" for {side}s"
        raise ConfigError(
            f"{path} describes a model of type {family!r}; supported{of}: {', '.join(supported)}. "
            "Code that comes with a model is never run."
        )
    return profile


def _profile(family: Family, stated: dict[str, Any]) -> Profile:
    if family == "t5":
        return Profile(family, int(stated["d_model"]), int(stated["num_layers"]), _LONGEST - 1)
    positions = int(stated["max_position_embeddings"])
    if family in ("esm", "roberta"):  # their positions are counted from the padding token's number on
        positions -= int(stated.get("pad_token_id", 1)) + 1
    tokens = min(positions, _LONGEST)
    return Profile(family, int(stated["hidden_size"]), int(stated["num_hidden_layers"]), tokens - 2)
