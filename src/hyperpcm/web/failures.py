"""From an exception to an answer: a status, a code, a sentence; no path, no traceback, not what was sent."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from hyperpcm.errors import (
    BusyError,
    DiskFullError,
    HyperpcmError,
    InputError,
    LicenceNotAcceptedError,
    MissingExtraError,
    NotReadyError,
    UnknownIdError,
)

__all__ = ["ErrorAnswer", "ErrorDetail", "ErrorPage", "error_response", "handle_errors", "status_of"]

logger = logging.getLogger(__name__)

_LONGEST: Final = 100  # characters of what may come from the request
_STATUS: Final[tuple[tuple[type[HyperpcmError], int, str], ...]] = (
    (UnknownIdError, 404, "unknown_id"),
    (NotReadyError, 409, "not_ready"),
    (BusyError, 429, "busy"),
    (DiskFullError, 507, "disk_full"),
    (InputError, 422, "input"),
    (LicenceNotAcceptedError, 422, "licence"),
    (MissingExtraError, 422, "missing_extra"),
)
_CODES: Final = {
    400: "bad_request",
    401: "token_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
}
_SENTENCES: Final = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This address does not take such a request.",
}
ErrorPage = Callable[[Request, int, str], Awaitable[Response] | Response]


class ErrorDetail(BaseModel):
    """One thing that is wrong with a request: where, and what."""

    where: str
    message: str


class ErrorAnswer(BaseModel):
    """What went wrong: a code for programs, a sentence for people."""

    code: str
    message: str
    details: list[ErrorDetail] = []


def status_of(error: HyperpcmError) -> tuple[int, str]:
    """Return status and code of an error; 500 for one that is no mistake of the user."""
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            return status, code
    return 500, "failed"


def error_response(
    status: int,
    code: str,
    message: str,
    details: Sequence[ErrorDetail] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an answer that tells an error as JSON."""
    found = ErrorAnswer(code=code, message=message, details=list(details))
    return JSONResponse(found.model_dump(), status_code=status, headers=dict(headers or {}))


def handle_errors(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Have an app answer errors so.

    Args:
        app: it.
        page: draws an error for people, outside of ``/api``; None: JSON everywhere.
    """

    async def answer(
        request: Request,
        status: int,
        code: str,
        message: str,
        details: Sequence[ErrorDetail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        if page is not None and not request.url.path.startswith("/api/"):
            drawn = page(request, status, message)
            found = await drawn if isinstance(drawn, Awaitable) else drawn
            found.headers.update(headers or {})
            return found
        return error_response(status, code, message, details, headers)

    async def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, HyperpcmError):
            raise error
        status, code = status_of(error)
        if status == 500:
            logger.error("%s %s", request.method, request.url.path, exc_info=error)
            return await answer(request, status, code, "The server could not do this; its log tells why.")
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, BusyError) else {}
        return await answer(request, status, code, str(error), headers=headers)

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        details = [
            ErrorDetail(where=_where(one["loc"]), message=str(one["msg"])[:300])
            for one in error.errors()[:20]
        ]
        first = f" {details[0].where}: {details[0].message}." if details else ""
        return await answer(request, 422, "invalid", f"The request cannot be used.{first}", details)

    async def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        status = error.status_code
        message = _SENTENCES.get(status) or str(error.detail)
        headers = dict(error.headers or {})
        return await answer(request, status, _CODES.get(status, "failed"), message, headers=headers)

    app.add_exception_handler(HyperpcmError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _where(place: Sequence[object]) -> str:
    """A place in a request as a path: ``compounds.3.smiles``."""
    parts = [str(part) for part in place if part != "body"]
    text = ".".join(parts) or "the body"
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_LONGEST]
