"""A packed model is the file that was given, with its digest and its card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.errors import CorruptModelError, InputError, OutputError
from hyperpcm.pretrained import find_model, pack_model
from hyperpcm.pretrained.packing import remove_model
from hyperpcm.pretrained.registry import FOLDERS_VARIABLE
from small_models import QUERY, SMILES
from small_pretrained import with_default


def test_it_is_the_same_file_under_a_name(folders: SimpleNamespace, tmp_path: Path):
    given = with_default(tmp_path, "given")
    packed = pack_model(given, "mine", folders.models)
    assert packed.path.read_bytes() == given.read_bytes()
    assert packed.record()["sha256"] == hashlib.sha256(given.read_bytes()).hexdigest()
    assert packed.record()["bytes"] == given.stat().st_size
    assert packed.record()["learned"]["known_targets"] == 5
    scores = [load_model(one).compile_target(QUERY).score(SMILES).values for one in (given, packed.path)]
    assert np.array_equal(*scores)


def test_one_that_is_too_large_is_not_packed(folders: SimpleNamespace, tmp_path: Path):
    given = with_default(tmp_path, "given")
    with pytest.raises(InputError, match="a model that ships may have 1,000"):
        pack_model(given, "mine", folders.models, largest=1000)
    assert list(folders.models.iterdir()) == []


def test_what_is_no_model_is_not_packed(folders: SimpleNamespace, tmp_path: Path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(with_default(tmp_path, "given").read_bytes()[:-10])
    with pytest.raises(CorruptModelError):
        pack_model(broken, "mine", folders.models)
    assert list(folders.models.iterdir()) == []


def test_a_name_that_is_taken_is_refused_until_it_may_be_replaced(folders: SimpleNamespace, tmp_path: Path):
    pack_model(with_default(tmp_path, "one"), "mine", folders.models)
    with pytest.raises(OutputError, match="exists already"):
        pack_model(with_default(tmp_path, "two", seed=1), "mine", folders.models)
    packed = pack_model(tmp_path / "two.safetensors", "mine", folders.models, overwrite=True)
    assert packed.path.read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert packed.card()


def test_a_user_adds_and_removes(folders: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(FOLDERS_VARIABLE)
    pack_model(with_default(tmp_path, "given"), "mine")
    assert find_model("mine").path.parent == folders.user
    remove_model("mine")
    assert find_model("mine") is None
    assert list(folders.user.iterdir()) == []
    with pytest.raises(InputError, match="no model of this name was added"):
        remove_model("mine")
