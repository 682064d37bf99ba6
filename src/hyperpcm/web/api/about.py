"""Routes about the server: its model, what that knows, whether all is well, drawings of compounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

from hyperpcm.chem import depict_svg
from hyperpcm.errors import UnknownIdError
from hyperpcm.web import answers
from hyperpcm.web.api.described import UNKNOWN, text_of
from hyperpcm.web.api.requests import Id
from hyperpcm.web.metrics import Metrics
from hyperpcm.web.service import Service

__all__ = ["about_routes"]


def about_routes(service: Service, metrics: Metrics) -> APIRouter:
    """Return the routes.

    Args:
        service: what answers.
        metrics: what is counted.
    """
    router = APIRouter(tags=["about"])

    @router.get("/health")
    async def health() -> answers.Health:
        """Whether the server and its worker run."""
        return await service.gate.run(service.health)

    @router.get("/metrics", response_class=Response, responses=text_of(CONTENT_TYPE_LATEST, "Prometheus."))
    async def metrics_text() -> Response:
        """Counters in the form that Prometheus reads."""
        return Response(await service.gate.run(metrics.text, service), media_type=CONTENT_TYPE_LATEST)

    @router.get("/models")
    async def models() -> list[answers.ModelAnswer]:
        """The models that are served: one, with its card."""
        return [await service.gate.run(service.model)]

    @router.get("/models/{model}", responses=UNKNOWN)
    async def model(model: Id) -> answers.ModelAnswer:
        """One model, by its id."""
        found = await service.gate.run(service.model)
        if found.id != model:
            raise UnknownIdError("this server serves another model; see /api/v1/models.")
        return found

    @router.get("/known-targets")
    async def known_targets(
        search: Annotated[str, Query(max_length=200)] = "",
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> answers.KnownTargets:
        """Known targets whose name holds a text; those that begin with it first."""
        return await service.gate.run(service.known_targets, search, offset=offset, limit=limit)

    @router.get(
        "/depict.svg", response_class=Response, responses=text_of("image/svg+xml", "The drawn compound.")
    )
    async def depict(
        smiles: Annotated[str, Query(min_length=1, max_length=2000)],
        width: Annotated[int, Query(ge=40, le=1000)] = 240,
        height: Annotated[int, Query(ge=40, le=1000)] = 180,
    ) -> Response:
        """A drawing of a compound."""
        drawing = await service.gate.run(depict_svg, smiles, width=width, height=height)
        return Response(drawing, media_type="image/svg+xml")

    return router
