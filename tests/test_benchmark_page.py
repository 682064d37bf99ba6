"""The numbers on the benchmark page are those of the results files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_page_says_what_the_results_files_hold():
    command = [
        sys.executable,
        "-m",
        "hyperpcm",
        "benchmark",
        "page",
        "--check",
        "--root",
        str(ROOT / "benchmarks"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
