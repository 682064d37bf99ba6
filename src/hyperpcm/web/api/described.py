"""How the API describes what it may answer beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hyperpcm.web.failures import ErrorAnswer

__all__ = ["ERRORS", "NOT_READY", "UNKNOWN", "file_of", "text_of"]

Described = dict[int | str, dict[str, Any]]


def _errors(texts: Mapping[int, str]) -> Described:
    return {status: {"model": ErrorAnswer, "description": text} for status, text in texts.items()}


ERRORS: Final = _errors(
    {
        400: "The request cannot be read.",
        401: "A token is needed.",
        403: "Another site sent the request, or the server is not called so.",
        413: "The request is too large.",
        422: "What was sent cannot be used.",
        429: "Too much is waiting; Retry-After tells when to ask again.",
        500: "A bug of ours.",
        507: "The disk is full.",
    }
)
"""Of every route."""
UNKNOWN: Final = _errors({404: "Nothing of this id is kept."})
"""Of routes that are asked for an id."""
NOT_READY: Final = _errors({409: "Something that takes long has to be done first."})
"""Of routes that need the result of a job."""


def file_of(*media: str, text: str = "The file.") -> Described:
    """Return how a route is described that answers a file of one of some media types."""
    content = {one.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for one in media}
    return {200: {"content": content, "description": text}}


def text_of(media: str, text: str) -> Described:
    """Return how a route is described that answers text."""
    return {200: {"content": {media: {"schema": {"type": "string"}}}, "description": text}}
