"""The device on which compounds are scored: named by the user, checked against what is there."""

from __future__ import annotations

import re

import torch

from hyperpcm.errors import ConfigError

__all__ = ["check_device_name", "device_of"]


def device_of(name: str) -> torch.device:
    """Return the device of a name.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:N`` for the N-th GPU from 0, or ``auto``: a GPU where torch sees one.

    Raises:
        ConfigError: no such name, or torch sees no such GPU.
    """
    check_device_name(name)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not gpus):
        return torch.device("cpu")
    if not gpus:
        raise ConfigError(f"device is {name!r}, and torch sees no GPU here; give cpu.")
    number = int(name.partition(":")[2] or 0)
    if number >= gpus:
        raise ConfigError(f"device is {name!r}, and torch sees {gpus} GPUs here, the first of them cuda:0.")
    return torch.device("cuda" if name == "auto" else name)


def check_device_name(name: str) -> None:
    """Refuse what names no device anywhere.

    Raises:
        ConfigError: it is not of the names that `device_of` takes.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ConfigError(f"device is {name!r}; give auto, cpu or cuda, or cuda:1 for the second GPU.")
