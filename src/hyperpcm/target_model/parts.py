"""The parts of a model, such as its calibration, in the tensors and the header that it is stored as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

__all__ = ["add_part", "is_of_part", "tensors_of"]


class Part(Protocol):
    """What a model holds, and stores with itself."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which it is built again."""


def add_part(name: str, part: Part | None, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Add the state of a part to that of the model that holds it.

    Args:
        name: of its entry in the header, and with a dot the start of the names of its tensors.
        part: None: nothing is added.
        tensors: of the model; added to.
        header: likewise.
    """
    if part is None:
        return
    own, header[name] = part.state()
    tensors |= {f"{name}.{key}": tensor for key, tensor in own.items()}


def tensors_of(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a part, by the names that it gave them."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): one for key, one in tensors.items() if key.startswith(prefix)}


def is_of_part(key: str, names: tuple[str, ...]) -> bool:
    """Return whether a tensor belongs to one of some parts, by its name."""
    return key.startswith(tuple(f"{name}." for name in names))
