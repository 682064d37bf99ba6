"""The peak of a process is its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.evaluation.measure import peak_memory_mb

ASKED = "from hyperpcm.evaluation.measure import peak_memory_mb; print(peak_memory_mb())"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs proc(5)")
def test_a_process_does_not_begin_with_the_peak_of_the_one_that_started_it():
    held = np.ones(60_000_000)  # 480 MB
    own = peak_memory_mb()
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert own is not None
    assert own > held.nbytes / 1e6
    assert 5 < float(done.stdout) < own - 200
