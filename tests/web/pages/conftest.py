"""The app on a small model, asked without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from small_servers import saved_model


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server on this machine."""
    from hyperpcm.web import WebSettings, create_app

    folder = tmp_path_factory.mktemp("pages")
    settings = WebSettings(model=saved_model(folder), work=folder / "work")
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as asked:
        yield asked
