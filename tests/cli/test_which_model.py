"""Commands without a model ask the default one and say so; with one, all is as it was."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.cli.which_model import is_model, split_model
from hyperpcm.errors import InputError
from hyperpcm.pretrained import pack_model
from small_pretrained import own_folders

COMPOUNDS = ["CCO", "c1ccccc1O"]


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return own_folders(monkeypatch, tmp_path)


@pytest.fixture
def shipped(folders: SimpleNamespace, trained: SimpleNamespace) -> SimpleNamespace:
    """The trained model in the place of the one that ships."""
    pack_model(trained.run / "model.safetensors", "hyperpcm-chembl", folders.models)
    return folders


@pytest.fixture
def fasta(tmp_path: Path, trained: SimpleNamespace) -> Path:
    path = tmp_path / "P.fasta"
    path.write_text(f">new\n{trained.sequence}\n", encoding="utf-8")
    return path


def scored(done) -> list[tuple[str, float]]:
    assert done.exit_code == 0, done.stderr
    return [(one["smiles"], one["score"]) for one in json.loads(done.stdout)["scores"]]


def test_scoring_without_a_model_asks_the_default_and_says_so(
    shipped: SimpleNamespace, trained: SimpleNamespace, fasta: Path
):
    given = call("score", trained.run, *COMPOUNDS, "--target", fasta, "--json")
    assert "asked:" not in given.stderr
    for words in ([], ["--model", "hyperpcm-chembl"], ["-m", trained.run]):
        assert scored(call("score", *words, "--target", fasta, *COMPOUNDS, "--json")) == scored(given)
    named = call("score", "hyperpcm-chembl", *COMPOUNDS, "--target", fasta, "--json")
    assert scored(named) == scored(given)
    assert "asked: hyperpcm-chembl\n" in named.stderr
    assert "asked: hyperpcm-chembl, found as" in call("score", "--target", fasta, "CCO").stderr
    assert json.loads(named.stdout)["model"] == "hyperpcm-chembl"


def test_files_sequences_and_standard_input_are_compounds_too(
    shipped: SimpleNamespace, trained: SimpleNamespace, fasta: Path, tmp_path: Path
):
    table = tmp_path / "compounds.smi"
    table.write_text("CCO one\nc1ccccc1O two\n", encoding="utf-8")
    expected = scored(call("score", "--target", fasta, *COMPOUNDS, "--json"))
    assert scored(call("score", table, "--target", trained.sequence, "--json")) == expected
    piped = CliRunner().invoke(
        app, ["score", "-", "--target", str(fasta), "--json"], input=table.read_text(encoding="utf-8")
    )
    assert scored(piped) == expected


def test_a_mistyped_model_is_not_answered_for_by_another(shipped: SimpleNamespace, fasta: Path):
    for words in (["rnu", "CCO"], ["rnu"], ["runs/first", "CCO"]):
        refused = call("score", *words, "--target", fasta)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "no name of a model" in refused.stderr
    missing = call("score", "run.hpcm", "CCO", "--target", fasta)
    assert (missing.exit_code, "no such file or folder" in missing.stderr) == (2, True)
    assert "there is no such file" in call("score", "library.smi", "--target", fasta).stderr


def test_a_broken_first_compound_is_a_row_like_any_other(shipped: SimpleNamespace, fasta: Path):
    done = call("score", "C1CC(=O)", "CCO", "--target", fasta)
    assert (done.exit_code, "PARSE" in done.stderr) == (0, True)


def test_without_any_model_every_command_tells_how_to_get_one(folders: SimpleNamespace, fasta: Path):
    folder = fasta.parent
    (folder / "library.smi").write_text("CCO\n", encoding="utf-8")
    for words in (
        ["score", "--target", fasta, "CCO"],
        ["explain", "--target", fasta, "CCO"],
        ["mutate", "--target", fasta, "CCO", "--substitutions", "M1A"],
        ["compile", fasta, "-o", folder / "x.hpcm"],
        ["adapt", "--target", fasta, folder / "library.smi", "-o", folder / "x.hpcm"],
        ["screen", "--target", fasta, "--library", folder / "library.smi", "-o", folder / "hits.csv"],
        ["panel", "--target", fasta, "-c", "CCO"],
        ["suggest", "--target", fasta, "--library", folder / "library.smi", "-o", folder / "n.csv"],
        ["index", folder / "library.smi", "-o", folder / "index"],
        ["memory", "list"],
        ["card"],
        ["models", "show"],
    ):
        refused = call(*words)
        assert (refused.exit_code, refused.stdout) == (2, ""), words
        assert "hyperpcm train" in refused.stderr, words


def test_every_command_asks_the_default(shipped: SimpleNamespace, fasta: Path, trained: SimpleNamespace):
    folder = fasta.parent
    library, assay = folder / "library.smi", folder / "assay.csv"
    library.write_text("".join(f"{'C' * number}O c{number}\n" for number in range(1, 9)), encoding="utf-8")
    assay.write_text("smiles,pKd\nCCO,6.5\nCCN,5.5\n", encoding="utf-8")
    for words in (
        ["explain", "--target", fasta],
        ["explain", "--target", fasta, "CCO"],
        ["compile", fasta, "-o", folder / "x.hpcm"],
        ["compile", trained.sequence, "--model", "hyperpcm-chembl", "-o", folder / "y.hpcm"],
        ["screen", "--target", fasta, "--library", library, "-o", folder / "hits.csv"],
        ["panel", "--target", fasta, "--target", trained.sequence[:50], "-c", "CCO", "-c", library],
        ["index", library, "-o", folder / "index"],
        ["memory", "list"],
        ["card"],
    ):
        done = call(*words)
        assert done.exit_code == 0, (words, done.stderr)
        assert "asked: hyperpcm-chembl" in done.stderr, words
    assert call("card").stdout == call("card", trained.run).stdout


def test_a_screen_of_a_protein_is_that_of_its_compiled_target(
    shipped: SimpleNamespace, fasta: Path, trained: SimpleNamespace
):
    folder = fasta.parent
    library = folder / "library.smi"
    library.write_text("".join(f"{'C' * number}O c{number}\n" for number in range(1, 9)), encoding="utf-8")
    assert call("compile", fasta, "--exact", "-o", folder / "new.hpcm").exit_code == 0
    for words, out in ((["--target", fasta], "one.csv"), ([folder / "new.hpcm"], "two.csv")):
        done = call("screen", *words, "--library", library, "-o", folder / out)
        assert done.exit_code == 0, done.stderr
    assert (folder / "one.csv").read_text() == (folder / "two.csv").read_text()


def test_words_that_do_not_go_together_are_refused(
    shipped: SimpleNamespace, fasta: Path, trained: SimpleNamespace
):
    folder = fasta.parent
    (folder / "library.smi").write_text("CCO\n", encoding="utf-8")
    library = ["--library", folder / "library.smi", "-o", folder / "hits.csv"]
    for words, told in (
        (["score", "--target", fasta], "Missing argument"),
        (["score", trained.target], "which compounds?"),
        (["score", "CCO"], "say which with --target"),
        (["compile", "hyperpcm-chembl", "-o", folder / "x.hpcm"], "which target is to be compiled?"),
        (["compile", "a", "b", "c", "-o", folder / "x.hpcm"], "one target is compiled at a time"),
        (["screen", *library], "which targets?"),
        (["screen", trained.target, "--model", trained.run, *library], "compiled targets need no model"),
        (["screen", "--model", trained.target, "--target", fasta, *library], "the model of one target"),
        (["panel", "-c", "CCO"], "which targets?"),
        (["suggest", *library], "which target?"),
        (["suggest", trained.target, "--target", fasta, *library], "leave --target and --model out"),
        (["adapt", trained.target, "a.csv", "b.csv", "-o", folder / "x.hpcm"], "one table"),
        (["memory", "add", "hyperpcm-chembl", "--name", "x", "-o", folder / "x"], "which measurements"),
        (["memory", "apply", "hyperpcm-chembl", "-o", folder / "x"], "which overlays?"),
    ):
        refused = call(*words)
        assert (refused.exit_code, refused.stdout) == (2, ""), (words, refused.output)
        assert told in " ".join(refused.stderr.split()), (words, refused.stderr)


def test_a_name_takes_an_overlay(
    shipped: SimpleNamespace, project: SimpleNamespace, trained: SimpleNamespace
):
    overlay = project.overlay
    named = call("memory", "list", f"hyperpcm-chembl+{overlay}", "--json")
    given = call("memory", "list", f"{trained.run}+{overlay}", "--json")
    assert named.exit_code == 0, named.stderr
    assert named.stdout == given.stdout
    call("models", "use", f"hyperpcm-chembl+{overlay}")
    assert call("memory", "list", "--json").stdout == given.stdout


def test_what_is_there_decides_what_a_word_is(shipped: SimpleNamespace, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_model("hyperpcm-chembl")
    (tmp_path / "odd name").write_bytes((8).to_bytes(8, "little") + b"{}")
    (tmp_path / "CCO").write_text("CCN\n", encoding="utf-8")
    (tmp_path / "run").mkdir()
    assert is_model("odd name")
    assert is_model("run")
    assert not is_model("CCO")
    assert split_model(["CCO", "CCN"], None) == (None, ["CCO", "CCN"])
    assert split_model(["run", "CCN"], None) == (Path("run"), ["CCN"])
    assert split_model(["run", "CCN"], Path("x")) == (Path("x"), ["run", "CCN"])
    assert split_model([], None) == (None, [])
    with pytest.raises(InputError, match="no SMILES"):
        split_model(["x" * 5000], None)
