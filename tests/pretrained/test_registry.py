"""Models are found by their names, and a card is that of its own file."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.errors import CorruptModelError, InputError
from hyperpcm.pretrained import find_model, known_models, pack_model
from hyperpcm.pretrained.registry import FOLDERS_VARIABLE, SHIPPED, check_name, model_folders, model_named
from small_pretrained import with_default


def test_what_ships_goes_before_what_a_user_added(folders: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(FOLDERS_VARIABLE)
    assert model_folders() == [SHIPPED, folders.user]


def test_the_first_folder_with_a_name_has_it(folders: SimpleNamespace, tmp_path: Path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    for folder, names in ((folders.models, ("b", "a")), (other, ("a", "c"))):
        for name in names:
            with_default(folder, name)
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join([str(folders.models), str(other)]))
    assert [(one.name, one.path.parent) for one in known_models()] == [
        ("a", folders.models),
        ("b", folders.models),
        ("c", other),
    ]
    assert find_model("a").path.parent == folders.models
    assert not find_model("a").is_shipped


def test_an_unknown_name_is_answered_with_those_there_are(folders: SimpleNamespace):
    with pytest.raises(InputError, match="none is installed"):
        model_named("kinases")
    with_default(folders.models, "kinases")
    with pytest.raises(InputError, match=r"There are kinases\. Is kinases meant"):
        model_named("kinase")
    assert model_named("kinases").name == "kinases"
    assert find_model("../models/kinases") is None


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "x" * 101, "model.hpcm", "a.safetensors", "ä"])
def test_a_name_is_no_path_and_no_file(name: str):
    with pytest.raises(InputError, match="cannot be the name"):
        check_name(name)


def test_a_model_without_a_record_is_described_from_its_file(folders: SimpleNamespace, tmp_path: Path):
    path = with_default(folders.models, "bare")
    bare = model_named("bare").record()
    packed = pack_model(path, "packed", tmp_path / "elsewhere").record()
    assert {**bare, "name": "packed"} == packed


def test_the_card_of_another_file_is_refused(folders: SimpleNamespace):
    packed = pack_model(with_default(folders.models, "one"), "two", folders.models)
    assert "## What it predicts" in packed.card()
    packed.path.write_bytes(with_default(folders.models, "three", seed=1).read_bytes())
    with pytest.raises(CorruptModelError, match=r"not the file that two\.md was written for"):
        packed.card()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "hyperpcm pretrained model"}', "\0"])
def test_a_record_that_is_none_is_told(folders: SimpleNamespace, text: str):
    with_default(folders.models, "one").with_suffix(".json").write_text(text, encoding="utf-8")
    with pytest.raises(CorruptModelError, match=r"one\.json"):
        model_named("one").record()
