"""`hyperpcm screen plan`, `run` and `merge` as a user calls them."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from hyperpcm.cli.main import app
from small_models import many_smiles


def call(*arguments: object, **environment: str) -> Result:
    """Run the program in this process."""
    return CliRunner(env=environment).invoke(app, [str(one) for one in arguments])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.smi"
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(50))]
    path.write_text("\n".join([*lines[:20], "C1CC bad", *lines[20:]] * 50))
    return path


@pytest.fixture
def plan(trained: SimpleNamespace, library: Path, tmp_path: Path) -> Path:
    """Three shards of a library of 2,550 rows."""
    folder = tmp_path / "plan"
    made = call("screen", "plan", trained.target, "-l", library, "-o", folder, "--top", 9, "--rows", 1000)
    assert made.exit_code == 0, made.output
    assert made.stdout == f"{folder}: 3 shards of 2,550 rows\n"
    return folder


@pytest.mark.parametrize("source", ["file", "index"])
def test_the_files_are_those_of_one_screen(
    source: str, trained: SimpleNamespace, library: Path, tmp_path: Path
):
    given, folder = library, tmp_path / "plan"
    if source == "index":
        given = tmp_path / "library.index"
        assert call("index", library, "-o", given, "--for", trained.target).exit_code == 0
    options = ("--only", "lipinski", "--actives", "CCOc1ccc(C)cc1", "--most-similar", 0.7)
    whole = call(
        "screen", trained.target, "-l", given, "-o", tmp_path / "whole.csv", "--top", 9, *options,
        "--rejected", tmp_path / "whole_rejected.csv", "--processes", 1,
    )  # fmt: skip
    assert whole.exit_code == 0, whole.output
    made = call(
        "screen", "plan", trained.target, "-l", given, "-o", folder, "--top", 9, "--rows", 1000, *options
    )
    assert made.exit_code == 0, made.output
    ran = call("screen", "run", folder, "--processes", 1)
    assert ran.exit_code == 0, ran.output
    done = call(
        "screen",
        "merge",
        folder,
        "-o",
        tmp_path / "shards.csv",
        "--rejected",
        tmp_path / "shards_rejected.csv",
    )
    assert done.exit_code == 0, done.output
    for name in ("", "_rejected"):
        ours, theirs = tmp_path / f"shards{name}.csv", tmp_path / f"whole{name}.csv"
        assert ours.read_bytes() == theirs.read_bytes()
        assert len(ours.read_text().splitlines()) > 5
    assert done.stdout == whole.stdout
    assert "2,550 rows = 2,500 scored + 50 rejected" in done.stderr
    assert "50 of 2,550 rows cannot be scored: PARSE 50." in done.stderr


def test_the_tasks_of_a_slurm_array_do_the_whole(plan: Path, tmp_path: Path):
    for task in (4, 6):
        ran = call(
            "screen", "run", plan, "--json", "--processes", 1,
            SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT="2", SLURM_ARRAY_TASK_MIN="4",
            SLURM_ARRAY_TASK_STEP="2",
        )  # fmt: skip
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout)["shards"] == {4: 2, 6: 1}[task]
    done = call("screen", "merge", plan, "-o", tmp_path / "hits.csv", "--json")
    assert json.loads(done.stdout) | {"seconds": 0} == {
        "rows": 2550,
        "scored": 2500,
        "rejected": {"PARSE": 50},
        "missing": {"shards": [], "rows": 0},
        "hits": {"new one": 9},
        "out": str(tmp_path / "hits.csv"),
        "seconds": 0,
    }


def test_a_shard_that_is_missing_is_told_and_may_be_left_out(plan: Path, tmp_path: Path):
    assert call("screen", "run", plan, "--shard", "1/3", "--processes", 1).exit_code == 0
    refused = call("screen", "merge", plan, "-o", tmp_path / "hits.csv", "--rejected", tmp_path / "bad.csv")
    assert refused.exit_code == 2
    assert "2 of 3 shards are not done: shard 1 (rows 1 to 1,024); shard 3 (rows" in refused.stderr
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == []
    part = call("screen", "merge", plan, "-o", tmp_path / "hits.csv", "--partial")
    assert part.exit_code == 0, part.output
    assert "missing: shard 3 (rows 2,049 to 2,550)" in part.stderr
    assert "2,550 rows = 1,004 scored + 20 rejected + 1,526 in 2 missing shards" in part.stderr


def test_a_shard_that_cannot_be_done_ends_with_4_and_goes_on_when_it_can(plan: Path, tmp_path: Path):
    rows = plan / "rows" / "000001.parquet"
    kept = shutil.copy2(rows, tmp_path / "kept")
    rows.write_bytes(b"")
    ran = call("screen", "run", plan, "--processes", 1)
    assert ran.exit_code == 4
    assert "2 of 3 shards are done: 1,526 rows" in ran.stdout
    assert f"shard 2 cannot be done: {rows}: these rows of the library are missing or damaged" in ran.stderr
    assert "error: " in ran.stderr.splitlines()[-1]
    assert "1 of 3 shards cannot be done" in ran.stderr.splitlines()[-1]
    shutil.copy2(kept, rows)
    again = call("screen", "run", plan, "--processes", 1)
    assert again.exit_code == 0
    assert again.stdout.endswith(
        "3 of 3 shards are done, 2 of them before: 2,550 rows, 2,500 scored and 50 rejected\n"
    )


def test_diverse_hits_and_a_gallery_are_chosen_when_merging(plan: Path, tmp_path: Path):
    assert call("screen", "run", plan, "--processes", 1).exit_code == 0
    out, page = tmp_path / "hits.csv", tmp_path / "hits.html"
    done = call("screen", "merge", plan, "-o", out, "--diverse", 4, "--gallery", page)
    assert done.exit_code == 0, done.output
    with out.open() as file:
        assert len(list(csv.DictReader(file))) == 4
    assert page.read_text().count("<svg") == 4
    again = call("screen", "merge", plan, "-o", out)
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_a_target_that_is_gone_costs_the_nearest_compounds_of_its_hits_alone(
    trained: SimpleNamespace, library: Path, tmp_path: Path
):
    targets = tmp_path / "targets"
    targets.mkdir()
    here, gone, other = (targets / f"{name}.hpcm" for name in ("here", "gone", "other"))
    for path in (here, gone, other):
        made = call("compile", trained.run, trained.sequence, "--name", path.stem, "-o", path)
        assert made.exit_code == 0, made.output
    plan = tmp_path / "plan"
    assert call("screen", "plan", targets, "-l", library, "-o", plan, "--top", 3).exit_code == 0
    assert call("screen", "run", plan, "--processes", 1).exit_code == 0
    gone.unlink()
    shutil.copy2(here, other)
    done = call("screen", "merge", plan, "-o", tmp_path / "hits.csv")
    assert done.exit_code == 0, done.output
    assert "the hits on gone have no nearest compound" in done.stderr
    assert f"{other}: this target is not the one that was planned with" in done.stderr
    with (tmp_path / "hits.csv").open() as file:
        rows = list(csv.DictReader(file))
    told = {row["target"] for row in rows if row["nearest_compound"] and row["nearest_similarity"]}
    assert (told, len(rows)) == ({"here"}, 9)


def test_planning_again_says_so_and_another_plan_is_refused(
    plan: Path, trained: SimpleNamespace, library: Path
):
    arguments = ("screen", "plan", trained.target, "-l", library, "-o", plan, "--rows", 1000)
    again = call(*arguments, "--top", 9)
    assert again.stdout == f"{plan}: 3 shards of 2,550 rows, planned before\n"
    other = call(*arguments, "--top", 10)
    assert other.exit_code == 2
    assert "holds the plan of another screen" in other.stderr


def test_ray_that_is_not_installed_is_told_with_the_command(plan: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = call("screen", "run", plan, "--engine", "ray")
    assert done.exit_code == 2
    assert done.stderr == "error: Ray is not installed. Run: pip install 'hyperpcm[ray]'\n"


def test_a_device_that_is_not_there_is_refused_and_auto_is_not(plan: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device, words in (
        ("cuda", "device is 'cuda', and torch sees no GPU here; give cpu."),
        ("gpu", "device is 'gpu'; give auto, cpu or cuda, or cuda:1 for the second GPU."),
    ):
        refused = call("screen", "run", plan, "--device", device)
        assert (refused.exit_code, refused.stderr) == (2, f"error: {words}\n")
    done = call("screen", "run", plan, "--device", "auto", "--processes", 1)
    assert done.exit_code == 0, done.output
    assert "3 of 3 shards are done" in done.stdout


def test_an_address_without_ray_is_refused(plan: Path):
    done = call("screen", "run", plan, "--ray-address", "auto")
    assert done.exit_code == 2
    assert "--ray-address goes with --engine ray" in done.stderr


def test_a_folder_called_plan_can_still_be_screened(
    trained: SimpleNamespace, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("plan").mkdir()
    shutil.copy2(trained.target, "plan")
    done = call("screen", "./plan", "-l", library, "-o", "hits.csv", "--processes", 1)
    assert done.exit_code == 0, done.output
