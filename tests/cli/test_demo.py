"""`hyperpcm demo`: the whole way, here on a small table and with little training."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model
from hyperpcm.cli.main import app
from hyperpcm.datasets import read_table
from small_pretrained import own_folders, with_default

FAST = [
    "--set=training.epochs=1",
    "--set=model.members=1",
    "--set=model.retrieval.steps=0",
    "--set=model.qsar.hidden=[8]",
    "--set=encoders.width=128",
]


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def shown(trained: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    out = tmp_path_factory.mktemp("demo") / "out"
    with pytest.MonkeyPatch.context() as patched:
        own_folders(patched, tmp_path_factory.mktemp("user"))
        done = call("demo", "--data", trained.table, *FAST, "--out", out)
    assert done.exit_code == 0, done.output
    return SimpleNamespace(out=out, done=done, table=trained.table)


def test_it_leaves_a_run_a_target_a_ranking_and_a_report(shown: SimpleNamespace):
    assert sorted(path.name for path in shown.out.iterdir()) == [
        "ranking.csv",
        "report.html",
        "run",
        "target.hpcm",
    ]
    assert (shown.out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_every_step_is_announced_on_stderr_with_its_time(shown: SimpleNamespace):
    lines = shown.done.stderr.splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("[")]
    assert [lines[place][:5] for place in starts] == [f"[{number}/6]" for number in range(1, 7)]
    for place in starts:
        assert any(line.strip().endswith(" s") for line in lines[place + 1 : place + 12])
    assert "[1/6]" not in shown.done.stdout


def test_without_a_model_to_ask_it_says_so(shown: SimpleNamespace):
    assert "No model ships with this copy" in shown.done.stderr


def test_the_default_model_is_asked_first_and_nothing_is_trained_for_it(
    shown: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_default(own_folders(monkeypatch, tmp_path).models)
    done = call("demo", "--data", shown.table, *FAST, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "[2/7] Ask hyperpcm-chembl, found as HYPERPCM_MODELS says, about a protein" in done.stderr
    assert "its sequence is not among the 5 that hyperpcm-chembl knows; nothing was trained" in done.stderr
    first, _, rest = done.stdout.partition("\n")
    assert first == "The first 5 of 14 compounds for t0, by hyperpcm-chembl (pKd [-log10(M)]):"
    assert rest.splitlines()[0].split()[0] == "rank"


def test_all_nulls_are_in_the_table(shown: SimpleNamespace):
    for null in (
        "compound_mean",
        "target_mean",
        "additive",
        "kernel_knn",
        "gbm",
        "ligand_only",
        "hyperpcm_shuffled",
    ):
        assert f"\n{null} " in shown.done.stdout


def test_the_compiled_target_was_held_out(shown: SimpleNamespace):
    interactions = read_table(shown.table)
    target = load_target_model(shown.out / "target.hpcm")
    assert target.sequence in interactions.targets
    assert "No measurement of this protein was used in training" in shown.done.stderr


def test_the_ranking_holds_every_compound_once_with_what_was_measured(shown: SimpleNamespace):
    interactions = read_table(shown.table)
    target = load_target_model(shown.out / "target.hpcm")
    with (shown.out / "ranking.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["smiles"] for row in rows) == sorted(interactions.compounds)
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float(target.score([rows[0]["smiles"]]).values[0]))
    place = interactions.targets.index(target.sequence)
    for row in rows:
        compound = interactions.compounds.index(row["smiles"])
        found = (interactions.target_index == place) & (interactions.compound_index == compound)
        assert float(row["measured"]) == pytest.approx(float(interactions.values[found][0]))


@pytest.mark.parametrize("name", ["score", "compile"])
def test_the_commands_it_proposes_work(name: str, shown: SimpleNamespace, tmp_path: Path):
    (command,) = [line for line in shown.done.stdout.splitlines() if line.startswith(f"  hyperpcm {name} ")]
    (tmp_path / "yours.fasta").write_text(">a\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ\n")
    words = command.partition("#")[0].split("hyperpcm", 1)[1]
    import shlex

    done = subprocess.run(
        [sys.executable, "-m", "hyperpcm", *shlex.split(words)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_earlier_demo_is_replaced_and_other_things_are_not(shown: SimpleNamespace, tmp_path: Path):
    before = (shown.out / "run" / "model.safetensors").read_bytes()
    again = call("demo", "--data", shown.table, *FAST, "--out", shown.out)
    assert again.exit_code == 0, again.output
    assert (shown.out / "run" / "model.safetensors").read_bytes() == before
    (tmp_path / "thesis.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "thesis.txt"):
        done = call("demo", "--data", shown.table, *FAST, "--out", out)
        assert (done.exit_code, done.stdout) == (2, "")
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_misspelt_data_set_is_told_before_anything_starts(tmp_path: Path):
    done = call("demo", "--data", "davi", "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Did you mean 'davis'?" in done.stderr
    assert not (tmp_path / "out").exists()
