"""`hyperpcm evaluate` and `hyperpcm report`: the table beside the nulls, and the page about the run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_model
from hyperpcm.cli.main import app
from hyperpcm.encoders import ENCODERS
from hyperpcm.evaluation.results import AccuracyResults


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def evaluated(trained: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A copy of the run, evaluated beside two nulls."""
    run = shutil.copytree(trained.run, tmp_path_factory.mktemp("evaluated") / "run")
    done = call("evaluate", run, "--nulls", "compound_mean, hyperpcm_shuffled")
    assert done.exit_code == 0, done.output
    return SimpleNamespace(run=run, done=done)


def test_the_table_has_the_model_and_the_nulls_that_were_asked_for(evaluated: SimpleNamespace):
    results = AccuracyResults.read(evaluated.run / "results.json")
    assert [row.model for row in results.rows] == ["hyperpcm", "hyperpcm_shuffled", "compound_mean"]
    lines = evaluated.done.stdout.splitlines()
    for row in results.rows:
        (line,) = [line for line in lines if line.split()[:1] == [row.model] and len(line.split()) > 3][:1]
        assert f"{row.metrics['mse']:.3f}" in line
    assert "MSE" in lines[0]
    assert "better than" in evaluated.done.stdout


def test_where_the_files_are_is_no_result(evaluated: SimpleNamespace):
    assert "results.json" in evaluated.done.stderr
    assert "results.json" not in evaluated.done.stdout
    assert (evaluated.run / "scores.parquet").is_file()


def test_without_nulls_there_are_the_rows_of_the_model(trained: SimpleNamespace, tmp_path: Path):
    run = shutil.copytree(trained.run, tmp_path / "run")
    done = call("evaluate", run, "--no-nulls", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [row["model"] for row in found["rows"]] == ["hyperpcm", "hyperpcm_shuffled"]
    assert found == json.loads((run / "results.json").read_text())


def test_another_model_is_fitted_where_it_is_named(trained: SimpleNamespace, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(trained.run, run)
    done = call("evaluate", run, "--nulls", "nearest_neighbour", "--json")
    assert done.exit_code == 0, done.output
    models = [row["model"] for row in json.loads(done.stdout)["rows"]]
    assert models == ["hyperpcm", "hyperpcm_shuffled", "nearest_neighbour"]


def test_an_unknown_null_is_answered_with_those_there_are(trained: SimpleNamespace):
    done = call("evaluate", trained.run, "--nulls", "compound_mean,magic")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "'magic'" in done.stderr
    assert "kernel_knn" in done.stderr
    assert call("evaluate", trained.run, "--nulls", "gbm", "--no-nulls").exit_code == 2


@pytest.mark.parametrize("command", ["evaluate", "report"])
def test_a_folder_that_is_no_run_is_told(command: str, tmp_path: Path):
    for path in (tmp_path, tmp_path / "nothing"):
        done = call(command, path)
        assert (done.exit_code, done.stdout) == (2, "")
        assert str(path) in done.stderr


def test_data_that_changed_since_training_are_refused(trained: SimpleNamespace, tmp_path: Path):
    run, table = shutil.copytree(trained.run, tmp_path / "run"), tmp_path / "table.csv"
    settings = json.loads((run / "config.json").read_text())
    settings["data"]["path"] = str(table)
    (run / "config.json").write_text(json.dumps(settings))
    table.write_text("\n".join(trained.table.read_text().splitlines()[:-1]) + "\n")
    for command in ("evaluate", "report"):
        done = call(command, run)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "another table" in done.stderr


def test_the_report_is_one_page_about_this_run(evaluated: SimpleNamespace):
    done = call("report", evaluated.run)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{evaluated.run / 'report.html'}\n"
    page = (evaluated.run / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    for text in ("compound_mean", "168", "cold target", "learning_rate"):
        assert text in page
    assert "not been evaluated" not in page
    again = call("report", evaluated.run)
    assert again.exit_code == 0
    assert (evaluated.run / "report.html").read_text(encoding="utf-8") == page


def test_a_report_before_evaluation_says_so(trained: SimpleNamespace, tmp_path: Path):
    run = shutil.copytree(trained.run, tmp_path / "run")
    assert call("report", run).exit_code == 0
    assert "not been evaluated" in (run / "report.html").read_text(encoding="utf-8")


def test_a_report_shows_a_ranking_for_a_protein_that_is_given(trained: SimpleNamespace, tmp_path: Path):
    run, fasta = shutil.copytree(trained.run, tmp_path / "run"), tmp_path / "a.fasta"
    fasta.write_text(f"><script>alert(1)</script>\n{trained.sequence}\n")
    done = call("report", run, "--target", fasta)
    assert done.exit_code == 0, done.output
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "most similar training target" in page


def test_a_report_says_when_the_protein_is_not_new(trained: SimpleNamespace, tmp_path: Path):
    run = shutil.copytree(trained.run, tmp_path / "run")
    known = load_model(run / "model.safetensors").memory_sequences[0]
    assert call("report", run, "--target", known).exit_code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "trained on this very sequence" in page
    assert "most similar training target" not in page


def test_a_report_names_the_licences_of_the_encoders_and_warns_of_one_against_commercial_use(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = shutil.copytree(trained.run, tmp_path / "run")
    assert call("report", run).exit_code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "composition (MIT)" in page
    assert "Not for commercial use" not in page
    marked = dataclasses.replace(ENCODERS["composition"], licence="CC-BY-NC-4.0")
    monkeypatch.setattr("hyperpcm.training.report_run.ENCODERS", {**ENCODERS, "composition": marked})
    assert call("report", run).exit_code == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Not for commercial use" in page
    assert "composition (CC-BY-NC-4.0)" in page
