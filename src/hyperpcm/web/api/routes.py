"""All routes of the API."""

from __future__ import annotations

from fastapi import APIRouter

from hyperpcm.web.api.about import about_routes
from hyperpcm.web.api.described import ERRORS
from hyperpcm.web.api.jobs import job_routes
from hyperpcm.web.api.targets import target_routes
from hyperpcm.web.metrics import API, Metrics
from hyperpcm.web.service import Service

__all__ = ["api_routes"]


def api_routes(service: Service, metrics: Metrics) -> APIRouter:
    """Return the routes under ``/api/v1``.

    Args:
        service: what answers.
        metrics: what is counted.
    """
    router = APIRouter(prefix=API, responses=ERRORS)
    router.include_router(about_routes(service, metrics))
    router.include_router(target_routes(service))
    router.include_router(job_routes(service))
    return router
