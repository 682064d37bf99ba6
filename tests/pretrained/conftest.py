"""Folders of a user without a model."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from small_pretrained import own_folders


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`models` is looked through in place of what ships; `user` is where a user's own are added."""
    return own_folders(monkeypatch, tmp_path)
