"""The page that lets a target model learn from measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from hyperpcm.errors import HyperpcmError, InputError
from hyperpcm.web.adapting import kept_answer
from hyperpcm.web.asked import AskedTarget, MeasuredTable
from hyperpcm.web.pages.adapt_view import adapt_view
from hyperpcm.web.pages.forms import ADAPT_FIELDS, asked_target, fields
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.shown import with_target_choice
from hyperpcm.web.pages.words import titled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperpcm.web.answers import AdaptedTarget
    from hyperpcm.web.service import Service

__all__ = ["add"]


def add(router: APIRouter, service: Service) -> None:
    """Add the page, what its form is sent to, and the file of the result."""

    @router.get("/adapt")
    async def adapt(request: Request) -> Response:
        form = fields(request.query_params, ADAPT_FIELDS)
        if form["target"]:
            form["target_by"] = "own"
        return await service.gate.run(_form, service, form)

    @router.post("/adapt")
    async def learn(request: Request) -> Response:
        form = fields(await request.form(), ADAPT_FIELDS)
        return await service.gate.run(_learn, service, form)

    @router.get("/adapt/{id}")
    async def again(id: str) -> Response:
        return await service.gate.run(_again, service, id)

    @router.get("/targets/{id}/file")
    async def file(id: str) -> Response:
        path = await service.gate.run(service.target_file, id)
        return FileResponse(path, media_type="application/octet-stream", filename=f"target-{id[:8]}.hpcm")


def _learn(service: Service, form: Mapping[str, str]) -> Response:
    try:
        if not form["measurements"].strip():
            raise InputError("there are no measurements yet: paste a compound and a value a line.")
        found = service.adapt(asked_target(form), _table(form))
    except HyperpcmError as error:
        return _form(service, form, error)
    return _shown(service, found, form)


def _again(service: Service, id: str) -> Response:
    """The page of a target that learned before, at its address."""
    target = service.compile(AskedTarget(id=id))
    return _shown(service, kept_answer(service.targets, target, service.targets.get(id)), ADAPT_FIELDS)


def _shown(service: Service, found: AdaptedTarget, form: Mapping[str, str]) -> Response:
    return page(
        "adapt.html",
        here="Adapt",
        found=adapt_view(found),
        quantity=_quantity(service),
        **with_target_choice(service, form),
    )


def _table(form: Mapping[str, str]) -> MeasuredTable:
    return MeasuredTable(
        form["measurements"],
        quantity=form["measured"].strip() or None,
        unit=form["unit"].strip() or None,
    )


def _quantity(service: Service) -> dict[str, Any]:
    quantity = service.served.quantity
    binary = quantity.kind == "binary"
    told = f"Values are {titled(quantity)}{'.' if binary else ', or another as said below.'}"
    return {"name": quantity.name, "unit": quantity.unit, "column": quantity.name, "told": told}


def _form(service: Service, form: Mapping[str, str], error: HyperpcmError | None = None) -> Response:
    return page(
        "adapt.html",
        status=200 if error is None else 422,
        here="Adapt",
        error=None if error is None else str(error),
        found=None,
        quantity=_quantity(service),
        **with_target_choice(service, form),
    )
