"""Bugs of ours and a full disk, as somebody outside sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hyperpcm.errors import BusyError, CorruptModelError, DiskFullError, HyperpcmError, InputError
from hyperpcm.web import WebSettings
from hyperpcm.web.failures import handle_errors
from hyperpcm.web.security import SecurityMiddleware, Tokens


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    made = FastAPI()
    handle_errors(made)
    made.add_middleware(
        SecurityMiddleware,
        settings=WebSettings(model=tmp_path, work=tmp_path),
        tokens=Tokens(None),
        upload_paths=lambda path: False,
    )
    return made


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (InputError("the level is wrong"), 422, "the level is wrong"),
        (BusyError("come back", 7), 429, "come back"),
        (DiskFullError("no space left"), 507, "no space left"),
        (CorruptModelError("/home/somebody/model is damaged"), 500, "its log tells why"),
        (HyperpcmError("/home/somebody"), 500, "its log tells why"),
        (ZeroDivisionError("/home/somebody"), 500, "its log tells why"),
        (KeyError("/home/somebody"), 500, "its log tells why"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_each_error_has_its_status_and_tells_no_path(app: FastAPI, error: Exception, status: int, says: str):
    @app.get("/api/fail")
    def fail() -> None:
        raise error

    answer = TestClient(app, base_url="http://127.0.0.1").get("/api/fail")
    assert answer.status_code == status
    assert says in answer.json()["message"]
    assert "somebody" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
