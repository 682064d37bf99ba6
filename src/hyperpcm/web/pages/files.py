"""Styles and scripts of the pages: read once, so that no path of a request reaches the file system."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["StaticFile", "address", "static_files"]

_TYPES: Final = MappingProxyType({".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"})


@dataclass(frozen=True)
class StaticFile:
    """One file as it is sent.

    Attributes:
        content: its bytes.
        kind: its media type.
        digest: start of the SHA-256 of the content: a part of its address, so that it can be kept for ever.
    """

    content: bytes
    kind: str
    digest: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return all files by the part of their address after ``/static/``.

    ``report.css`` is the style of the report of a run, whose colours and tables the pages share.
    """
    found = dict(_below(files("hyperpcm.web") / "static", ""))
    found["report.css"] = _file("report.css", files("hyperpcm.evaluation.report") / "templates" / "style.css")
    return MappingProxyType(found)


def address(name: str) -> str:
    """Return the address of a file; another content has another address.

    >>> address("app.css").partition("?")[0]
    '/static/app.css'
    """
    return f"/static/{name}?v={static_files()[name].digest}"


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, StaticFile]]:
    for one in folder.iterdir():
        name = f"{prefix}{one.name}"
        if one.is_dir():
            yield from _below(one, f"{name}/")
        else:
            yield name, _file(name, one)


def _file(name: str, source: Traversable) -> StaticFile:
    content = source.read_bytes()
    ending = name[name.rindex(".") :] if "." in name else ""
    kind = _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "text/plain"
    return StaticFile(content, kind, hashlib.sha256(content).hexdigest()[:12])
