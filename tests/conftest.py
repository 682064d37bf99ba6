"""What all tests share: the public raw files, where a machine has them, and a disk that fills up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("contracts")

from tiny_transformers import transformers_folder  # noqa: E402, F401  # a fixture


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public raw files, laid out `<host>/<path>`; the test is skipped without it."""
    folder = os.environ.get("HYPERPCM_MIRROR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set HYPERPCM_MIRROR to a folder of the public files to run this test")
    return Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk needs Linux and root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
