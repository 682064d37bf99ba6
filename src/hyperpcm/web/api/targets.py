"""Routes about targets: compile, score, explain, adapt, and the panel."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from hyperpcm.web import answers
from hyperpcm.web.api.described import NOT_READY, UNKNOWN, file_of
from hyperpcm.web.api.requests import (
    AdaptRequest,
    CompileRequest,
    EvidenceRequest,
    Id,
    PanelRequest,
    ScoreRequest,
)
from hyperpcm.web.asked import AskedTarget, GivenCompound
from hyperpcm.web.service import Service

__all__ = ["target_routes"]

_COMPILED = "application/octet-stream"


def target_routes(service: Service) -> APIRouter:
    """Return the routes.

    Args:
        service: what answers.
    """
    router = APIRouter(tags=["targets"])
    run = service.gate.run

    @router.post("/compile", responses=UNKNOWN)
    async def compile(request: CompileRequest) -> answers.TargetAnswer:
        """Compile a target; what follows can be asked by its id."""
        return await run(service.compile, request.target.asked())

    @router.get("/targets/{target}", responses=UNKNOWN)
    async def target(target: Id) -> answers.TargetAnswer:
        """A target that was compiled or adapted before."""
        return await run(service.compile, AskedTarget(id=target))

    @router.get(
        "/targets/{target}/file",
        response_class=FileResponse,
        responses=UNKNOWN | file_of(_COMPILED, text="The compiled target, for `hyperpcm score`."),
    )
    async def target_file(target: Id) -> FileResponse:
        """The file of a compiled target (.hpcm)."""
        path = await run(service.target_file, target)
        return FileResponse(path, filename=f"{target[:12]}.hpcm", media_type=_COMPILED)

    @router.post("/score", responses=UNKNOWN)
    async def score(request: ScoreRequest) -> answers.ScoreAnswer:
        """Rank compounds for a target, the strongest first."""
        asked, given = request.target.asked(), request.given()
        return await run(service.score, asked, given, level=request.level, nearest=request.nearest)

    @router.post("/evidence", responses=UNKNOWN)
    async def evidence(request: EvidenceRequest) -> answers.CompoundEvidence:
        """Tell what a score rests on: atoms, and known targets with the score without each."""
        compound = GivenCompound(request.compound.smiles, request.compound.name)
        return await run(
            service.evidence,
            request.target.asked(),
            compound,
            known=request.known,
            level=request.level,
            mask=request.mask,
        )

    @router.post("/adapt", responses=UNKNOWN)
    async def adapt(request: AdaptRequest) -> answers.AdaptedTarget:
        """Let a target learn from measurements; the result is a target with an id of its own."""
        return await run(service.adapt, request.target.asked(), request.measured())

    @router.get("/panel")
    async def panel_state() -> answers.PanelState:
        """Whether the panel can be asked."""
        return await run(service.panel_state)

    @router.post("/panel", responses=NOT_READY)
    async def panel(request: PanelRequest) -> answers.PanelAnswer:
        """Score compounds on all targets of the panel, for selectivity and fishing."""
        return await run(service.panel, request.given(), wanted=request.wanted, active_at=request.active_at)

    @router.post("/panel/build", status_code=202)
    async def build_panel() -> answers.Job:
        """Have all known targets compiled by a job."""
        return await run(service.build_panel)

    return router
