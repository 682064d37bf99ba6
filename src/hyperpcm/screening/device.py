"""Device and precision with which compounds are scored: named by the user, checked against what is there."""

from __future__ import annotations

import re
from typing import Final

import torch

from hyperpcm.errors import ConfigError

__all__ = ["PRECISION_TOLERANCE", "check_device_name", "device_of", "dtype_of"]


PRECISION_TOLERANCE: Final = 0.03
"""Most that bfloat16 changes a score by, as a share of the labels' scale: their standard deviation, or 1."""


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


def dtype_of(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of the numbers that dense layers are multiplied in.

    Args:
        precision: ``float32`` or ``bfloat16``.
        device: where they are.

    Raises:
        ConfigError: no such precision, or the device has no products of its own in it: they would be slower.
    """
    if precision == "float32":
        return torch.float32
    if precision != "bfloat16":
        raise ConfigError(f"precision is {precision!r}; give float32 or bfloat16.")
    if device.type == "cuda":
        is_there = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        is_there = bool(torch.cpu._is_avx512_bf16_supported())
    if not is_there:
        raise ConfigError(
            f"precision is 'bfloat16', and this {'GPU' if device.type == 'cuda' else 'processor'} has no "
            "products in bfloat16; give float32."
        )
    return torch.bfloat16


def check_device_name(name: str) -> None:
    """Refuse what names no device anywhere.

    Raises:
        ConfigError: it is not of the names that `device_of` takes.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ConfigError(f"device is {name!r}; give auto, cpu or cuda, or cuda:1 for the second GPU.")
