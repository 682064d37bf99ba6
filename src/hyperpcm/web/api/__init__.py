"""The API: routes under ``/api/v1`` that check what is sent and call the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.web.api.routes import api_routes

__all__ = ["api_routes"]

__getattr__, __dir__ = lazy_names(__name__, {"api_routes": "routes"})
