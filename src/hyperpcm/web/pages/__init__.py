"""The pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from hyperpcm.web.security import Tokens
    from hyperpcm.web.service import Service

__all__ = ["UPLOADS", "error_page", "routes"]

UPLOADS: tuple[str, ...] = ()
"""Addresses of pages that take files."""


def routes(service: Service, tokens: Tokens) -> APIRouter:
    """Return the routes of the pages.

    Args:
        service: what answers.
        tokens: what admits a browser.
    """
    router = APIRouter()

    @router.get("/", response_class=HTMLResponse)
    async def home() -> HTMLResponse:
        """The model that is served."""
        model = await service.gate.run(service.model)
        return _page("hyperpcm", f"<p>{escape(model.name)}: {model.known_targets:,} known targets.</p>")

    @router.get("/login", response_class=HTMLResponse)
    async def login_form() -> HTMLResponse:
        """Ask for the token."""
        return _login()

    @router.post("/login")
    async def login(request: Request, token: Annotated[str, Form(max_length=1000)] = "") -> Response:
        """Take the token, and have the browser remember it."""
        if not tokens.fits(token):
            return _login("This is not the token of this server.", 403)
        answer = RedirectResponse("/", status_code=303)
        tokens.remember(answer, is_secure=request.url.scheme == "https")
        return answer

    return router


def error_page(_request: Request, status: int, message: str) -> Response:
    """Return an error drawn for people."""
    return _page("hyperpcm", f"<p>{escape(message)}</p>", status)


def _login(problem: str = "", status: int = 200) -> HTMLResponse:
    form = (
        '<form method="post" action="/login"><label>Token '
        '<input type="password" name="token" autocomplete="current-password" required></label> '
        "<button>Enter</button></form>"
    )
    return _page("hyperpcm", f"<p>{escape(problem)}</p>{form}", status)


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    return HTMLResponse(f"{head}<main><h1>{escape(title)}</h1>{body}</main></html>", status)
