"""The index that the screening benchmarks make up is one that screens take."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from hyperpcm.encoders import compound_encoder
from hyperpcm.screening import CompoundRecipe, LibraryIndex, Panel, StateFolder, screen_library
from small_models import QUERY, SMALL, made_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made_library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("made_library", ROOT / "benchmarks" / "made_library.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROWS", 32)
    monkeypatch.setattr(module, "DIFFERENT", 2)
    return module


def test_a_made_index_is_screened_as_any_other(made_library: ModuleType, tmp_path: Path):
    panel = Panel([made_model(SMALL).compile_target(QUERY, name="a")])
    index = made_library.made_index(tmp_path / "index", panel.recipe, 150)
    assert (index.rows, len(list(index.path.glob("*.npz")))) == (160, 2)
    found = screen_library(index, panel, StateFolder(tmp_path / "work", "job"), top=5)
    assert (found.scored, len(found.hits["a"])) == (160, 5)


def test_a_made_index_holds_dense_embeddings_too(made_library: ModuleType, tmp_path: Path):
    recipe = CompoundRecipe(compound_encoder(["ecfp", "descriptors"]), ((2, 2048),))
    index = made_library.made_index(tmp_path / "index", recipe, 32)
    (chunk,) = LibraryIndex.open(index.path).chunks()
    assert chunk.compounds.embeddings.shape == (32, recipe.encoder.width)
