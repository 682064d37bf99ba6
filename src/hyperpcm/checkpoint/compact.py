"""Trained models in few bytes: the same tensors and texts, in the form that takes the least of a file.

The tensors of a state become bytes, see `hyperpcm.checkpoint.number_code` and, for the fingerprints of the
landmark compounds, `hyperpcm.checkpoint.fingerprint_code`; so do long lists of texts in the header. What was
done stands in the header under ``compact``. The file is read back into the state that it was made from, bit
for bit: nothing but the reading knows of this form.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.checkpoint.fingerprint_code import decoded_fingerprints, encoded_fingerprints
from hyperpcm.checkpoint.number_code import decoded_numbers, deflated, encoded_numbers, inflated
from hyperpcm.errors import CorruptModelError

__all__ = ["COMPACT", "Memo", "compacted", "expanded"]

Memo = dict[Any, tuple[bytes, dict[str, Any]]]
"""Encoded tensors by name and content."""

COMPACT: Final = "compact"
"""Entry of the header that says what was done to which tensor and text."""

_SMALL: Final = 1024  # bytes; a smaller tensor or text stays as it is
_FINGERPRINTS: Final = "landmarks"
_TEXTS: Final = ("memory_sequences", "memory_names", "landmark_compounds")
_OF_TEXTS: Final = "texts."  # before the name of a tensor that holds texts
_BETWEEN: Final = "\n"
_KINDS: Final = (torch.float32, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def compacted(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any], memo: Memo | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return a model's state in few bytes; `expanded` gives it back, bit for bit.

    Args:
        tensors: by name; not mutated.
        header: without an entry ``compact``.
        memo: what was found before, for states that differ in some tensors alone; this is added to it.
    """
    memo = {} if memo is None else memo
    found: dict[str, Tensor] = {}
    of_tensors: dict[str, Any] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        found[name] = plain
        if plain.numel() * plain.element_size() <= _SMALL or plain.dtype not in _KINDS:
            continue
        array = plain.numpy()
        key = (name, str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in memo:
            memo[key] = _encoded(name, array)
        text, about = memo[key]
        if len(text) < plain.numel() * plain.element_size():
            found[name], of_tensors[name] = _tensor(text), about
    rest, texts = dict(header), []
    for name in _TEXTS:
        joined = _BETWEEN.join(header[name])
        if len(joined) > _SMALL and joined.count(_BETWEEN) == len(header[name]) - 1:
            found[_OF_TEXTS + name] = _tensor(deflated(joined.encode()))
            texts.append(name)
            del rest[name]
    return found, {**rest, COMPACT: {"tensors": of_tensors, "texts": texts}}


def expanded(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return a model's state as it was before `compacted`.

    Raises:
        CorruptModelError: what the header says of a tensor or text does not fit it.
    """
    found, rest = dict(tensors), {name: value for name, value in header.items() if name != COMPACT}
    try:
        about = header[COMPACT]
        names = [*about["tensors"], *(_OF_TEXTS + name for name in about["texts"])]
        for name in names:
            try:
                plain = found.pop(name) if name.startswith(_OF_TEXTS) else found[name]
                if plain.dtype != torch.uint8 or plain.ndim != 1:
                    raise ValueError(f"{plain.dtype} of {plain.ndim} axes")
                text = plain.numpy().tobytes()
                if name.startswith(_OF_TEXTS):
                    rest[name.removeprefix(_OF_TEXTS)] = inflated(text).decode().split(_BETWEEN)
                else:
                    found[name] = _decoded(text, about["tensors"][name])
            except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
                raise CorruptModelError(
                    f"tensor {name!r} is stored otherwise than the header says ({type(error).__name__}: "
                    f"{error})."
                ) from None
    except (KeyError, TypeError) as error:
        raise CorruptModelError(
            f"the header does not say how it is stored ({type(error).__name__}: {error})."
        ) from None
    return found, rest


def _encoded(name: str, array: npt.NDArray[Any]) -> tuple[bytes, dict[str, Any]]:
    if name == _FINGERPRINTS and array.ndim == 2 and array.dtype == np.uint8:
        return deflated(encoded_fingerprints(array)), {"form": "fingerprints", "shape": list(array.shape)}
    return encoded_numbers(array)


def _decoded(text: bytes, about: Mapping[str, Any]) -> Tensor:
    if about["form"] != "fingerprints":
        return torch.from_numpy(decoded_numbers(text, about))
    rows, width = map(int, about["shape"])
    return torch.from_numpy(decoded_fingerprints(inflated(text), (rows, width)))


def _tensor(text: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())
