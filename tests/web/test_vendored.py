"""The scripts of other people are those that were published, each with its licence."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "src/hyperpcm/web/static/vendor", ROOT / "tests/web/vendor")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-3])
def test_every_vendored_file_is_listed_with_its_digest_and_nothing_else_is_there(folder: Path) -> None:
    listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del there["SHA256SUMS"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()} == listed


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-3])
def test_every_vendored_package_has_its_licence(folder: Path) -> None:
    packages = [path for path in folder.iterdir() if path.is_dir()]
    assert packages
    for package in packages:
        text = (package / "LICENSE").read_text()
        assert re.search(
            r"Permission is hereby granted|Permission to use|Redistribution and use|Mozilla", text
        )


def test_the_script_that_fetches_them_finds_them_as_listed() -> None:
    command = [sys.executable, "scripts/vendor_web.py", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_script_names_what_was_changed(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import vendor_web
    finally:
        sys.path.pop(0)
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a.js").write_text("changed")
    (tmp_path / "one/b.js").write_text("not listed")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  one/a.js\n{'0' * 64}  one/c.js\n")
    assert vendor_web.differences(tmp_path) == [
        f"{tmp_path}/one/c.js is listed, but not there.",
        f"{tmp_path}/one/b.js is not listed.",
        f"{tmp_path}/one/a.js is not the file that is listed.",
    ]


def test_all_static_files_together_stay_small() -> None:
    folder = ROOT / "src/hyperpcm/web/static"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 5e6
