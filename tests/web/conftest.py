"""One server for all tests that do it no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from small_servers import Running, running, saved_model, settings_of


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_model(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def server(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings_of(model_file, tmp_path_factory.mktemp("work"))) as found:
        yield found
