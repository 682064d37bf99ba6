"""All pages under their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from hyperpcm.errors import UnknownIdError
from hyperpcm.web.pages import adapt, compound, evidence, jobs, login, model, screen
from hyperpcm.web.pages.files import static_files
from hyperpcm.web.pages.look import environment, page

if TYPE_CHECKING:
    from hyperpcm.web.security import Tokens
    from hyperpcm.web.service import Service

__all__ = ["UPLOADS", "drawn_error", "error_page", "routes"]

UPLOADS: Final = ("/screen",)
"""Addresses of pages that take files."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"  # another content has another address
_HEADINGS: Final = {
    403: "Not allowed",
    404: "Nothing is here",
    409: "Not yet",
    413: "Too large",
    429: "Busy at the moment",
    500: "The server failed",
}


def routes(service: Service, tokens: Tokens) -> APIRouter:
    """Return the routes of the pages.

    Args:
        service: what answers.
        tokens: what admits a browser.
    """
    # Read now, so that the first page comes as fast as the others.
    static_files()
    environment().get_template("screen.html")
    service.known_targets(limit=1)
    router = APIRouter(include_in_schema=False)
    for one in (screen, jobs, evidence, compound, adapt, model):
        one.add(router, service)
    login.add(router, tokens)

    @router.get("/static/{name:path}")
    async def static(name: str) -> Response:
        found = static_files().get(name)
        if found is None:
            raise UnknownIdError("there is no such file.")
        return Response(found.content, media_type=found.kind, headers={"Cache-Control": _FOR_EVER})

    return router


def error_page(_request: Request, status: int, message: str) -> Response:
    """Return a page that says what went wrong with a request."""
    return drawn_error(status, message)


def drawn_error(status: int, message: str) -> Response:
    """Return a page that says what went wrong."""
    told = message[:1].upper() + message[1:]
    return page("error.html", status=status, heading=_HEADINGS.get(status, "This did not work"), told=told)
