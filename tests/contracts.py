"""What every encoder promises, as tests that the test class of each encoder inherits."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.errors import ConfigError, InputError


class EncoderContract:
    """Inherit, name the class ``Test…`` and give the four fixtures below.

    Attributes:
        rounding: most by which a value may differ with the items beside it; 0 where it may not at all.
    """

    rounding = 0.0

    def same(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether two arrays are equal but for rounding."""
        return one.shape == other.shape and float(np.abs(one - other).max()) <= self.rounding

    @pytest.fixture
    def encoder(self) -> Encoder:
        """The encoder under test."""
        raise NotImplementedError

    @pytest.fixture
    def items(self) -> list[str]:
        """At least four ordinary items with different vectors."""
        raise NotImplementedError

    @pytest.fixture
    def odd_items(self) -> list[str]:
        """Valid items at the edges: shortest, longest, unusual letters or elements."""
        raise NotImplementedError

    @pytest.fixture
    def unusable_items(self) -> list[str]:
        """Strings that no encoder of this side accepts."""
        raise NotImplementedError

    def test_gives_one_finite_float32_row_of_the_stated_width_per_item(self, encoder, items):
        vectors = encoder.encode(items)
        assert vectors.shape == (len(items), encoder.width)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()

    def test_gives_the_same_bits_twice(self, encoder, items):
        assert encoder.encode(items).tobytes() == encoder.encode(items).tobytes()

    def test_a_row_depends_neither_on_the_order_nor_on_the_number_of_items(self, encoder, items):
        together = encoder.encode(items)
        assert self.same(encoder.encode(items[::-1])[::-1], together)
        for row, item in enumerate(items):
            assert self.same(encoder.encode([item])[0], together[row])

    def test_a_row_does_not_depend_on_the_block_it_falls_in(self, encoder, items, monkeypatch):
        together = encoder.encode(items)
        monkeypatch.setattr("hyperpcm.encoders.base.BLOCK", 3)
        assert self.same(encoder.encode(items), together)

    def test_repeated_items_have_equal_rows(self, encoder, items):
        vectors = encoder.encode([items[0], items[1], items[0]])
        assert self.same(vectors[0], vectors[2])

    def test_different_items_have_different_rows(self, encoder, items):
        assert len(np.unique(encoder.encode(items), axis=0)) == len(items)

    def test_no_items_give_an_array_without_rows(self, encoder):
        vectors = encoder.encode([])
        assert vectors.shape == (0, encoder.width)
        assert vectors.dtype == np.float32

    def test_odd_but_valid_items_give_finite_rows(self, encoder, odd_items):
        for item in odd_items:
            assert np.isfinite(encoder.encode([item])).all(), item[:80]

    def test_an_unusable_item_is_refused_with_its_position(self, encoder, items, unusable_items):
        for item in unusable_items:
            with pytest.raises(InputError, match=r"item 2\b"):
                encoder.encode([*items[:2], item, *items[2:]])

    @pytest.mark.parametrize("item", ["", "  ", "\t\n", None, 3, float("nan"), b"CCO", "CC O"])
    def test_blank_items_and_items_that_are_no_text_are_refused(self, encoder, items, item):
        with pytest.raises(InputError, match=r"item 1\b"):
            encoder.encode([items[0], item])

    def test_one_string_in_place_of_a_list_is_refused(self, encoder, items):
        with pytest.raises(InputError, match="list"):
            encoder.encode(items[0])

    def test_the_spec_survives_json_and_rebuilds_an_equal_encoder(self, encoder, items):
        rebuilt = build_encoder(json.loads(json.dumps(encoder.spec())))
        assert rebuilt == encoder
        assert rebuilt.key() == encoder.key()
        assert np.array_equal(rebuilt.encode(items), encoder.encode(items))

    def test_keys_are_sha256_and_another_revision_has_another_key(self, encoder, monkeypatch):
        spec, key, cache_key = encoder.spec(), encoder.key(), encoder.cache_key()
        assert len(key) == len(cache_key) == 64
        monkeypatch.setattr(type(encoder), "revision", "another")
        assert encoder.key() != key
        assert encoder.cache_key() != cache_key
        with pytest.raises(ConfigError, match="revision"):
            build_encoder(spec)

    def test_another_library_version_changes_the_cache_key_only(self, encoder, monkeypatch):
        key, cache_key = encoder.key(), encoder.cache_key()
        monkeypatch.setattr(type(encoder), "libraries", lambda self: ("another 1.0",))
        assert encoder.key() == key
        assert encoder.cache_key() != cache_key

    def test_states_its_side_and_licence(self, encoder):
        assert encoder.side in ("compound", "target")
        assert encoder.licence
        assert encoder.width >= 1

    def test_is_immutable(self, encoder):
        field: Any = next(iter(encoder.options()), "name")
        with pytest.raises(AttributeError):
            setattr(encoder, field, None)


COMPOUNDS = [
    "CCO",
    "c1ccccc1",
    "CC(=O)Nc1ccc(O)cc1",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "O=C(O)c1ccccc1O",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "FC(F)(F)c1ccccc1",
]
"""Ethanol, benzene, paracetamol, imatinib, salicylic acid, diazepam, trifluorotoluene."""

ODD_COMPOUNDS = [
    "C",
    "[Na+]",
    "[Fe+2]",
    "[H][H]",
    "[U]",
    "C[N+](C)(C)C.[Cl-]",
    "[2H]C([2H])([2H])O",
    "OB(O)c1ccccc1",
    "C12C3C4C1C5C2C3C45",
    "N[Pt](N)(Cl)Cl",
    "C" * 300,
    "FC(F)(F)" + "C(F)(F)" * 60 + "F",
]
"""Single atoms, ions, a salt, isotopes, boron, cubane, a metal complex, two compounds beyond ranges."""

UNREADABLE_COMPOUNDS = ["C1CC", "C(C)(C)(C)(C)C", "c1cccc1", "not-a-smiles"]

TARGETS = [
    "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQTLGQHDFSAGEGLYTHMKALRPDEDRLSPLHSVYVDQWDWE",
    "MGSSHHHHHHSSGLVPRGSHMASMTGGQQMGRGSEF",
    "ACDEFGHIKLMNPQRSTVWY",
    "WVTSRQPNMLKIHGFEDCAY",
    "MENFQKVEKIGEGTYGVVYKARNKLTGEVVALKKIRLDTETEGVPSTAIREISLLKELNHPNIVKLLDVIHTENKLYLVFEFLHQDLKKFMDASALTGIPLPLIKSYLFQLLQGLAFCHSHRVLHRDLKPQNLLINTEGAIKLADFGLARAFGVPVRTYTHEVVTLWYRAPEILLGCKYYSTAVDIWSLGCIFAEMVTRRALFPGDSEIDQLFRIFRTLGTPDEVVWPGVTSMPDYKPSFPKWARQDFSKVVPPLDEDGRSLLSQMLHYDPNKRISAKAALAHPFFQDVTKPVPHLRL",
]
"""A synthetic protein, a purification tag, the alphabet, the alphabet backwards, and the kinase CDK2."""

ODD_TARGETS = ["M", "MK", "MKT", "X", "XXXXXXXXXX", "MKXBZJUOKM", "B", "U", "KKKKKKKKKKKKKKKKKKKKKKKKK"]
"""Shorter than any window, unknown throughout, every letter beyond the twenty, one residue only."""

UNREADABLE_TARGETS = ["MKT*AY", "MK-TAY", "MKT1AY", "MKTÉAY", "ACGT" * 20]
