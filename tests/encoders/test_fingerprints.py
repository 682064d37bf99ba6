"""Fingerprints beside RDKit's older interfaces, where nothing is folded."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import MACCSkeys, rdMolDescriptors

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.ecfp import FcfpEncoder
from hyperpcm.encoders.topology import AtomPairEncoder, MaccsEncoder, TorsionEncoder
from hyperpcm.errors import ConfigError

WIDE = 1 << 20


class OfCompounds(EncoderContract):
    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_COMPOUNDS


class TestFcfpEncoder(OfCompounds):
    @pytest.fixture(params=[{}, {"counts": "count", "radius": 3, "width": 512}])
    def encoder(self, request):
        return FcfpEncoder(**request.param)


class TestAtomPairEncoder(OfCompounds):
    @pytest.fixture(params=[{}, {"counts": "binary", "width": 512, "chirality": True}])
    def encoder(self, request):
        return AtomPairEncoder(**request.param)


class TestTorsionEncoder(OfCompounds):
    @pytest.fixture(params=[{}, {"counts": "count", "width": 512, "chirality": True}])
    def encoder(self, request):
        return TorsionEncoder(**request.param)

    @pytest.fixture
    def items(self):
        return ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CCCCO", "OCCCN"]


class TestMaccsEncoder(OfCompounds):
    @pytest.fixture
    def encoder(self):
        return MaccsEncoder()


def _sorted_counts(fingerprint) -> list[int]:
    return sorted(fingerprint.GetNonzeroElements().values())


@pytest.mark.parametrize("smiles", COMPOUNDS)
@pytest.mark.parametrize(
    ("encoder", "older"),
    [
        (
            FcfpEncoder(width=WIDE, counts="count"),
            lambda m: rdMolDescriptors.GetMorganFingerprint(m, 2, useFeatures=True),
        ),
        (TorsionEncoder(width=WIDE, counts="count"), rdMolDescriptors.GetTopologicalTorsionFingerprint),
    ],
    ids=["fcfp", "torsion"],
)
def test_counts_are_those_of_the_unfolded_fingerprint(encoder, older, smiles):
    row = encoder.encode([smiles])[0]
    assert sorted(row[row > 0].astype(int).tolist()) == _sorted_counts(older(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_pairs_are_as_many_as_atoms_have_and_of_the_kinds_that_rdkit_finds(smiles):
    row = AtomPairEncoder(width=WIDE, counts="count").encode([smiles])[0]
    older = rdMolDescriptors.GetAtomPairFingerprint(Chem.MolFromSmiles(smiles)).GetNonzeroElements()
    assert row.sum() == sum(older.values())
    assert 0.9 * len(older) <= (row > 0).sum() <= len(older)  # a few kinds share a column


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_maccs_keys_are_those_of_rdkit_without_the_empty_first(smiles):
    expected = list(MACCSkeys.GenMACCSKeys(Chem.MolFromSmiles(smiles)))[1:]
    assert MaccsEncoder().encode([smiles])[0].tolist() == expected


def test_features_do_not_tell_halogens_apart_and_atoms_do():
    rings = ["Clc1ccccc1", "Brc1ccccc1"]
    assert np.array_equal(*FcfpEncoder().encode(rings))
    assert not np.array_equal(*AtomPairEncoder().encode(rings))


@pytest.mark.parametrize("kind", [AtomPairEncoder, TorsionEncoder])
def test_mirror_images_differ_only_on_request(kind):
    images = ["CC[C@H](N)C(=O)O", "CC[C@@H](N)C(=O)O"]
    assert np.array_equal(*kind().encode(images))
    assert not np.array_equal(*kind(chirality=True).encode(images))


def test_a_compound_without_a_pair_or_a_chain_is_a_row_of_zeros():
    assert not AtomPairEncoder().encode(["C"]).any()
    assert not TorsionEncoder().encode(["CCO"]).any()


def test_many_equal_pairs_saturate():
    assert AtomPairEncoder(counts="count").encode(["C" * 700]).max() == 255


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (FcfpEncoder, {"radius": 11}),
        (FcfpEncoder, {"width": 8}),
        (AtomPairEncoder, {"chirality": 1}),
        (AtomPairEncoder, {"counts": "logs"}),
        (TorsionEncoder, {"width": 2.0}),
        (TorsionEncoder, {"chirality": "yes"}),
    ],
)
def test_an_option_outside_its_range_is_refused(kind, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        kind(**options)
