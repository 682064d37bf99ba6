"""`hyperpcm models`: what there is, what it says of itself, and which is the default."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.pretrained import pack_model
from hyperpcm.pretrained.choice import MODEL_VARIABLE
from hyperpcm.pretrained.registry import FOLDERS_VARIABLE
from small_pretrained import own_folders, with_default


def call(*arguments: object):
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return own_folders(monkeypatch, tmp_path)


def test_the_list_tells_what_a_model_is_and_which_is_the_default(folders: SimpleNamespace, tmp_path: Path):
    given = with_default(tmp_path, "given")
    pack_model(given, "hyperpcm-chembl", folders.models, licence={"weights": "CC BY-SA 3.0"})
    with_default(folders.models, "other")
    shown = call("list")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["name", "scores", "trained", "on", "size", "licence"]
    assert lines[1].startswith("hyperpcm-chembl *  pKd")
    assert "5 targets" in lines[1]
    assert lines[1].endswith("CC BY-SA 3.0")
    assert lines[2].startswith("other ")
    assert "the default is hyperpcm-chembl" in shown.stderr
    told = json.loads(call("list", "--json").stdout)
    assert [(one["name"], one["default"], one["bytes"]) for one in told["models"]] == [
        ("hyperpcm-chembl", True, given.stat().st_size),
        ("other", False, given.stat().st_size),
    ]


def test_without_models_the_list_says_so_and_ends_well(folders: SimpleNamespace):
    shown = call("list")
    assert (shown.exit_code, "None ships" in shown.stdout, "no default" in shown.stderr) == (0, True, True)
    assert json.loads(call("list", "--json").stdout) == {"models": [], "default": None}


def test_a_damaged_model_is_listed_with_its_fault(folders: SimpleNamespace):
    path = with_default(folders.models, "broken")
    path.write_bytes(path.read_bytes()[:-9])
    shown = call("list")
    assert shown.exit_code == 0
    assert "damaged" in shown.stdout


def test_the_card_is_shown_of_the_default_of_a_name_and_of_a_file(folders: SimpleNamespace, tmp_path: Path):
    packed = pack_model(with_default(tmp_path, "given"), "hyperpcm-chembl", folders.models)
    card = packed.card_path.read_text(encoding="utf-8").rstrip()
    for asked in ([], ["hyperpcm-chembl"], [packed.path], [tmp_path / "given.safetensors"]):
        shown = call("show", *asked)
        assert (shown.exit_code, shown.stdout.rstrip()) == (0, card), shown.stderr
    assert json.loads(call("show", "--json").stdout)["name"] == "hyperpcm-chembl"
    missing = call("show", "hyperpcm-chembel")
    assert (missing.exit_code, "Is hyperpcm-chembl meant?" in missing.stderr) == (2, True)


def test_a_choice_holds_from_any_folder_until_it_is_forgotten(
    folders: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_default(folders.models)
    with_default(tmp_path, "mine")
    monkeypatch.chdir(tmp_path)
    chosen = call("use", "mine.safetensors")
    assert chosen.exit_code == 0, chosen.stderr
    monkeypatch.chdir(folders.models)
    assert f"the default is {tmp_path / 'mine.safetensors'}, as chosen" in call("list").stderr
    assert call("use", "hyperpcm-chembl").exit_code == 0
    assert "the default is hyperpcm-chembl, as chosen" in call("list").stderr
    assert call("use", "--reset").exit_code == 0
    assert "hyperpcm-chembl, found as HYPERPCM_MODELS says" in call("list").stderr
    assert "No model was chosen" in call("use", "--reset").stdout


def test_what_cannot_be_a_default_is_refused(folders: SimpleNamespace, trained: SimpleNamespace):
    for arguments, told in (
        (["use"], "give a model, or --reset"),
        (["use", "x", "--reset"], "give a model, or --reset"),
        (["use", "nowhere"], "there is no such file or folder"),
        (["use", trained.target], "the model of one target"),
        (["show"], "no model was given"),
        (["show", trained.target], "the model of one target"),
    ):
        refused = call(*arguments)
        assert (refused.exit_code, refused.stdout) == (2, ""), refused.output
        assert told in refused.stderr


def test_what_the_environment_says_is_told_where_a_choice_would_not_hold(
    folders: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    with_default(folders.models)
    monkeypatch.setenv(MODEL_VARIABLE, "elsewhere")
    chosen = call("use", "hyperpcm-chembl")
    assert "the default is elsewhere, as HYPERPCM_MODEL says" in chosen.stderr


def test_a_model_is_added_listed_and_removed(
    folders: SimpleNamespace, trained: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(FOLDERS_VARIABLE)
    added = call("add", trained.run, "--name", "ours")
    assert added.exit_code == 0, added.stderr
    assert any(line.startswith("ours ") for line in call("list").stdout.splitlines())
    assert "exists already" in call("add", trained.run, "--name", "ours").stderr
    assert call("add", trained.run, "--name", "ours", "--overwrite").exit_code == 0
    assert call("remove", "ours").exit_code == 0
    assert call("remove", "ours").exit_code == 2
    assert not any(line.startswith("ours ") for line in call("list").stdout.splitlines())
