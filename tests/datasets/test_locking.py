"""Two runs never write one results file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hyperpcm.datasets.locking import only_run
from hyperpcm.errors import OutputError


def test_the_second_is_told_who_holds_it(tmp_path):
    path = tmp_path / "new" / "results.json"
    with (
        only_run(path),
        pytest.raises(OutputError, match=f"process {os.getpid()} on .*, since 20"),
        only_run(path),
    ):
        pass
    with only_run(path):
        pass


def test_another_file_is_another_lock(tmp_path):
    with only_run(tmp_path / "a.json"), only_run(tmp_path / "b.json"):
        pass


def test_a_holder_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, sys, pathlib; from hyperpcm.datasets.locking import only_run\n"
        "with only_run(pathlib.Path(sys.argv[1])):\n    os._exit(9)\n"
    )
    path = tmp_path / "results.json"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    with only_run(path):
        pass


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), only_run(tmp_path / "file" / "results.json"):
        pass
