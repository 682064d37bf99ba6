"""All pages under their addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from hyperpcm.errors import UnknownIdError
from hyperpcm.web.pages.files import static_files
from hyperpcm.web.pages.look import page

if TYPE_CHECKING:
    from hyperpcm.web.service import Service

__all__ = ["error_page", "login_page", "routes"]

_FOR_EVER = "public, max-age=31536000, immutable"  # another content has another address
_HEADINGS = {
    403: "Not allowed",
    404: "Nothing is here",
    409: "Not yet",
    413: "Too large",
    429: "Busy at the moment",
    500: "The server failed",
}


def routes(service: Service) -> APIRouter:
    """Return the pages of a service.

    Args:
        service: that they ask.
    """
    from hyperpcm.web.pages import adapt, compound, evidence, jobs, model, screen

    router = APIRouter(include_in_schema=False)
    for one in (screen, jobs, evidence, compound, adapt, model):
        one.add(router, service)

    @router.get("/static/{name:path}")
    def static(name: str) -> Response:
        found = static_files().get(name)
        if found is None:
            raise UnknownIdError("there is no such file.")
        return Response(found.content, media_type=found.kind, headers={"Cache-Control": _FOR_EVER})

    return router


def error_page(_request: Request, status: int, message: str) -> Response:
    """Return a page that says what went wrong; the API says it as JSON."""
    heading = _HEADINGS.get(status, "This did not work")
    return page("error.html", status=status, heading=heading, told=message)


def login_page(next: str = "/", *, failed: bool = False) -> Response:
    """Return the page that asks for the token of the server."""
    error = "This is not the token that this server was started with." if failed else None
    return page("login.html", status=401 if failed else 200, error=error, next=next, pages=())
