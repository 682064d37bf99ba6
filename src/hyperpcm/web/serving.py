"""Runs the app in this process until it is stopped."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import InputError
from hyperpcm.web.settings import WebSettings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

__all__ = ["serve", "server_config"]

_GRACE_S: Final = 3  # for requests that run when the server is stopped


def serve(settings: WebSettings, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        settings: of the server.
        ready: is called with the address once it answers there.

    Raises:
        InputError: the address cannot be listened on, or what is to be served cannot be used.
        ModelFileError: a file cannot be used.
    """
    import torch
    import uvicorn

    from hyperpcm.web.app import create_app

    # Requests are many and small: each in one thread of its own is more than one in many.
    torch.set_num_threads(1)
    app = create_app(settings)
    try:
        listening = _listening(settings.host, settings.port)
    except OSError as error:
        app.state.service.close()
        raise InputError(
            f"{settings.host}, port {settings.port}: cannot be listened on ({error.strerror}). Choose "
            "another one with --port."
        ) from None
    app.state.service.warm()
    with listening:
        host, port = listening.getsockname()[:2]
        logging.getLogger(__name__).info("serving on %s, port %s", host, port)
        if ready is not None:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{port}/")
        uvicorn.Server(server_config(app)).run(sockets=[listening])


def server_config(app: FastAPI) -> uvicorn.Config:
    """Return how uvicorn serves the app: no line for each request, and no word about what serves it."""
    import uvicorn

    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=64_000,
    )


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(2048)
    except OSError:
        found.close()
        raise
    return found
