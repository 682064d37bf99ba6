"""The JSON document of an archive: what the file is, its header, and the sha256 of everything in it.

    {"format": "hyperpcm", "format_version": …, "kind": …, "hyperpcm_version": …,
     "sha256": {tensor name: hex digest}, "header": {…}, "document_sha256": hex digest}

The last entry is the digest of the document without it. It and the way the document is spelt (ASCII, no
white space, keys in the order written) stay the same in every format version, so that an altered file is told
from a newer one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpcm import __version__
from hyperpcm.encoders.base import Json
from hyperpcm.errors import CorruptModelError, IncompatibleModelError

__all__ = ["FORMAT_VERSIONS", "KINDS", "Document", "check_json", "compose_document", "parse_document"]

FORMAT_VERSIONS = {"model": 2, "target_model": 2, "training_state": 1, "overlay": 1}
"""Of each kind, the newest format that this version reads, and the one that it writes. Older ones are read.

Models: 2 has a state in few bytes, see `hyperpcm.checkpoint.compact`; others are written as 1, which older
versions read too.
Target models: 2 has packed tensors, see `hyperpcm.checkpoint.packing`.
"""

KINDS = {
    "model": "a trained model (hyperpcm.load_model)",
    "target_model": "the compiled model of one target (hyperpcm.load_target_model)",
    "training_state": "the state of an unfinished training (resume the training)",
    "overlay": "measurements laid over a trained model (hyperpcm memory)",
}
"""What an archive can be, each with words for a person."""

_FORMAT = "hyperpcm"
_SEAL = "document_sha256"
_TYPES = {
    "format": str,
    "format_version": int,
    "kind": str,
    "hyperpcm_version": str,
    "sha256": dict,
    "header": dict,
}


@dataclass(frozen=True)
class Document:
    """A document whose seal was checked.

    Attributes:
        kind: one of `KINDS`.
        header: what the caller of the archive stored.
        sha256: digest of each tensor by name.
        hyperpcm_version: the version that wrote it.
        format_version: of the file.
        seal: digest of the document, and so of all that it vouches for.
    """

    kind: str
    header: dict[str, Json]
    sha256: Mapping[str, str]
    hyperpcm_version: str
    format_version: int
    seal: str


def check_json(value: object, where: str = "header") -> None:
    """Refuse what would not come back from JSON as it went in, such as tuples and NumPy scalars.

    Raises:
        TypeError: a value or key of another type than JSON has.
        ValueError: a number that is not finite.
    """
    if isinstance(value, dict) and type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(
                    f"{where}: the key {key!r} is a {type(key).__name__}; JSON has text keys only."
                )
            check_json(item, f"{where}[{key!r}]")
    elif isinstance(value, list) and type(value) is list:
        for position, item in enumerate(value):
            check_json(item, f"{where}[{position}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which JSON does not hold; store None.")
    elif value is not None and type(value) not in (bool, int, str):
        raise TypeError(
            f"{where} is a {type(value).__module__}.{type(value).__name__}, which JSON does not hold."
        )


def compose_document(
    kind: str, header: Mapping[str, Json], sha256: Mapping[str, str], version: int | None = None
) -> str:
    """Return the text of a sealed document.

    Args:
        kind: one of `KINDS`.
        header: JSON values, exactly as they shall come back.
        sha256: digest of each tensor by name.
        version: of the format; None: the newest.

    Raises:
        TypeError: the header holds something else than JSON has.
        ValueError: an unknown kind; a number that is not finite.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of archive; there are {', '.join(KINDS)}.")
    check_json(dict(header))
    document = {
        "format": _FORMAT,
        "format_version": FORMAT_VERSIONS[kind] if version is None else version,
        "kind": kind,
        "hyperpcm_version": __version__,
        "sha256": dict(sorted(sha256.items())),
        "header": dict(header),
    }
    return _spelt({**document, _SEAL: _digest(document)})


def parse_document(text: str, path: Path) -> Document:
    """Return the document that a text holds.

    Args:
        text: as `compose_document` gave it.
        path: of the file, for messages.

    Raises:
        CorruptModelError: the text was altered, or is not such a document.
        IncompatibleModelError: it is whole, and of a format version or kind unknown to this version.
    """
    document = _unsealed(text, path)
    if document.get("format") != _FORMAT:
        raise CorruptModelError(f"{path}: this is not a file of hyperpcm ({document.get('format')!r}).")
    version, writer = document.get("format_version"), document.get("hyperpcm_version")
    newest = FORMAT_VERSIONS.get(str(document.get("kind")), max(FORMAT_VERSIONS.values()))
    if type(version) is int and version > newest:
        raise IncompatibleModelError(
            f"{path}: the file has format version {version} and was written by hyperpcm {writer}; this is "
            f"hyperpcm {__version__}, which reads versions up to {newest}. Upgrade it: "
            "pip install --upgrade hyperpcm"
        )
    differing = sorted((document.keys() ^ _TYPES.keys()) - {_SEAL})
    if differing:
        raise CorruptModelError(f"{path}: entries missing from the file or unknown: {', '.join(differing)}.")
    wrong = [name for name, kind in _TYPES.items() if type(document[name]) is not kind]
    if wrong or document["format_version"] < 1:
        raise CorruptModelError(f"{path}: the entry {(wrong or ['format_version'])[0]!r} makes no sense.")
    if document["kind"] not in KINDS:
        raise IncompatibleModelError(
            f"{path}: hyperpcm {writer} wrote a {document['kind']!r}, which this version {__version__} does "
            f"not know; it knows {', '.join(KINDS)}."
        )
    return Document(
        document["kind"],
        document["header"],
        document["sha256"],
        document["hyperpcm_version"],
        document["format_version"],
        document[_SEAL],
    )


def _unsealed(text: str, path: Path) -> dict[str, Any]:
    """The document of a text that is spelt as it was written and whose seal fits."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise CorruptModelError(f"{path}: this is not a file of hyperpcm.")
        content = {name: value for name, value in document.items() if name != _SEAL}
        intact = _spelt(document) == text and _digest(content) == document.get(_SEAL)
    except (ValueError, RecursionError) as error:
        raise CorruptModelError(f"{path}: the header cannot be read ({error}). {_GET_ANOTHER}") from error
    if not intact:
        raise CorruptModelError(f"{path}: the header was altered: its sha256 does not fit. {_GET_ANOTHER}")
    return document


_GET_ANOTHER = "Copy or download the file again."


def _spelt(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_spelt(document).encode("ascii")).hexdigest()
