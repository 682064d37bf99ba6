from __future__ import annotations

import numpy as np
import pytest

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder
from hyperpcm.encoders.composition import CompositionEncoder
from hyperpcm.encoders.descriptors import DescriptorEncoder
from hyperpcm.encoders.ecfp import EcfpEncoder
from hyperpcm.errors import ConfigError, InvalidSmilesError


class TestConcatenatedEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return ConcatenatedEncoder((DescriptorEncoder(), EcfpEncoder(width=128)))

    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_COMPOUNDS


def test_the_abstract_encoder_cannot_be_instantiated():
    with pytest.raises(TypeError, match="abstract"):
        Encoder()


def test_joined_vectors_hold_the_parts_in_the_order_given():
    first, second = DescriptorEncoder(), EcfpEncoder(width=128)
    forwards, backwards = ConcatenatedEncoder((first, second)), ConcatenatedEncoder((second, first))
    vectors = forwards.encode(COMPOUNDS)
    assert np.array_equal(vectors[:, : first.width], first.encode(COMPOUNDS))
    assert np.array_equal(vectors[:, first.width :], second.encode(COMPOUNDS))
    assert forwards.key() != backwards.key()


def test_a_revision_of_a_part_changes_the_key_of_the_whole(monkeypatch):
    joined = ConcatenatedEncoder((DescriptorEncoder(), EcfpEncoder()))
    key = joined.key()
    monkeypatch.setattr(EcfpEncoder, "revision", "another")
    assert joined.key() != key


@pytest.mark.parametrize(
    "chosen",
    [(), (EcfpEncoder(),), (EcfpEncoder(), EcfpEncoder()), (EcfpEncoder(), CompositionEncoder())],
)
def test_parts_that_cannot_be_joined_are_refused(chosen):
    with pytest.raises(ConfigError):
        ConcatenatedEncoder(chosen)


def test_joined_encoders_name_all_licences_once():
    same = ConcatenatedEncoder((DescriptorEncoder(), EcfpEncoder()))
    assert same.licence == "BSD-3-Clause"
    assert same.sparse


def test_the_error_of_an_item_late_in_a_long_list_names_its_position_text_and_code(monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.base.BLOCK", 4)
    with pytest.raises(InvalidSmilesError, match=r"item 9 \('C1CC'\)") as caught:
        EcfpEncoder(width=64).encode([*["CCO"] * 9, "C1CC", "CCO"])
    assert caught.value.code == "PARSE"
