"""`hyperpcm benchmark` as people call it: in processes, and stopped in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyperpcm.datasets.locking import only_run
from small_benchmarks import write_benchmark

MEAN = 'title = "Compound mean"\nbaseline = "compound_mean"\n'
PROGRAM = [sys.executable, "-m", "hyperpcm", "benchmark"]
KIBA = """
title = "KIBA sample, cold targets"
about = "Test targets have no label in training."
reference = "mean"
folds = [0]
[data]
name = "kiba_sample"
[split]
name = "cold_target"
folds = 5
"""


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=250
    )


@pytest.mark.mirror
def test_a_benchmark_goes_from_its_files_to_its_page(mirror, tmp_path):
    folder = tmp_path / "benchmarks" / "sample"
    folder.mkdir(parents=True)
    (folder / "benchmark.toml").write_text(KIBA)
    (folder / "mean.toml").write_text(MEAN)
    (folder / "both.toml").write_text('title = "Both means"\nbaseline = "additive"\n')
    listed = call("list", cwd=tmp_path)
    assert "sample      0/2  KIBA sample, cold targets" in listed.stdout
    done = call("run", "sample", "--processes", "2", "--memory", "4", "--store", "store.sqlite", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "benchmarks/results/accuracy/kiba_sample/sample.json: 2 of 2 jobs done"
    again = call("run", "sample", "--store", "store.sqlite", cwd=tmp_path)
    assert "0 of 0 jobs done, 2 were there" in again.stdout
    assert json.loads(call("list", "--json", cwd=tmp_path).stdout)[0]["done"] == 2
    shown = call("table", "sample", "--html", "page.html", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["title"] == "KIBA sample, cold targets"
    assert "Both means" in (tmp_path / "page.html").read_text()
    assert "| Both means" in call("table", "sample", cwd=tmp_path).stdout
    (tmp_path / "docs").mkdir()
    assert call("page", "--check", cwd=tmp_path).returncode == 2
    assert call("page", cwd=tmp_path).returncode == 0
    assert call("page", "--check", cwd=tmp_path).returncode == 0
    assert "## KIBA sample, cold targets" in (tmp_path / "docs" / "benchmarks.md").read_text()


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 75)])
def test_a_run_that_is_stopped_keeps_what_is_finished_and_goes_on(tmp_path, name, code):
    folder = write_benchmark(tmp_path / "benchmarks", model=None, mean=MEAN, both='baseline = "additive"\n')
    path = folder / "benchmark.toml"
    path.write_text(path.read_text().replace("folds = [0, 1]", "folds = [0]"))
    command = [*PROGRAM, "run", "small", "--store", str(tmp_path / "store.sqlite")]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in running.stderr:
        if line.startswith("[1/2]"):
            break
    children = subprocess.run(
        ["ps", "--ppid", str(running.pid), "-o", "pid="], capture_output=True, text=True, check=False
    ).stdout.split()
    running.send_signal(signal.Signals[name])
    _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert f"Stopped by {name}" in said
    assert "The same command goes on." in said
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(child), 0)
    results = tmp_path / "benchmarks" / "results" / "accuracy" / "table" / "small.json"
    kept = json.loads(results.read_text())["rows"]
    assert len(kept) == 1
    if name == "SIGINT":
        return  # once is enough to see that it goes on
    done = call("run", "small", "--store", "store.sqlite", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(results.read_text())["rows"]
    assert len(rows) == 2
    assert all(row in rows for row in kept)


def test_a_second_run_of_one_benchmark_is_told_who_has_the_first(tmp_path):
    write_benchmark(tmp_path / "benchmarks", model=None, mean=MEAN)
    with only_run(tmp_path / "benchmarks" / "results" / "accuracy" / "table" / "small.json"):
        second = call("run", "small", "--store", "store.sqlite", cwd=tmp_path)
    assert second.returncode == 2
    assert f"another run is writing here (process {os.getpid()} on" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "no such folder of benchmarks"),
        (["table", "nothing"], "there is no benchmark 'nothing'"),
        (["run", "nothing"], "there is no benchmark 'nothing'"),
    ],
)
def test_what_is_not_there_is_a_sentence(tmp_path, arguments, said):
    done = call(*arguments, cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (2, True)


def test_numbers_that_are_none_are_a_sentence(tmp_path):
    write_benchmark(tmp_path / "benchmarks", model=None, mean=MEAN)
    done = call("run", "small", "--folds", "0,x", cwd=tmp_path)
    assert (done.returncode, "such as 0,1" in done.stderr) == (2, True)


def test_a_failed_job_is_an_exit_code_of_its_own(tmp_path):
    write_benchmark(
        tmp_path / "benchmarks",
        model=None,
        broken='part = "prior"\n[settings.model]\nretrieval.enabled = false\n',
    )
    started = time.monotonic()
    done = call("run", "small", "--folds", "0", "--store", "store.sqlite", cwd=tmp_path)
    assert time.monotonic() - started < 200
    assert done.returncode == 1
    assert "1 jobs gave no result" in done.stderr
