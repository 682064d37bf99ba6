"""What stands before every request: name of the host, origin, token, size of the body, headers."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hyperpcm.web.failures import error_response
from hyperpcm.web.settings import WebSettings

__all__ = ["COOKIE", "SecurityMiddleware", "Tokens"]

logger = logging.getLogger(__name__)

COOKIE: Final = "hyperpcm"
"""Name of the cookie that a browser shows after its user has given the token."""
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_LOCAL: Final = ("127.0.0.1", "localhost", "::1", "[::1]")
_DRAINED: Final = 30_000_000  # bytes of a refused request that are taken before it is answered
_OPEN: Final = ("/login", "/static/", "/favicon.ico")  # without a token
_TOO_LARGE: Final = "The request is too large; up to {:,} bytes are taken here."
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",  # the structure editor and plots set styles of elements
        "script-src 'self' 'wasm-unsafe-eval'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a browser would then send our own forms with the origin `null`.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Tokens:
    """Knows whether a request carries the token, as a header or as the cookie that stands for it.

    Args:
        token: of the server; None: none is needed.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token
        # The cookie does not hold the token itself, and holds for this start of the server alone.
        self._cookie = hmac.new((token or "").encode(), secrets.token_bytes(32), hashlib.sha256).hexdigest()

    @property
    def is_needed(self) -> bool:
        """Whether a request has to carry one."""
        return self._token is not None

    def fits(self, given: str) -> bool:
        """Return whether this is the token."""
        return self._token is None or hmac.compare_digest(given.encode(), self._token.encode())

    def admits(self, headers: Headers) -> bool:
        """Return whether a request with these headers carries the token or its cookie."""
        if self._token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.fits(given.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return COOKIE in cookies and hmac.compare_digest(
            cookies[COOKIE].value.encode(), self._cookie.encode()
        )

    def remember(self, response: Response, *, is_secure: bool) -> None:
        """Have the browser show the cookie from now on."""
        response.set_cookie(
            COOKIE, self._cookie, httponly=True, samesite="strict", secure=is_secure, max_age=30 * 86_400
        )


class SecurityMiddleware:
    """Refuses what should not come in, and puts the headers on every answer.

    Args:
        app: what is behind it.
        settings: of the server.
        tokens: that are accepted.
        upload_paths: where a body may have the size of an upload.
        failed: is told of requests that ended in an error of ours.
        page: draws a refusal for people from its status and sentence; None: JSON for everybody.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: WebSettings,
        tokens: Tokens,
        upload_paths: Callable[[str], bool],
        failed: Callable[[], None] = lambda: None,
        page: Callable[[int, str], Response] | None = None,
    ) -> None:
        self._app, self._settings, self._tokens = app, settings, tokens
        self._upload_paths, self._failed, self._page = upload_paths, failed, page
        names = {*_LOCAL, settings.host, f"[{settings.host}]", *settings.allowed_hosts}
        self._names = {name.casefold() for name in names}
        # Behind an address that others reach, the token protects, whatever the server is called.
        self._any_name = not settings.is_local and not settings.allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_started = False

        async def with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = self._refused(scope, Headers(scope=scope))
        if refused is not None:
            if refused.status_code == 413 and _declared(scope) <= _DRAINED:
                await _drained(receive, _DRAINED)
            await refused(scope, receive, with_headers)
            return
        most = self._most(scope["path"])
        try:
            await self._app(scope, _bounded(receive, most), with_headers)
        except Exception:
            logger.exception("%s %s", scope["method"], scope["path"])
            self._failed()
            if is_started:
                raise  # nothing can be said any more; the connection is closed
            answer = self._answer(scope, 500, "failed", "The server failed; its log tells why.")
            await answer(scope, receive, with_headers)

    def _most(self, path: str) -> int:
        limits = self._settings.limits
        return limits.max_body if self._upload_paths(path) else limits.max_json

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request that should not come in."""
        if not self._is_our_name(headers.get("host", "")):
            return self._answer(scope, 403, "forbidden", "This server does not answer under this name.")
        if scope["method"] not in _SAFE and not _is_from_here(headers):
            message = "Another site sent this request; it is not answered."
            return self._answer(scope, 403, "forbidden", message)
        if not self._tokens.admits(headers) and not scope["path"].startswith(_OPEN):
            if _wants_page(scope):
                return RedirectResponse("/login", status_code=303)
            message = "A token is needed: the header `Authorization: Bearer …`."
            return self._answer(scope, 401, "token_needed", message, {"WWW-Authenticate": "Bearer"})
        most = self._most(scope["path"])
        if _declared(scope) <= most:
            return None
        return self._answer(scope, 413, "too_large", _TOO_LARGE.format(most), {"Connection": "close"})

    def _answer(
        self, scope: Scope, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A refusal, drawn for a browser that asks for a page."""
        if self._page is None or not _wants_page(scope):
            return error_response(status, code, message, headers=headers)
        found = self._page(status, message)
        found.headers.update(headers or {})
        return found

    def _is_our_name(self, host: str) -> bool:
        if self._any_name:
            return True
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and ":" in host else host
        return name.casefold() in self._names


def _is_from_here(headers: Headers) -> bool:
    """Whether a request that changes something comes from one of our pages, or from a program."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.casefold() == headers.get("host", "").casefold()


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks for a page."""
    return "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/api/")


def _declared(scope: Scope) -> float:
    """How long a body is said to be; without end where that is no number."""
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else math.inf


async def _drained(receive: Receive, most: int) -> None:
    """Take what is sent and let it go, so that whoever sends it reads the answer; but not without end."""
    size = 0
    while size <= most:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _bounded(receive: Receive, most: int) -> Receive:
    """What is received, until it proves larger than is accepted."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > most:
                if message.get("more_body", False):
                    await _drained(receive, _DRAINED)
                raise HTTPException(413, _TOO_LARGE.format(most), headers={"Connection": "close"})
        return message

    return bounded
