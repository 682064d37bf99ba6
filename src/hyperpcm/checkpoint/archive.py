"""Archives: named tensors and a JSON header in one safetensors file that vouches for itself.

Any safetensors reader opens the file; its metadata holds one entry, ``hyperpcm``, with the document described
in `hyperpcm.checkpoint.document`. The document carries a sha256 of each tensor (of its type, shape and bytes)
and one of itself, because safetensors alone loads altered numbers without a word.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hyperpcm.checkpoint.document import KINDS, Document, compose_document, parse_document
from hyperpcm.datasets.output_files import atomic_file, check_output
from hyperpcm.encoders.base import Json
from hyperpcm.errors import CorruptModelError, DivergedError, IncompatibleModelError, InputError, OutputError

__all__ = [
    "MAX_HEADER_BYTES",
    "Archive",
    "archive_kind",
    "archive_size",
    "read_archive",
    "write_archive",
]

logger = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 2**20
"""Most that names, shapes and document may take together; a file that announces more is not read."""

_ENTRY = "hyperpcm"
_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_AGAIN = "Copy or download it again."


@dataclass(frozen=True, eq=False)
class Archive:
    """What a file held; every byte of it was checked.

    Attributes:
        kind: "model", "target_model" or "training_state".
        tensors: by name; on the CPU, contiguous, in memory of their own, without NaN or infinity.
        header: the JSON values that were stored.
        sha256: one digest that stands for kind, tensors and header together.
        hyperpcm_version: the version that wrote the file.
        format_version: of the file, counted for each kind by itself.
    """

    kind: str
    tensors: dict[str, Tensor]
    header: dict[str, Json]
    sha256: str
    hyperpcm_version: str
    format_version: int


def write_archive(
    path: Path,
    kind: str,
    tensors: Mapping[str, Tensor],
    header: Mapping[str, Json],
    *,
    overwrite: bool = False,
    version: int | None = None,
) -> None:
    """Write an archive, whole or not at all; equal content gives equal files.

    The tensors are streamed to a temporary file beside ``path``, which is flushed to the disk and renamed.
    Nothing is mutated. Tensors that share memory are stored one by one.

    Args:
        path: of the file.
        kind: "model", "target_model" or "training_state".
        tensors: by name; float, integer or bool, dense, of any shape.
        header: JSON values only, so that they come back as they are.
        overwrite: whether a file that is there may be replaced.
        version: of the format; None: the newest of this kind.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
        DivergedError: a tensor holds NaN or infinity.
        TypeError: something in the header is not JSON, or a tensor is of a type that is not stored.
        ValueError: an unknown kind, a tensor without a name, NaN in the header, a header beyond
            `MAX_HEADER_BYTES`.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "weights.safetensors"
    ...     write_archive(file, "model", {"weight": torch.ones(2)}, {"widths": [2]})
    ...     archive = read_archive(file, "model")
    >>> archive.tensors["weight"], archive.header
    (tensor([1., 1.]), {'widths': [2]})
    """
    path = Path(path)
    stored = {name: _settled(name, tensor) for name, tensor in tensors.items()}
    for name, tensor in stored.items():
        if fault := _not_finite(tensor):
            raise DivergedError(f"{path}: not written, for tensor {name!r} holds {fault}.")
    # Wide types first, so that each tensor lies at a multiple of its item size.
    order = sorted(stored, key=lambda name: (-stored[name].element_size(), name))
    try:
        check_output(path, overwrite=overwrite)
        digests = {name: _digest(tensor) for name, tensor in stored.items()}
        beginning = _beginning(
            {name: stored[name] for name in order}, compose_document(kind, header, digests, version)
        )
        with atomic_file(path, overwrite=overwrite) as stream:
            stream.write(beginning)
            for name in order:
                stream.write(_bytes(stored[name]))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}).") from error
    logger.info("%s: %s of %d tensors written", path, kind, len(stored))


def archive_size(kind: str, tensors: Mapping[str, Tensor], header: Mapping[str, Json]) -> int:
    """Return how many bytes `write_archive` would write."""
    stored = {name: _settled(name, tensor) for name, tensor in tensors.items()}
    digests = {name: _digest(tensor) for name, tensor in stored.items()}
    beginning = len(_beginning(stored, compose_document(kind, header, digests)))
    return beginning + sum(tensor.numel() * tensor.element_size() for tensor in stored.values())


def read_archive(path: Path, kind: str | None = None) -> Archive:
    """Return what an archive holds. Reading runs no code of the file and leaves it as it is.

    Args:
        path: of the file.
        kind: "model", "target_model" or "training_state", where it must be that.

    Raises:
        ValueError: an unknown kind was asked for.
        InputError: there is no such file, or it may not be read.
        CorruptModelError: the file is empty, truncated, altered or not a model file; a tensor is not finite.
        IncompatibleModelError: the file is whole, and of another kind or of a newer format version.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of archive; there are {', '.join(KINDS)}.")
    path = Path(path)
    with _opened(path) as (file, document):
        _check_kind(document, kind, path)
        tensors = _checked_tensors(file, document, path)
    return Archive(
        document.kind,
        tensors,
        document.header,
        document.seal,
        document.hyperpcm_version,
        document.format_version,
    )


