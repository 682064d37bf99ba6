"""The web app and the API: one process that serves one model, and a worker process for long work.

The names below are imported when they are first asked for; FastAPI comes with ``hyperpcm[web]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.web.app import create_app
    from hyperpcm.web.service import Service
    from hyperpcm.web.serving import serve
    from hyperpcm.web.settings import Limits, WebSettings

__all__ = ["Limits", "Service", "WebSettings", "create_app", "serve"]

_HOMES = {
    "create_app": "app",
    "serve": "serving",
    "Service": "service",
    "Limits": "settings",
    "WebSettings": "settings",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
