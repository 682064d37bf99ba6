"""The shared features of a table's axes are those of their own functions, computed once for all processes."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.chem import morgan_counts
from hyperpcm.encoders import AlignmentEncoder, EmbeddingStore
from hyperpcm.encoders.axes import compound_counts, target_similarity
from hyperpcm.errors import InvalidSmilesError
from hyperpcm.protein import alignment_similarity
from small_runs import SMILES, families

TARGETS = (*families(7), "XXXX")


def test_counts_are_those_of_each_compound():
    with EmbeddingStore() as store:
        found = compound_counts(SMILES, store, radius=1, width=64)
    np.testing.assert_array_equal(found, morgan_counts(SMILES, radius=1, width=64))


def test_columns_are_bit_for_bit_what_the_encoder_gives_for_those_references():
    chosen = [5, 0, 3]
    with EmbeddingStore() as store:
        columns = target_similarity(TARGETS, store)[:, chosen]
    encoder = AlignmentEncoder(tuple(TARGETS[place] for place in chosen))
    np.testing.assert_array_equal(columns, encoder.encode(TARGETS))


def test_the_matrix_is_the_alignment_similarity():
    with EmbeddingStore() as store:
        found = target_similarity(TARGETS, store)
    np.testing.assert_allclose(found, alignment_similarity(TARGETS), atol=1e-6)
    np.testing.assert_array_equal(found, found.T)


def test_a_second_store_on_the_file_computes_nothing(tmp_path):
    told: list[int] = []
    for _ in range(2):
        with EmbeddingStore(tmp_path / "store.sqlite") as store:
            compound_counts(SMILES, store, progress=told.append)
            target_similarity(TARGETS, store, progress=told.append)
    assert told == [len(SMILES), *range(1, len(TARGETS) + 1)]


@pytest.mark.parametrize("options", [{"radius": 1}, {"width": 64}])
def test_other_options_or_other_compounds_are_other_counts(tmp_path, options):
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        compound_counts(SMILES, store)
        np.testing.assert_array_equal(
            compound_counts(SMILES, store, **options), morgan_counts(SMILES, **options)
        )
        np.testing.assert_array_equal(compound_counts(SMILES[::-1], store), morgan_counts(SMILES[::-1]))


def test_no_items_are_no_rows():
    with EmbeddingStore() as store:
        assert compound_counts((), store).shape == (0, 2048)
        assert target_similarity((), store).shape == (0, 0)


def test_an_unreadable_compound_leaves_nothing_behind(tmp_path):
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        with pytest.raises(InvalidSmilesError):
            compound_counts(("CCO", "no molecule"), store)
        assert store.arrays.folder is not None
        assert not store.arrays.folder.exists()
