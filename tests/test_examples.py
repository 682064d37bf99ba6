"""Every program in examples/ runs to its end.

For authors. An example takes no arguments, runs in an empty folder, writes only there, prints what it found
and ends within two minutes on one core. What it reads is in the catalog. One that needs public files
beyond the samples says so on a line of its own: `# needs: HYPERPCM_MIRROR`; it is skipped, and reported as
skipped, where that environment variable is unset.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_to_its_end_and_says_something(example: Path, tmp_path: Path) -> None:
    needed = re.findall(r"^# needs: (\w+)$", example.read_text(encoding="utf-8"), re.MULTILINE)
    if unset := [variable for variable in needed if not os.environ.get(variable)]:
        pytest.skip(f"{example.name} needs the environment variable {unset[0]}")
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{example.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert done.stdout.strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_explains_itself_first(example: Path) -> None:
    assert ast.get_docstring(ast.parse(example.read_text(encoding="utf-8")))
