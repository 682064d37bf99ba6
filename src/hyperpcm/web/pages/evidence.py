"""The page of evidence: what the score of a compound on a target rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from hyperpcm.errors import HyperpcmError, InputError
from hyperpcm.web.asked import GivenCompound
from hyperpcm.web.pages.evidence_view import evidence_view
from hyperpcm.web.pages.forms import TARGET_FIELDS, asked_target, fields
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.shown import with_target_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperpcm.web.service import Service

__all__ = ["add"]

_FIELDS: Final = {**TARGET_FIELDS, "smiles": "", "name": ""}
_KNOWN: Final = 5  # known targets that are told


def add(router: APIRouter, service: Service) -> None:
    """Add the page and what its form is sent to."""

    @router.get("/evidence")
    async def evidence(request: Request) -> Response:
        form = fields(request.query_params, _FIELDS)
        return await service.gate.run(
            _page, service, form, with_known="known_targets" in request.query_params
        )

    @router.post("/evidence")
    async def ask(request: Request) -> Response:
        form = fields(await request.form(), _FIELDS)
        return await service.gate.run(_ask, service, form)


def _ask(service: Service, form: Mapping[str, str]) -> Response:
    """Compile the target, and go to the address that names it and the compound."""
    try:
        if not form["smiles"].strip():
            raise InputError("there is no compound yet: type its SMILES, or draw it.")
        target = service.compile(asked_target(form))
    except HyperpcmError as error:
        return _form(service, form, error)
    asked = urlencode({"target": target.id, "smiles": form["smiles"].strip()})
    return RedirectResponse(f"/evidence?{asked}", status_code=303)


def _page(service: Service, form: Mapping[str, str], *, with_known: bool) -> Response:
    form = {**form, "target_by": "own"} if form["target"] else form
    if not form["smiles"].strip() or not (form["target"] or form["known"]):
        return _form(service, form, None)
    try:
        compound = GivenCompound(form["smiles"].strip(), form["name"].strip())
        found = service.evidence(asked_target(form), compound, known=_KNOWN if with_known else 0)
    except HyperpcmError as error:
        return _form(service, form, error)
    return page(
        "evidence.html",
        here="Evidence",
        card=evidence_view(found, with_known=with_known),
        **with_target_choice(service, form),
    )


def _form(service: Service, form: Mapping[str, str], error: HyperpcmError | None) -> Response:
    return page(
        "evidence.html",
        status=200 if error is None else 422,
        here="Evidence",
        card=None,
        error=None if error is None else str(error),
        **with_target_choice(service, form),
    )
