"""A small model behind a real server in a thread of the tests, shared by tests of the API and its clients."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import uvicorn

from hyperpcm.checkpoint import save_model
from hyperpcm.model import HyperPCM
from hyperpcm.target_model import ResidualPrior
from hyperpcm.web import Limits, Service, WebSettings, create_app
from hyperpcm.web.serving import server_config
from small_adaptable import COVARIANCE
from small_calibrations import calibrated_model
from small_models import SMILES

DISTANCES = [
    {"from": 0.0, "to": 0.5, "rows": 200, "rmse": 1.2},
    {"from": 0.5, "to": 1.0, "rows": 300, "rmse": 0.8},
]
HELD_OUT = {
    "rows": 500,
    "targets": 30,
    "unseen": "target",
    "rmse": 1.0,
    "verdicts": {name: {"rows": 100, "rmse": 1.0} for name in ("inside", "edge", "outside")},
    "by_nearest_target": DISTANCES,
    "by_nearest_compound": DISTANCES,
}
ENDS = ("done", "failed", "cancelled")


def servable_model() -> HyperPCM:
    """A small model with intervals, whose targets can learn from measurements."""
    model = calibrated_model(held_out=HELD_OUT)
    profiles = np.random.default_rng(0).normal(size=(len(SMILES), 2)).astype(np.float32)
    model.residual_prior = ResidualPrior(COVARIANCE, centre=6.0, spread=0.7, profiles=profiles)
    return model


def saved_model(folder: Path) -> Path:
    """The file of that model."""
    path = folder / "model.safetensors"
    save_model(servable_model(), path)
    return path


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, the service behind it, and a browser-like client."""

    address: str
    service: Service
    http: httpx.Client

    def wait(self, job: str, seconds: float = 60) -> dict:
        """The job once it has ended."""
        end = time.monotonic() + seconds
        while (found := self.http.get(f"/api/v1/jobs/{job}").json())["state"] not in ENDS:
            assert time.monotonic() < end, found
            time.sleep(0.1)
        return found

    def submit(self, content: bytes, name: str = "compounds.smi", **fields: object) -> httpx.Response:
        """The answer to a screen of an upload."""
        data = {"known": "target 1", **fields}
        return self.http.post("/api/v1/screen", data=data, files={"file": (name, content)})


@contextlib.contextmanager
def running(settings: WebSettings) -> Iterator[Running]:
    """A server on a free port, until the block ends."""
    app = create_app(settings)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    token = {} if settings.token is None else {"Authorization": f"Bearer {settings.token}"}
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        with httpx.Client(base_url=address, timeout=60, headers=token, trust_env=False) as http:
            yield Running(address, app.state.service, http)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def settings_of(model: Path, work: Path, limits: Limits | None = None, **more: object) -> WebSettings:
    """Settings of a server for a model."""
    return WebSettings(model=model, work=work, limits=limits or Limits(), **more)
