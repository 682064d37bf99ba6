from __future__ import annotations

import math

import numpy as np
import pytest

from contracts import ODD_TARGETS, TARGETS, UNREADABLE_TARGETS, EncoderContract
from hyperpcm.encoders.alignment import AlignmentEncoder
from hyperpcm.errors import ConfigError, InvalidSequenceError
from hyperpcm.protein import alignment_similarity, smith_waterman


class TestAlignmentEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return AlignmentEncoder((TARGETS[0], TARGETS[2], TARGETS[4]))

    @pytest.fixture
    def items(self):
        return TARGETS

    @pytest.fixture
    def odd_items(self):
        return [*ODD_TARGETS, "MKTAYIAKQR" * 4000]

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_TARGETS


def test_values_are_the_score_over_the_geometric_mean_of_the_self_scores():
    references = tuple(TARGETS[:3])
    vectors = AlignmentEncoder(references).encode(TARGETS)
    for row, target in enumerate(TARGETS):
        for column, reference in enumerate(references):
            own = smith_waterman([target], [target])[0, 0] * smith_waterman([reference], [reference])[0, 0]
            expected = smith_waterman([target], [reference])[0, 0] / math.sqrt(own)
            assert vectors[row, column] == pytest.approx(expected, rel=1e-6)


def test_a_score_worked_out_by_hand():
    # BLOSUM62: W-W 11, C-C 9, H-H 8, A-A 4. WCH against WCHA aligns WCH: 28 / sqrt(28 * 32).
    vector = AlignmentEncoder(("WCHA",)).encode(["WCH"])
    assert vector[0, 0] == pytest.approx(28 / math.sqrt(28 * 32), rel=1e-6)


def test_values_agree_with_the_pairwise_similarity_of_the_protein_package():
    vectors = AlignmentEncoder(tuple(TARGETS)).encode(TARGETS)
    np.testing.assert_allclose(vectors, alignment_similarity(TARGETS), atol=1e-6)
    np.testing.assert_array_equal(np.diagonal(vectors), 1)


def test_a_sequence_without_any_known_residue_has_zeros():
    assert not AlignmentEncoder((TARGETS[0],)).encode(["XXXX"]).any()


def test_references_are_kept_in_order_and_belong_to_the_key():
    forwards, backwards = (
        AlignmentEncoder((TARGETS[0], TARGETS[4])),
        AlignmentEncoder((TARGETS[4], TARGETS[0])),
    )
    assert forwards.key() != backwards.key()
    assert np.array_equal(forwards.encode(TARGETS), backwards.encode(TARGETS)[:, ::-1])


@pytest.mark.parametrize("references", [(), "MKTAY", ("MKTAY", "mktay")])
def test_missing_and_repeated_references_are_refused(references):
    with pytest.raises(ConfigError, match="reference"):
        AlignmentEncoder(references)


def test_an_unreadable_reference_is_refused():
    with pytest.raises(InvalidSequenceError):
        AlignmentEncoder(("MKTAY", "MK-TAY"))
