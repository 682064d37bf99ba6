"""The tensors of a target model in few bytes: the same numbers, in the narrowest type that holds them all.

Whole numbers take the narrowest type for their range. Single precision becomes half precision, or bytes with
a step for each row, where that loses nothing, as it does for weights that `hyperpcm.target_model.rounding`
rounded. What then still repeats itself is deflated. What was done to a tensor stands in the header under
``packing``.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from hyperpcm.errors import CorruptModelError
from hyperpcm.target_model.rounding import bytes_of

__all__ = ["PACKING", "packed", "unpacked"]

PACKING: Final = "packing"
"""Entry of the header that says what was done to which tensor."""

_SMALL: Final = 1024  # bytes; a smaller tensor stays as it is
_WORTH: Final = 7 / 8  # deflated where it takes less than this
_LARGEST: Final = 2**30  # bytes of a tensor, so that a few bytes of a file cannot fill the memory
_NARROW: Final = (torch.uint8, torch.int8, torch.int16, torch.int32)
_STEPS: Final = ".steps"
_TYPES: Final = {
    str(kind).removeprefix("torch."): kind for kind in (*_NARROW, torch.int64, torch.float16, torch.float32)
}


def packed(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and header in fewer bytes; `unpacked` gives them back, bit for bit.

    Args:
        tensors: by name; not mutated.
        header: without an entry ``packing``.
    """
    found: dict[str, Tensor] = {}
    done: dict[str, Any] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        found[name] = plain
        if plain.numel() * plain.element_size() <= _SMALL or _name(plain) not in _TYPES:
            continue
        found |= _narrowed(name, plain)
        kept = found[name]
        deflated = _deflated(kept)
        if deflated is not None:
            found[name] = deflated
        if deflated is not None or kept.dtype != plain.dtype:
            done[name] = {"type": _name(plain), "kept": _name(kept), "shape": list(plain.shape)}
    return found, {**header, PACKING: done}


def unpacked(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and header as they were before `packed`.

    Raises:
        KeyError: the header says nothing of it.
        CorruptModelError: what the header says of a tensor does not fit it.
    """
    found, rest = dict(tensors), {name: value for name, value in header.items() if name != PACKING}
    for name, about in header[PACKING].items():
        try:
            found[name] = _restored(found, name, about)
        except (KeyError, TypeError, ValueError, RuntimeError, zlib.error) as error:
            raise CorruptModelError(
                f"tensor {name!r} is packed otherwise than the header says ({type(error).__name__}: {error})."
            ) from None
    return found, rest


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _narrowed(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """Return the tensor in the narrowest type that says the same, and its steps where it has some."""
    if tensor.dtype == torch.float32:
        in_bytes = bytes_of(tensor)
        if in_bytes is not None:
            return {name: in_bytes[0], name + _STEPS: in_bytes[1]}
        half = tensor.half()
        return {name: half if torch.equal(half.float(), tensor) else tensor}
    if tensor.is_floating_point():
        return {name: tensor}
    low, high = int(tensor.min()), int(tensor.max())
    fits = (kind for kind in _NARROW if torch.iinfo(kind).min <= low and high <= torch.iinfo(kind).max)
    return {name: tensor.to(next(fits, tensor.dtype))}


def _deflated(tensor: Tensor) -> Tensor | None:
    """Return its bytes deflated; None where that is not worth it."""
    plain = tensor.numpy().tobytes()
    deflated = zlib.compress(plain, 9)
    if len(deflated) > _WORTH * len(plain):
        return None
    return torch.from_numpy(np.frombuffer(deflated, dtype=np.uint8).copy())


def _restored(found: dict[str, Tensor], name: str, about: Mapping[str, Any]) -> Tensor:
    """Return one tensor as it was; its steps are taken out of what was found."""
    stored, kept, kind, shape = found[name], _TYPES[about["kept"]], _TYPES[about["type"]], about["shape"]
    if list(stored.shape) != shape or stored.dtype != kept:
        stored = _inflated(stored, kept, shape)
    if kept != torch.int8 or kind != torch.float32:
        return stored.to(kind)
    steps = found.pop(name + _STEPS)
    if steps.dtype != kind or list(steps.shape) != shape[:1]:
        raise ValueError(f"steps {_name(steps)} {list(steps.shape)} for {shape}")
    return stored.float() * steps[:, None]


def _inflated(stored: Tensor, kind: torch.dtype, shape: list[int]) -> Tensor:
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if stored.dtype != torch.uint8 or stored.ndim != 1 or not 0 <= size <= _LARGEST:
        raise ValueError(f"{_name(stored)} {list(stored.shape)} for {shape}")
    inflating = zlib.decompressobj()
    plain = inflating.decompress(stored.numpy().tobytes(), size + 1)
    if len(plain) != size or not inflating.eof or inflating.unused_data:
        raise ValueError(f"not {size:,} bytes")
    return torch.frombuffer(bytearray(plain), dtype=kind).reshape(shape)
