"""`hyperpcm compile --all` and `hyperpcm panel`: many targets, many compounds, nothing lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.main import app
from small_models import PLAIN, QUERY, made_model
from small_runs import SMILES, families

COMPOUNDS = "CCO ethanol\nc1ccccc1O phenol\nC1CC broken\nCC(=O)Nc1ccc(O)cc1 paracetamol\nClc1ccccc1\n"


def call(*arguments: object):
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fasta") / "targets.fasta"
    lines = [f">kinase:{number}|x/y\n{sequence}" for number, sequence in enumerate(families(5, seed=0))]
    path.write_text("\n".join([*lines, ">broken\nMKTA1YIAK\n"]))
    return path


@pytest.fixture(scope="module")
def folder(fasta: Path, trained: SimpleNamespace) -> Path:
    folder = fasta.parent / "panel"
    done = call("compile", trained.run, fasta, "--all", "-o", folder)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{folder}: 5 compiled targets\n"
    assert "row 6, 'broken'" in done.stderr
    assert f"hyperpcm panel {folder}" in done.stderr
    return folder


@pytest.fixture
def smi(tmp_path: Path) -> Path:
    path = tmp_path / "compounds.smi"
    path.write_text(COMPOUNDS)
    return path


def test_every_record_becomes_a_file_and_a_second_call_keeps_them(
    folder: Path, fasta: Path, trained: SimpleNamespace, tmp_path: Path
):
    files = sorted(folder.iterdir())
    assert [path.name for path in files] == [f"kinase_{number}_x_y.hpcm" for number in range(5)]
    assert load_target_model(files[0]).name == "kinase:0|x/y"
    before = [path.read_bytes() for path in files]
    files[2].unlink()
    again = call("compile", trained.run, fasta, "--all", "-o", folder)
    assert (again.exit_code, again.stdout) == (0, f"{folder}: 5 compiled targets, 4 of them were there\n")
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == before


def test_files_of_another_model_are_not_kept_for_this_one(
    fasta: Path, trained: SimpleNamespace, tmp_path: Path
):
    other = made_model(PLAIN).compile_target(QUERY, name="other")
    place = tmp_path / "kinase_0_x_y.hpcm"
    save_target_model(other, place)
    done = call("compile", trained.run, fasta, "--all", "-o", tmp_path)
    assert done.exit_code == 2
    assert "compiled from another model or sequence" in done.stderr
    place.write_bytes(b"damaged")
    done = call("compile", trained.run, fasta, "--all", "-o", tmp_path)
    assert done.exit_code == 2
    assert "--overwrite" in done.stderr
    assert call("compile", trained.run, fasta, "--all", "-o", tmp_path, "--overwrite").exit_code == 0
    assert load_target_model(place).name == "kinase:0|x/y"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--format", "onnx"), "--format onnx goes with one target"),
        (("--name", "x"), "leave --name and --record out"),
    ],
)
def test_what_does_not_go_with_all_is_refused(options, says: str, fasta: Path, trained, tmp_path: Path):
    done = call("compile", trained.run, fasta, "--all", "-o", tmp_path / "p", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    lone = call("compile", trained.run, trained.sequence, "--all", "-o", tmp_path / "p")
    assert "needs a FASTA file" in lone.stderr


def test_two_records_of_one_name_are_refused(trained: SimpleNamespace, tmp_path: Path):
    twice = tmp_path / "twice.fasta"
    twice.write_text(f">a/b\n{families(1)[0]}\n>a:b\n{families(2)[1]}\n")
    done = call("compile", trained.run, twice, "--all", "-o", tmp_path / "p")
    assert done.exit_code == 2
    assert "two records would be written to a_b.hpcm" in done.stderr


def test_the_window_ranks_compounds_and_every_pair_is_written(folder: Path, smi: Path, tmp_path: Path):
    out, picture = tmp_path / "scores.csv", tmp_path / "map.svg"
    done = call(
        "panel", folder, "-c", smi, "--wanted", "kinase:1|x/y", "-o", out, "--heat-map", picture, "--json"
    )
    assert done.exit_code == 0, done.output
    assert "row 3, 'C1CC'" in done.stderr
    targets = {path.stem: load_target_model(path) for path in sorted(folder.iterdir())}
    values = np.stack(
        [
            target.score(["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "Clc1ccccc1"]).values
            for target in targets.values()
        ]
    )
    found = json.loads(done.stdout)
    windows = values[1] - np.delete(values, 1, axis=0).max(0)
    assert [one["window"] for one in found["compounds"]] == pytest.approx(
        sorted(windows, reverse=True), abs=1e-4
    )
    best = found["compounds"][0]
    column = int(windows.argmax())
    assert best["name"] == ["ethanol", "phenol", "paracetamol", ""][column]
    assert best["wanted"] == pytest.approx(values[1, column], abs=1e-4)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 5 + 1
    assert [row["reason"] != "" for row in rows if row["name"] == "broken"] == [True]
    own = [row for row in rows if row["name"] == "phenol"]
    assert [float(row["score"]) for row in own] == pytest.approx(values[:, 1].tolist(), abs=1e-4)
    assert sorted(int(row["rank"]) for row in own) == [1, 2, 3, 4, 5]
    drawn = picture.read_text()
    assert "paracetamol" in drawn
    assert "kinase:3|x/y" in drawn


def test_fishing_measures_scores_against_what_a_target_usually_gives(folder: Path):
    done = call("panel", folder, "-c", "c1ccccc1O", "--fish", "--json")
    assert done.exit_code == 0, done.output
    (caught,) = json.loads(done.stdout)["compounds"]
    above = [one["above_usual"] for one in caught["targets"]]
    assert len(above) == 5
    assert above == sorted(above, reverse=True)
    first = caught["targets"][0]
    target = next(
        one for path in folder.iterdir() if (one := load_target_model(path)).name == first["target"]
    )
    usual = target.provenance["background"]
    assert first["above_usual"] == pytest.approx(
        (first["score"] - usual["mean"]) / usual["deviation"], abs=1e-4
    )
    table = call("panel", folder, "-c", "c1ccccc1O", "--fish", "--top", "2")
    assert len(table.stdout.splitlines()) == 3


def test_the_background_is_the_mean_over_known_compounds(trained: SimpleNamespace):
    target = load_target_model(trained.target)
    usual = target.provenance["background"]
    values = target.score(SMILES).values  # the table has no other compounds
    assert usual["compounds"] <= len(SMILES)
    assert usual["mean"] == pytest.approx(values.mean(), abs=0.2)
    assert usual["deviation"] == pytest.approx(values.std(), abs=0.2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.hpcm", "-c", "CCO"], "there is no such file or folder"),
        (["EMPTY", "-c", "CCO"], "holds no compiled target"),
        (["PANEL", "-c", "CCO", "--wanted", "x"], "the panel has no such target"),
        (["PANEL", "-c", "CCO", "--heat-map", "a.gif"], ".png, .svg, .pdf"),
        (["PANEL", "-c", "not a molecule"], "none of the 1 compounds can be scored"),
        (["ONE", "-c", "CCO", "--wanted", "new one"], "at least two targets"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments, says: str, folder: Path, trained, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"PANEL": folder, "EMPTY": tmp_path, "ONE": trained.target}
    done = call("panel", *[places.get(one, one) for one in arguments])
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stdout == ""
