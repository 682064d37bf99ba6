"""The page of the model: its card, and the report of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from hyperpcm.errors import UnknownIdError
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.model_view import model_view
from hyperpcm.web.pages.shown import serving

if TYPE_CHECKING:
    from hyperpcm.web.service import Service

__all__ = ["add"]


def add(router: APIRouter, service: Service) -> None:
    """Add the page and the report."""

    @router.get("/model")
    async def model() -> Response:
        answer = await service.gate.run(service.model)
        return page("model.html", here="Model", serving=serving(service), **model_view(answer))

    @router.get("/model/report")
    async def report() -> Response:
        path = service.report()
        if path is None:
            raise UnknownIdError("this model has no report.")
        return FileResponse(path, media_type="text/html; charset=utf-8")
