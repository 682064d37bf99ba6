"""The encoders on the public Davis and KIBA data, and the numbers that a revision stands for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from contracts import COMPOUNDS, TARGETS
from hyperpcm.encoders.composition import CompositionEncoder
from hyperpcm.encoders.descriptors import DescriptorEncoder
from hyperpcm.encoders.ecfp import EcfpEncoder
from hyperpcm.encoders.store import EmbeddingStore

DEEP_DTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"


def distinct(mirror: Path, data_set: str, file: str) -> list[str]:
    return sorted(set(json.loads((mirror / DEEP_DTA / data_set / file).read_text(encoding="utf-8")).values()))


@pytest.mark.mirror
@pytest.mark.parametrize(("data_set", "number"), [("davis", 379), ("kiba", 229)])
def test_every_different_public_target_has_a_vector_of_its_own(mirror, data_set, number):
    sequences = distinct(mirror, data_set, "proteins.txt")
    vectors = CompositionEncoder().encode(sequences)
    assert len(sequences) == number
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors, axis=0)) == number


@pytest.mark.mirror
def test_every_davis_compound_has_a_vector_of_its_own_and_comes_back_from_the_store(mirror, tmp_path):
    compounds = distinct(mirror, "davis", "ligands_can.txt")
    for encoder in (EcfpEncoder(), DescriptorEncoder()):
        vectors = encoder.encode(compounds)
        assert len(np.unique(vectors, axis=0)) == len(compounds) == 68
        with EmbeddingStore(tmp_path) as store:
            store.encode(encoder, compounds[::2])
            assert np.array_equal(store.encode(encoder, compounds), vectors)


@pytest.mark.mirror
def test_no_kiba_compound_lies_beyond_a_stated_range_in_more_than_a_few_descriptors(mirror):
    compounds = distinct(mirror, "kiba", "ligands_can.txt")[::10]
    vectors = DescriptorEncoder().encode(compounds)
    assert np.isfinite(vectors).all()
    assert (vectors == 1).sum() < 0.01 * vectors.size


# The key of an encoder holds its revision and not the version of RDKit. Where a test below fails after an
# update of RDKit or a change of ours, what trained models read would silently change: raise the revision,
# then the numbers.
CHANGED = "the numbers of this revision have changed: raise the encoder's revision"


def test_revision_1_of_ecfp_still_means_these_numbers():
    counts = EcfpEncoder(counts="count").encode(COMPOUNDS).astype(np.int64)
    found = [(int(row.sum()), int(row @ np.arange(2048))) for row in counts]
    expected = [
        (6, 3870),
        (18, 20100),
        (30, 37804),
        (108, 134966),
        (27, 36414),
        (57, 63986),
        (27, 38456),
    ]
    assert found == expected, CHANGED


def test_revision_1_of_the_descriptors_still_means_these_numbers():
    sums = DescriptorEncoder().encode(COMPOUNDS).sum(axis=1)
    expected = [5.8803, 5.2901, 6.6291, 10.7749, 6.3375, 8.2766, 6.4420]
    np.testing.assert_allclose(sums, expected, atol=2e-3, err_msg=CHANGED)


def test_revision_1_of_the_composition_still_means_these_numbers():
    sums = CompositionEncoder().encode(TARGETS) @ np.linspace(-1, 1, 429)
    np.testing.assert_allclose(sums, [1.6732, 3.1969, 3.7778, 3.5141, 0.9239], atol=2e-4, err_msg=CHANGED)
