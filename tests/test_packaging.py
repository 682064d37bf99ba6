"""What is built for other people's machines: a wheel of the package, with its types, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that an installer would get, built from this tree without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_with_its_types_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    files = {path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    expected = {path.relative_to(source).as_posix() for path in files}
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packaged == expected
    assert "hyperpcm/py.typed" in packaged


def test_the_wheel_states_ranges_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = {name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    metadata = Parser().parsestr(wheel.read(names["METADATA"]).decode())
    requirements = metadata.get_all("Requires-Dist") or []
    assert any(line.startswith("torch") for line in requirements)
    assert not any("==" in line.partition(";")[0] or "@" in line for line in requirements)
    assert metadata["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert "licenses/LICENSE" in names
    assert "hyperpcm = hyperpcm.cli.main:main" in wheel.read(names["entry_points.txt"]).decode()


def test_the_wheel_with_the_web_app_stays_small(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename is not None
    assert Path(wheel.filename).stat().st_size < 40e6
    assert "hyperpcm/web/static/vendor/htmx/LICENSE" in wheel.namelist()
