"""What all tests share: the public raw files, where a machine has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public raw files, laid out `<host>/<path>`; the test is skipped without it."""
    folder = os.environ.get("HYPERPCM_MIRROR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set HYPERPCM_MIRROR to a folder of the public files to run this test")
    return Path(folder)
