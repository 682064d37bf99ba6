"""A library and three compiled targets, small batches, and what one screen of the whole library finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.checkpoint import load_target_model
from hyperpcm.screening import LibraryIndex, Panel, build_index, library_index, screen
from small_shards import Story, library_lines, screened_whole, write_targets


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "BATCH", 16)


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_targets(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join(library_lines()) + "\n")
    return path


@pytest.fixture(scope="session")
def index(library: Path, targets: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the library, in chunks of 16 rows."""
    path = tmp_path_factory.mktemp("index") / "library.index"
    panel = Panel([load_target_model(target) for target in targets])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_index, "ROWS", 16)
        build_index(library, path, panel.recipe)
    return path


@pytest.fixture(scope="session")
def whole(library: Path, targets: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Story:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen, "BATCH", 16)
        return screened_whole(library, targets, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def whole_index(index: Path, targets: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Story:
    return screened_whole(LibraryIndex.open(index), targets, tmp_path_factory.mktemp("whole"))
