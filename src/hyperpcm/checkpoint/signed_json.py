"""JSON documents that tell whether they were altered: a digest in each, and a signature where there is a key.

A document is spelt in one way (sorted keys, ASCII, no white space) without its entries ``sha256`` and
``signature``; the first is the sha256 of that text, the second its HMAC-SHA256 (RFC 2104) with a secret key.
The digest tells of accidents only, for whoever alters the document can compute it again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from hyperpcm.checkpoint.document import check_json
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import CorruptModelError, InputError

__all__ = ["read_key", "verified", "write_signed"]

_DIGEST: Final = "sha256"
_SIGNATURE: Final = "signature"
_SHORTEST: Final = 16  # bytes of a key
_LARGEST: Final = 64 * 2**20  # bytes of a document


def read_key(path: Path) -> bytes:
    """Return the key in a file, without white space at its end.

    Raises:
        InputError: there is no such file, it cannot be read, or its key is shorter than 16 bytes.
    """
    try:
        key = Path(path).read_bytes().rstrip()
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read ({error.strerror}).") from None
    if len(key) < _SHORTEST:
        raise InputError(
            f"{path}: a key of {len(key)} bytes is soon guessed; give a file with {_SHORTEST} or more, such "
            "as one that `openssl rand -hex 32` wrote."
        )
    return key


def write_signed(
    path: Path, record: Mapping[str, Any], key: bytes | None = None, *, overwrite: bool = False
) -> None:
    """Write a document with its digest, and its signature where there is a key.

    Args:
        path: of the file.
        record: JSON values, without the entries ``sha256`` and ``signature``.
        key: that it is signed with; None: it is not.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left.
        TypeError: something in it is not JSON.
        ValueError: a number is not finite.
    """
    check_json(dict(record))
    text = _spelt(record)
    signed = {**record, _DIGEST: hashlib.sha256(text).hexdigest()}
    if key is not None:
        signed[_SIGNATURE] = hmac.new(key, text, hashlib.sha256).hexdigest()
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(json.dumps(signed, indent=2, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n")


def verified(path: Path, key: bytes | None = None) -> tuple[dict[str, Any], bool]:
    """Return the document in a file, and whether it is signed; it was not altered since.

    Args:
        path: of the file.
        key: that it must be signed with; None: its digest alone is checked.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorruptModelError: it was altered, is no such document, or is not signed with this key.
    """
    document = _read(Path(path))
    digest, signature = document.pop(_DIGEST, None), document.pop(_SIGNATURE, None)
    if not _is_hex(digest) or not (signature is None or _is_hex(signature)):
        raise CorruptModelError(f"{path}: this is no document with a digest; `hyperpcm memory` writes such.")
    text = _spelt(document)
    if not hmac.compare_digest(hashlib.sha256(text).hexdigest().encode(), digest.encode()):
        raise CorruptModelError(f"{path}: it was altered: its sha256 does not fit.")
    if key is None:
        return document, signature is not None
    if signature is None:
        raise CorruptModelError(f"{path}: it is unsigned, so no key tells who wrote it.")
    if not hmac.compare_digest(hmac.new(key, text, hashlib.sha256).hexdigest().encode(), signature.encode()):
        raise CorruptModelError(f"{path}: it was altered, or signed with another key than this one.")
    return document, True


def _is_hex(digest: object) -> TypeGuard[str]:
    return isinstance(digest, str) and digest.isascii()


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise CorruptModelError(f"{path}: larger than {_LARGEST:,} bytes, which no such document is.")
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
        check_json(document)
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise CorruptModelError(f"{path}: this is not JSON, or altered ({error}).") from None
    if not isinstance(document, dict):
        raise CorruptModelError(f"{path}: this is no document with a digest.")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of some pairs; a key that occurs twice would say different things to different readers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _spelt(record: Mapping[str, Any]) -> bytes:
    return json.dumps(
        record, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")
    ).encode("ascii")
