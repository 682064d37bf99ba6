"""The page of one compound or a few: where they may act, and how selective they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from hyperpcm.errors import HyperpcmError, InputError
from hyperpcm.web.asked import compounds_of_text
from hyperpcm.web.pages.adapt_view import refused_view
from hyperpcm.web.pages.compound_view import compound_view
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.selectivity_view import MOST_DRAWN, selectivity_view
from hyperpcm.web.pages.shown import serving
from hyperpcm.web.pages.words import counted

if TYPE_CHECKING:
    from hyperpcm.web.answers import PanelAnswer
    from hyperpcm.web.asked import GivenCompound
    from hyperpcm.web.service import Service

__all__ = ["add"]

_PATIENCE_S: Final = 2.0  # that a page waits for the panel to be loaded before it says so


def add(router: APIRouter, service: Service) -> None:
    """Add the page, and what has the panel compiled."""

    @router.get("/compound")
    async def compound(smiles: str = "") -> Response:
        return await service.gate.run(_page, service, smiles.strip())

    @router.post("/panel")
    async def build() -> Response:
        return await service.gate.run(_build, service)


def _build(service: Service) -> Response:
    try:
        job = service.build_panel()
    except HyperpcmError as error:
        return _shown(service, "", error=str(error), status=422)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


def _page(service: Service, smiles: str) -> Response:
    given = compounds_of_text(smiles)
    if not given or not service.panel_state().is_ready:
        return _shown(service, smiles)
    if not service.panel_of_targets.is_loaded(within=_PATIENCE_S):
        return _shown(service, smiles, loads=True)
    try:
        answer = _asked(service, given)
    except HyperpcmError as error:
        return _shown(service, smiles, error=str(error), status=422)
    is_one = len(answer.compounds) == 1
    return page(
        "compound.html",
        here="Compound",
        serving=serving(service),
        smiles=smiles,
        panel=None,
        found=compound_view(answer, {one.name for one in service.served.known}) if is_one else None,
        several=None if is_one else selectivity_view(answer),
        rejected=refused_view(answer.rejected, len(answer.rejected), "scored"),
    )


def _asked(service: Service, given: list[GivenCompound]) -> PanelAnswer:
    """What the panel says of compounds.

    Raises:
        InputError: they are too many for one page, or none can be used.
    """
    if len(given) > MOST_DRAWN:
        raise InputError(
            f"{len(given):,} compounds are given, and {MOST_DRAWN} are compared at once. Give fewer, or use "
            "hyperpcm panel on the command line."
        )
    answer = service.panel(given)
    if not answer.compounds:
        raise InputError(answer.rejected[0].reason)
    return answer


def _shown(
    service: Service, smiles: str, *, error: str | None = None, status: int = 200, loads: bool = False
) -> Response:
    state = service.panel_state()
    return page(
        "compound.html",
        status=status,
        here="Compound",
        serving=serving(service),
        error=error,
        smiles=smiles,
        found=None,
        several=None,
        rejected=None,
        panel={
            "is_ready": state.is_ready,
            "loads": loads,
            "told": f"The panel holds {counted(state.targets, 'target')}.",
            "compiled": f"{state.compiled:,} of {counted(state.targets, 'target')} are compiled.",
            "job": None if state.job is None else f"/jobs/{state.job.id}",
        },
    )
