"""Tensors in few bytes, the same numbers bit for bit: as whole numbers where they are such, and deflated.

Numbers in single precision are whole multiples of a power of two where they were rounded to such, as
`hyperpcm.model.shrinking` does; one power for all, one for each row, or one for each column. Whole numbers
are told as they are, by how they differ from the one before, or from their own place. Wider ones than a byte
are told byte by byte: all lowest bytes first. Of all these forms the one is kept that takes the least.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["decoded_numbers", "deflated", "encoded_numbers", "inflated"]

_LARGEST: Final = 2**30  # bytes of a tensor, so that a few bytes of a file cannot fill the memory
_LEVEL: Final = 6  # of deflating; more takes several times as long for the last percent
_WIDEST: Final = 2  # bytes of a whole number that stands for one in single precision
_ODD: Final = 2**24  # a number in single precision is a whole one below this times a power of two
_NONE: Final = 10_000  # the power of two that 0 is a multiple of, and so of any
_STEPS: Final = ("as they are", "from the one before", "from their place")
_WHOLE: Final = ("uint8", "int16", "int32", "int64", "int8")

Array = npt.NDArray[Any]


def deflated(text: bytes) -> bytes:
    """Return the text in fewer bytes; of two ways of looking for what repeats itself the better one."""
    found = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        deflating = zlib.compressobj(_LEVEL, strategy=strategy)
        found.append(deflating.compress(text) + deflating.flush())
    return min(found, key=len)


def inflated(text: bytes, most: int = _LARGEST) -> bytes:
    """Return what `deflated` was given.

    Args:
        most: bytes.

    Raises:
        ValueError: it is longer, or this is not all of it.
        zlib.error: it is no such text.
    """
    inflating = zlib.decompressobj()
    plain = inflating.decompress(text, min(most, _LARGEST) + 1)
    if len(plain) > most or not inflating.eof or inflating.unused_data:
        raise ValueError(f"not up to {most:,} bytes")
    return plain


def encoded_numbers(array: Array) -> tuple[bytes, dict[str, Any]]:
    """Return the numbers in few bytes, and how they are told (JSON values); `decoded_numbers` reads both.

    Args:
        array: of whole numbers or of single precision; not mutated.
    """
    if array.dtype == np.float32:
        grids = list(_on_grids(array))
        tried = [min(grids, key=lambda one: _entropy(one[0]))] if grids else [_as_planes(array)]
    else:
        tried = list(_as_whole(array))
    texts = [(deflated(text), about) for text, about in tried]
    text, about = min(texts, key=lambda one: len(one[0]))
    return text, {"type": str(array.dtype), "shape": list(array.shape), **about}


def decoded_numbers(text: bytes, about: Mapping[str, Any]) -> Array:
    """Return the array that `encoded_numbers` was given.

    Raises:
        KeyError, TypeError, ValueError, zlib.error: the two do not go together.
    """
    shape, kind = [int(size) for size in about["shape"]], np.dtype(about["type"])
    number = int(np.prod(shape, dtype=np.int64))
    if min(shape, default=0) < 0 or not 0 <= number * kind.itemsize <= _LARGEST:
        raise ValueError(f"an array of {shape}")
    if about["form"] in ("planes", "grid") and kind != np.float32:
        raise ValueError(f"the form {about['form']!r} of {kind}")
    if about["form"] == "planes":
        plain = _joined(inflated(text, 4 * number), number, 4)
        return plain.view(np.float32).reshape(shape)
    if about["form"] == "grid":
        return _off_grid(inflated(text), shape, about)
    if about["form"] != "whole" or kind.name not in _WHOLE:
        raise ValueError(f"the form {about['form']!r} of {kind}")
    width, step = int(about["bytes"]), _STEPS.index(about["step"])
    whole = _joined(inflated(text, width * number), number, width).astype(np.int64)
    if step == 1:
        whole = np.cumsum(whole)
    if step == 2:
        whole += np.arange(number)
    limits = np.iinfo(kind)
    if number and not limits.min <= whole.min() <= whole.max() <= limits.max:
        raise ValueError(f"a number beyond {kind}")
    return whole.astype(kind).reshape(shape)


def _as_planes(array: Array) -> tuple[bytes, dict[str, Any]]:
    """The way to tell any numbers in single precision."""
    return _planes(array.reshape(-1).view(np.int32), 4), {"form": "planes"}


def _entropy(text: bytes) -> float:
    """About how many bits a text takes where nothing in it repeats itself."""
    counts = np.bincount(np.frombuffer(text, dtype=np.uint8), minlength=1)
    counts = counts[counts > 0]
    return float((counts * np.log2(len(text) / counts)).sum())


def _as_whole(array: Array) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The ways to tell whole numbers."""
    plain = array.reshape(-1).astype(np.int64)
    for step, numbers in zip(
        _STEPS, (plain, np.diff(plain, prepend=0), plain - np.arange(len(plain))), strict=True
    ):
        width = _bytes_of(numbers)
        yield _planes(numbers, width), {"form": "whole", "bytes": width, "step": step}


