"""The lines of curl and Python on the page about the API, run against a server of the run that it trains."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from small_servers import running, settings_of
from test_docs import ROOT, blocks, run_commands

PAGE = ROOT / "docs" / "http-api.md"
ADDRESS = "http://127.0.0.1:8000"


@pytest.mark.slow
def test_the_lines_on_the_page_do_what_it_says(tmp_path: Path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    found = list(blocks(PAGE.read_text(encoding="utf-8"), PAGE.name))
    with contextlib.chdir(tmp_path):
        for block in found:
            if block.is_run:
                run_commands(block, PAGE.name)
        with running(settings_of(tmp_path / "run", tmp_path / "work")) as server:
            lines = [one.code for one in found if one.language == "bash" and "curl " in one.code]
            script = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; echo; }\n'
            script += "\n".join(lines).replace(ADDRESS, server.address)
            script = script.replace("| python ", f"| {sys.executable} ")
            done = subprocess.run(
                ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr
            (python,) = [one.code for one in found if one.language == "python"]
            exec(compile(python.replace(ADDRESS, server.address), PAGE.name, "exec"), {})
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    assert answers[0][0]["quantity"]["name"] == "KIBA score"
    assert len(answers[2]["scores"]) == 2
    assert len(answers[3]["retrieved"]) == 2
    assert answers[4]["summary"]["compounds"] == 5
    assert "event: end" in done.stdout
    assert (tmp_path / "P51617.hpcm").stat().st_size > 1000
    assert (tmp_path / "hits.sdf").read_text().count("$$$$") == 2
    assert len((tmp_path / "hits.csv").read_text().splitlines()) == 3
