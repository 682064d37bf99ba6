"""Embeddings of learned encoders are rounded in one place, and kept in half the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.table import ENCODERS, EncoderEntry
from hyperpcm.screening import CompoundRecipe, LibraryIndex, Panel, StateFolder, build_index, screen_library
from hyperpcm.screening.chunk import packed_chunk, unpacked_chunk
from hyperpcm.screening.half_precision import HALF_TOLERANCE, in_half_where_learned, narrowest
from small_models import many_smiles
from small_networks import dense_targets

DESCRIPTORS = compound_encoder("descriptors")


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors stand for what a network says."""
    monkeypatch.setattr(EncoderEntry, "is_learned", property(lambda entry: entry.name == "descriptors"))


def test_learned_encoders_are_those_that_a_network_stands_behind():
    assert {name for name in ("minimol", "cddd", "chemprop", "unirep") if ENCODERS[name].is_learned} == {
        "minimol", "cddd", "chemprop", "unirep"
    }  # fmt: skip
    exact = ("ecfp", "fcfp", "atom_pair", "torsion", "maccs", "descriptors", "composition", "alignment")
    assert not any(ENCODERS[name].is_learned for name in exact)


def test_numbers_are_those_of_numpy_and_large_ones_stay(learned: None):
    given = np.array([[1.0, 1.0 / 3.0, 70_000.0, -70_000.25, 1e-9]], dtype=np.float32)
    found = in_half_where_learned(DESCRIPTORS, given)
    assert found.dtype == np.float32
    assert found[0, :2].tolist() == given[0, :2].astype(np.float16).tolist()
    assert found[0, 2:].tolist() == [70_000.0, -70_000.25, 0.0]
    assert narrowest(found).dtype == np.float32
    assert narrowest(found[:, :2]).dtype == np.float16


def test_what_is_not_learned_stays_exact():
    given = np.array([[1.0 / 3.0]], dtype=np.float32)
    assert in_half_where_learned(DESCRIPTORS, given) is given
    own = CompoundRecipe(DESCRIPTORS, ()).prepared(many_smiles(20)).embeddings
    assert own.tobytes() == DESCRIPTORS.encode(many_smiles(20)).tobytes()


def test_a_file_and_its_index_give_the_same_scores_near_the_exact_ones(learned: None, tmp_path: Path):
    targets = dense_targets(DESCRIPTORS, (64, 32))
    panel, smiles = Panel(targets), many_smiles(200)
    library = tmp_path / "library.smi"
    library.write_text("\n".join(smiles))
    index = build_index(library, tmp_path / "index", panel.recipe)
    found = [
        screen_library(source, panel, StateFolder(tmp_path / name, name), top=200)
        for name, source in (("file", library), ("again", LibraryIndex.open(index.path)))
    ]
    for place, target in enumerate(targets):
        first, second = ({hit.smiles: hit.score for hit in one.hits[target.name]} for one in found)
        assert first.keys() == second.keys() == set(smiles)
        np.testing.assert_allclose([first[one] for one in smiles], [second[one] for one in smiles], atol=2e-6)
        np.testing.assert_allclose(
            [first[one] for one in smiles], panel.score(smiles).values[place], atol=2e-6
        )
        exact = target.score(smiles).values
        difference = np.abs(exact - [first[one] for one in smiles]).max()
        assert 0 < difference <= HALF_TOLERANCE * max(1.0, float(exact.std()))


def test_a_chunk_takes_half_the_bytes_and_comes_back_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    library, recipe, sizes = tmp_path / "library.smi", CompoundRecipe(DESCRIPTORS, ()), []
    library.write_text("\n".join(many_smiles(100)))
    for is_learned in (False, True):
        monkeypatch.setattr(EncoderEntry, "is_learned", property(lambda _, said=is_learned: said))
        (chunk,) = build_index(library, tmp_path / str(is_learned), recipe).chunks()
        packed = packed_chunk(chunk, recipe)
        sizes.append(len(packed))
        again = unpacked_chunk(packed, recipe).compounds.embeddings
        assert again.dtype == np.float32
        assert again.tobytes() == recipe.prepared(many_smiles(100)).embeddings.tobytes()
    assert sizes[0] - sizes[1] == pytest.approx(100 * DESCRIPTORS.width * 2, abs=200)
