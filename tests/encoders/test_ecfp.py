from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.ecfp import EcfpEncoder
from hyperpcm.errors import ConfigError


class TestEcfpEncoder(EncoderContract):
    @pytest.fixture(
        params=[{}, {"counts": "count", "radius": 3}, {"counts": "binary", "width": 256, "chirality": True}]
    )
    def encoder(self, request):
        return EcfpEncoder(**request.param)

    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_COMPOUNDS


def _unfolded_counts(smiles: str, radius: int) -> list[int]:
    """How often each environment occurs, from RDKit's older interface without folding."""
    fingerprint = rdMolDescriptors.GetMorganFingerprint(Chem.MolFromSmiles(smiles), radius)
    return sorted(fingerprint.GetNonzeroElements().values())


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_counts_are_those_of_the_unfolded_fingerprint_when_nothing_collides(smiles):
    row = EcfpEncoder(width=1 << 20, counts="count").encode([smiles])[0]
    assert sorted(row[row > 0].astype(int).tolist()) == _unfolded_counts(smiles, 2)


def test_the_three_kinds_of_counts_say_the_same_in_their_own_scale():
    count, log, binary = (EcfpEncoder(counts=kind).encode(COMPOUNDS) for kind in ("count", "log", "binary"))
    np.testing.assert_allclose(log, np.log(1 + count.astype(np.float64)), rtol=1e-7)
    assert np.array_equal(binary, (count > 0).astype(np.float32))
    assert count.max() > 1


def test_stereochemistry_counts_only_on_request():
    mirror_images = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]
    ignored = EcfpEncoder().encode(mirror_images)
    kept = EcfpEncoder(chirality=True).encode(mirror_images)
    assert np.array_equal(ignored[0], ignored[1])
    assert not np.array_equal(kept[0], kept[1])


def test_two_spellings_of_a_compound_have_one_vector():
    vectors = EcfpEncoder().encode(["OCC", "C(O)C", "CCO"])
    assert len(np.unique(vectors, axis=0)) == 1


def test_every_option_changes_the_key():
    variants = [
        EcfpEncoder(),
        EcfpEncoder(radius=3),
        EcfpEncoder(width=1024),
        EcfpEncoder(chirality=True),
        EcfpEncoder(counts="count"),
    ]
    assert len({encoder.key() for encoder in variants}) == len(variants)


@pytest.mark.parametrize(
    "options",
    [
        {"radius": -1},
        {"radius": 2.0},
        {"radius": True},
        {"width": 0},
        {"width": "2048"},
        {"counts": "logs"},
        {"chirality": 1},
    ],
)
def test_an_option_outside_its_range_is_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        EcfpEncoder(**options)
