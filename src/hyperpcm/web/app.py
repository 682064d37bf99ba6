"""The app: the API and the pages behind what keeps them safe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from hyperpcm import __version__
from hyperpcm.web import pages
from hyperpcm.web.api.jobs import UPLOADS
from hyperpcm.web.api.routes import api_routes
from hyperpcm.web.failures import handle_errors
from hyperpcm.web.metrics import Metrics, MetricsMiddleware
from hyperpcm.web.security import SecurityMiddleware, Tokens
from hyperpcm.web.service import Service
from hyperpcm.web.settings import WebSettings

__all__ = ["create_app"]


def create_app(settings: WebSettings) -> FastAPI:
    """Return the app of a server; the model is loaded here, the worker started with the app.

    The service lies in ``app.state.service``.

    Args:
        settings: of the server.

    Raises:
        InputError: what is to be served is not there or cannot be used.
        ModelFileError: a file cannot be used.
    """
    service = Service(settings)
    metrics, tokens = Metrics(), Tokens(settings.token)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="hyperpcm",
        version=__version__,
        summary="Which compounds act on this protein, how strongly, and may I believe it?",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        lifespan=running,
        generate_unique_id_function=_name,
    )
    app.state.service = service
    app.include_router(api_routes(service, metrics))
    app.include_router(pages.routes(service, tokens), include_in_schema=False)
    handle_errors(app, pages.error_page)
    uploads = (*UPLOADS, *pages.UPLOADS)
    app.add_middleware(
        SecurityMiddleware,
        settings=settings,
        tokens=tokens,
        upload_paths=lambda path: path in uploads,
        failed=metrics.failures.inc,
        page=pages.drawn_error,
    )
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    return app


def _name(route: APIRoute) -> str:
    return route.name
