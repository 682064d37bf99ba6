"""What the server counts, in the form that Prometheus reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from hyperpcm.web.service import Service

__all__ = ["API", "Metrics", "MetricsMiddleware"]

API: Final = "/api/v1"
"""Where the API lies."""
_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_STATES: Final = ("waiting", "running", "done", "failed", "cancelled")


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        names = ("method", "path", "status")
        self.requests = Counter("hyperpcm_requests", "Requests that were answered.", names, registry=registry)
        self.seconds = Histogram(
            "hyperpcm_request_seconds",
            "Time until an answer was complete.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.failures = Counter(
            "hyperpcm_failures", "Requests that ended in an error of the server.", registry=registry
        )
        self._jobs = Gauge("hyperpcm_jobs", "Jobs that are kept.", ("state",), registry=registry)
        told = {
            "hyperpcm_requests_waiting": "Requests that wait for their turn.",
            "hyperpcm_targets_in_memory": "Compiled targets in memory.",
            "hyperpcm_target_cache_hits": "Targets found in memory since the start.",
            "hyperpcm_target_cache_misses": "Targets not found in memory.",
            "hyperpcm_worker_up": "Whether the worker process runs.",
        }
        self._gauges = {name: Gauge(name, text, registry=registry) for name, text in told.items()}

    def text(self, service: Service) -> bytes:
        """Return everything as text."""
        counts = service.jobs_board.store.counts()
        for state in _STATES:
            self._jobs.labels(state).set(counts.get(state, 0))
        now = {
            "hyperpcm_requests_waiting": service.gate.waiting,
            "hyperpcm_targets_in_memory": len(service.targets),
            "hyperpcm_target_cache_hits": service.targets.hits,
            "hyperpcm_target_cache_misses": service.targets.misses,
            "hyperpcm_worker_up": int(service.jobs_board.worker.is_alive),
        }
        for name, value in now.items():
            self._gauges[name].set(value)
        return generate_latest(self._registry)


class MetricsMiddleware:
    """Counts requests by the pattern of their address, so that ids make no series of their own.

    Args:
        app: what is behind it.
        metrics: what counts.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            path = _pattern(scope)
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE") else "other"
            self._metrics.requests.labels(method, path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)


def _pattern(scope: Scope) -> str:
    """The pattern of the address; a route knows its own part of it alone."""
    path = str(getattr(scope.get("route"), "path", "other"))
    is_part = path != "other" and scope["path"].startswith(API) and not path.startswith(API)
    return f"{API}{path}" if is_part else path