def archive_kind(path: Path) -> str:
    """Return the kind of an archive; its document is checked, and no tensor is read.

    Raises:
        InputError: there is no such file, or it may not be read.
        CorruptModelError: the file is empty, truncated or not a model file, or its document was altered.
        IncompatibleModelError: the file is whole, and of a newer format version.
    """
    with _opened(Path(path)) as (_, document):
        return document.kind


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Document]]:
    """The tensors of a file, not read yet, and its document."""
    _check_start(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            text = (file.metadata() or {}).get(_ENTRY)
            if text is None:
                raise CorruptModelError(f"{path}: a safetensors file, but hyperpcm did not write it.")
            yield file, parse_document(text, path)
    except SafetensorError as error:
        raise CorruptModelError(f"{path}: the file is damaged ({error}). {_AGAIN}") from error


def _settled(name: str, tensor: Tensor) -> Tensor:
    """The tensor on the CPU, contiguous and without a graph."""
    if not isinstance(name, str) or not isinstance(tensor, Tensor):
        raise TypeError(f"an archive holds tensors by name, not {type(tensor).__name__} by {name!r}.")
    if not name.isprintable() or name in ("", "__metadata__"):
        raise ValueError(f"{name!r} cannot be the name of a tensor.")
    if tensor.layout != torch.strided or tensor.dtype not in _CODES:
        raise TypeError(
            f"tensor {name!r} is {tensor.layout} of {tensor.dtype}, which an archive does not hold."
        )
    return tensor.detach().cpu().contiguous()


def _bytes(tensor: Tensor) -> memoryview:
    if tensor.numel() == 0:  # its strides may be any, and then it cannot be seen as bytes
        return memoryview(b"")
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _copied(tensor: Tensor) -> Tensor:
    """The same bytes in memory of their own; a plain copy of truth values would mend odd ones unseen."""
    if tensor.numel() == 0:
        return tensor.clone()
    return tensor.reshape(-1).view(torch.uint8).clone().view(tensor.dtype).reshape(tensor.shape)


def _digest(tensor: Tensor) -> str:
    """The sha256 of type, shape and bytes: a shape such as [0, 2] is told by no byte."""
    digest = hashlib.sha256(f"{_CODES[tensor.dtype]} {list(tensor.shape)}\n".encode("ascii"))
    digest.update(_bytes(tensor))
    return digest.hexdigest()


def _not_finite(tensor: Tensor) -> str:
    """In words, what is not a number in it; empty if nothing."""
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()):
        return ""
    nans = int(torch.isnan(tensor).sum())
    return f"{nans} NaN" if nans else f"{int(torch.isinf(tensor).sum())} infinite values"


def _beginning(tensors: Mapping[str, Tensor], document: str) -> bytes:
    """Length and JSON of a safetensors file, with the tensors one after the other behind it.

    Written here and not by the library, whose writer takes a path and not a stream, or else the whole file in
    memory once more, and shuffles the metadata.

    Source: https://huggingface.co/docs/safetensors, section "Format".
    """
    entries: dict[str, Any] = {"__metadata__": {_ENTRY: document}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": _CODES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {len(text):,} bytes; an archive holds at most {MAX_HEADER_BYTES:,}.")
    return struct.pack("<Q", len(text)) + text


def _check_start(path: Path) -> None:
    """Refuse what is no safetensors file, before anything interprets it."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    if not path.is_file():
        raise InputError(f"{path}: this is not a file. Give the path of a model file.")
    try:
        with path.open("rb") as stream:
            start, size = stream.read(9), os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror}).") from error
    length, limit = int.from_bytes(start[:8], "little"), MAX_HEADER_BYTES
    if size == 0:
        raise CorruptModelError(f"{path}: the file is empty. {_AGAIN}")
    if start[8:] != b"{":
        if start.startswith((b"PK\x03\x04", b"\x80")):
            raise CorruptModelError(
                f"{path}: this looks like a pickle, as torch.save writes it. Opening such a file can run "
                "code, so it was not read. Give a file that hyperpcm wrote."
            )
        raise CorruptModelError(f"{path}: this is not a model file, or only the start of one.")
    if length > limit:
        raise CorruptModelError(
            f"{path}: announces a header of {length:,} bytes; at most {limit:,} are read."
        )
    if 8 + length > size:
        raise CorruptModelError(
            f"{path}: truncated: the header ends at byte {8 + length:,} of {size:,}. {_AGAIN}"
        )


def _check_kind(document: Document, kind: str | None, path: Path) -> None:
    if kind is not None and document.kind != kind:
        raise IncompatibleModelError(f"{path}: this is {KINDS[document.kind]}, not {KINDS[kind]}.")


def _checked_tensors(file: Any, document: Document, path: Path) -> dict[str, Tensor]:
    """Copies of all tensors; what is checked is the copy, so that nothing changes afterwards."""
    names = sorted(file.keys())
    if differing := sorted(set(names) ^ document.sha256.keys()):
        raise CorruptModelError(
            f"{path}: tensors missing or not announced: {', '.join(differing[:5])}. {_AGAIN}"
        )
    tensors = {}
    for name in names:
        if file.get_slice(name).get_dtype() not in _CODES.values():
            raise CorruptModelError(f"{path}: tensor {name!r} is of a type that hyperpcm does not write.")
        tensor = _copied(file.get_tensor(name))
        if _digest(tensor) != document.sha256[name]:
            raise CorruptModelError(f"{path}: tensor {name!r} was altered: its sha256 does not fit. {_AGAIN}")
        if fault := _not_finite(tensor):
            raise CorruptModelError(f"{path}: tensor {name!r} holds {fault}.")
        tensors[name] = tensor
    return tensors
