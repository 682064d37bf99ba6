"""The page that asks for the token of the server, where one is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from hyperpcm.web.pages.look import page

if TYPE_CHECKING:
    from hyperpcm.web.security import Tokens

__all__ = ["add"]

_LONGEST = 1000


def add(router: APIRouter, tokens: Tokens) -> None:
    """Add the page, and what takes the token."""

    @router.get("/login")
    async def ask() -> Response:
        return page("login.html", pages=())

    @router.post("/login")
    async def enter(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=5) as sent:
            token = sent.get("token")
        if not isinstance(token, str) or not tokens.fits(token[:_LONGEST]):
            error = "This is not the token that this server was started with."
            return page("login.html", status=403, error=error, pages=())
        answer = RedirectResponse("/", status_code=303)
        tokens.remember(answer, is_secure=request.url.scheme == "https")
        return answer
