"""Which model a word means: a file, a run, a name, any of them with overlays, or the default."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.errors import InputError
from hyperpcm.pretrained import choose
from hyperpcm.pretrained.choice import MODEL_VARIABLE
from hyperpcm.training.model_source import model_source
from small_pretrained import own_folders, with_default


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return own_folders(monkeypatch, tmp_path)


def test_a_name_is_a_model(folders: SimpleNamespace):
    path = with_default(folders.models, "kinases")
    source = model_source(Path("kinases"))
    assert (source.path, source.name, source.reason, str(source)) == (path, "kinases", None, "kinases")
    assert model_source(path).name is None


def test_a_file_goes_before_a_name(folders: SimpleNamespace, tmp_path: Path, monkeypatch):
    with_default(folders.models, "kinases")
    monkeypatch.chdir(tmp_path)
    Path("kinases").write_bytes(b"")
    assert model_source(Path("kinases")).path == Path("kinases")


def test_a_name_takes_overlays(folders: SimpleNamespace, tmp_path: Path):
    path = with_default(folders.models, "kinases")
    overlay = tmp_path / "a+b.hpm"
    overlay.write_bytes(b"")
    source = model_source(Path(f"kinases+{overlay}"))
    assert (source.path, source.overlays, str(source)) == (path, (overlay,), f"kinases+{overlay}")
    with pytest.raises(InputError, match="there is no overlay"):
        model_source(Path("kinases+nowhere.hpm"))


def test_none_is_the_default_with_its_reason(folders: SimpleNamespace, monkeypatch):
    path = with_default(folders.models)
    assert (model_source(None).path, model_source(None).name) == (path, "hyperpcm-chembl")
    assert model_source(None).reason == "found as HYPERPCM_MODELS says"
    with_default(folders.models, "kinases")
    choose("kinases")
    assert (model_source(None).name, model_source(None).reason) == (
        "kinases",
        "as chosen with hyperpcm models use",
    )


def test_a_default_that_is_gone_is_told_with_who_says_so(folders: SimpleNamespace, monkeypatch):
    monkeypatch.setenv(MODEL_VARIABLE, "/gone/model.safetensors")
    with pytest.raises(
        InputError, match=r"as HYPERPCM_MODEL says: /gone/model\.safetensors: there is no such"
    ):
        model_source(None)


def test_what_is_neither_there_nor_a_name_is_told(folders: SimpleNamespace):
    with pytest.raises(InputError, match="a name that hyperpcm models list tells"):
        model_source(Path("kinases"))