def _on_grids(array: Array) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The ways to tell numbers as multiples of powers of two, where they are no wider than two bytes."""
    if not array.size:
        return
    powers = _powers(array)
    # The last axis alone, the first alone, none of them.
    for axis in (None, 0, array.ndim - 1) if array.ndim > 1 else (None,):
        kept = tuple(one for one in range(array.ndim) if one != axis)
        lowest = powers.min(axis=kept, keepdims=True)
        lowest = np.where(lowest == _NONE, 0, lowest)
        numbers = np.ldexp(array.astype(np.float64), -lowest)
        if np.abs(numbers).max() >= 2 ** (8 * _WIDEST - 1):
            continue
        whole = numbers.astype(np.int64).reshape(-1)
        width = _bytes_of(whole)
        if width > _WIDEST:
            continue
        text = lowest.reshape(-1).astype("<i2").tobytes() + _planes(whole, width)
        about = {"form": "grid", "axis": axis, "bytes": width}
        if np.array_equal(_off_grid(text, list(array.shape), about).view(np.int32), array.view(np.int32)):
            yield text, about  # a zero with a sign is on no grid


def _off_grid(text: bytes, shape: list[int], about: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    axis, width = about["axis"], int(about["bytes"])
    if axis not in (None, *range(len(shape))):
        raise ValueError(f"axis {axis!r} of {len(shape)}")
    sizes = [size if place == axis else 1 for place, size in enumerate(shape)]
    head = 2 * int(np.prod(sizes))
    powers = np.frombuffer(text[:head], dtype="<i2").reshape(sizes)
    if not -150 < powers.min() <= powers.max() < 128:
        raise ValueError("a power of two beyond single precision")
    number = int(np.prod(shape, dtype=np.int64))
    found = _joined(text[head:], number, width).reshape(shape).astype(np.float32)
    found *= np.ldexp(np.float32(1), powers.astype(np.int32))  # exact: a power of two
    return found


def _powers(array: Array) -> npt.NDArray[np.int64]:
    """The largest power of two that each number is a multiple of."""
    mantissa, exponent = np.frexp(array.astype(np.float64))
    whole = np.abs(mantissa * _ODD).astype(np.int64)
    lowest = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return np.where(whole == 0, _NONE, exponent.astype(np.int64) - 24 + lowest)


def _bytes_of(numbers: npt.NDArray[np.int64]) -> int:
    """How many bytes hold the widest of some whole numbers."""
    if not len(numbers):
        return 1
    low, high = int(numbers.min()), int(numbers.max())
    return next(
        width for width in (1, 2, 4, 8) if -(2 ** (8 * width - 1)) <= low and high < 2 ** (8 * width - 1)
    )


def _planes(numbers: npt.NDArray[Any], width: int) -> bytes:
    """The numbers byte by byte, all lowest bytes first."""
    whole = np.ascontiguousarray(numbers, dtype=f"<i{width}")
    return np.ascontiguousarray(whole.view(np.uint8).reshape(-1, width).T).tobytes()


def _joined(text: bytes, number: int, width: int) -> npt.NDArray[Any]:
    """The numbers of `_planes`."""
    if width not in (1, 2, 4, 8) or len(text) != number * width:
        raise ValueError(f"not {number:,} numbers of {width} bytes")
    planes = np.frombuffer(text, dtype=np.uint8).reshape(width, number)
    return np.ascontiguousarray(planes.T).reshape(-1).view(f"<i{width}")
