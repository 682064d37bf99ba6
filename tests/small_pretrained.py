"""A folder of models in place of those that ship, and a user's own folders, shared by tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.checkpoint import save_model
from hyperpcm.pretrained.choice import MODEL_VARIABLE
from hyperpcm.pretrained.registry import DEFAULT_NAME, FOLDERS_VARIABLE
from small_models import made_model


def own_folders(monkeypatch: pytest.MonkeyPatch, folder: Path) -> SimpleNamespace:
    """Folders of a user who has chosen nothing, and an empty one in place of the models that ship."""
    models = folder / "models"
    models.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv(FOLDERS_VARIABLE, str(models))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    return SimpleNamespace(models=models, user=folder / "data" / "hyperpcm" / "models")


def with_default(folder: Path, name: str = DEFAULT_NAME, seed: int = 0) -> Path:
    """A small model under a name in a folder."""
    path = folder / f"{name}.safetensors"
    save_model(made_model(seed=seed), path)
    return path
