"""Which model is the default, and how the choice is kept."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.errors import ConfigError, DiskFullError, InputError
from hyperpcm.pretrained import choose, default_model, reset
from hyperpcm.pretrained.choice import MODEL_VARIABLE, choice_path, needed_default
from small_pretrained import with_default


def test_the_environment_goes_before_the_user_and_the_user_before_the_package(
    folders: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    assert default_model() is None
    with_default(folders.models)
    assert (str(default_model().given), default_model().by) == ("hyperpcm-chembl", "package")
    choose("/somewhere/run+project.hpm")
    assert (str(default_model().given), default_model().by) == ("/somewhere/run+project.hpm", "user")
    monkeypatch.setenv(MODEL_VARIABLE, "kinases")
    assert (str(default_model().given), default_model().by) == ("kinases", "environment")
    monkeypatch.setenv(MODEL_VARIABLE, "")
    assert default_model().by == "user"
    assert reset()
    assert not reset()
    assert default_model().by == "package"


def test_without_any_model_the_sentence_tells_how_to_get_one(folders: SimpleNamespace):
    with pytest.raises(InputError, match="hyperpcm train --data") as told:
        needed_default()
    assert "hyperpcm models use FILE" in str(told.value)
    with_default(folders.models, "kinases")
    with pytest.raises(InputError, match="kinases"):
        needed_default()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"model": 3}', '{"model": ""}', '{"model": "a\\u0000b"}']
)
def test_a_choice_that_cannot_be_read_is_no_other_model(folders: SimpleNamespace, text: str):
    with_default(folders.models)
    choose("kinases")
    choice_path().write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="models use --reset"):
        default_model()
    assert reset()
    assert default_model().by == "package"


def test_on_a_full_disk_the_choice_before_stays(
    folders: SimpleNamespace, small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(small_disk))
    choose("first")
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    with pytest.raises(DiskFullError):
        choose("second" * 2000)
    assert str(default_model().given) == "first"
    assert [path.name for path in choice_path().parent.iterdir()] == ["model.json"]
