from __future__ import annotations

import numpy as np
import pytest

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.descriptors import DESCRIPTORS, DescriptorEncoder
from hyperpcm.errors import ConfigError

NAMES = [name for name, _, _ in DESCRIPTORS]
LOW = np.array([low for _, low, _ in DESCRIPTORS])
HIGH = np.array([high for _, _, high in DESCRIPTORS])


class TestDescriptorEncoder(EncoderContract):
    @pytest.fixture(params=[True, False])
    def encoder(self, request):
        return DescriptorEncoder(scaled=request.param)

    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_COMPOUNDS


def raw(smiles: str) -> dict[str, float]:
    values = DescriptorEncoder(scaled=False).encode([smiles])[0]
    return dict(zip(NAMES, values.tolist(), strict=True))


# Counted by hand on the drawn structures; weights from the standard atomic weights of C, H, N, O, Cl.
BY_HAND = {
    "CC(=O)Nc1ccc(O)cc1": {  # paracetamol, C8H9NO2
        "MolWt": 8 * 12.011 + 9 * 1.008 + 14.007 + 2 * 15.999,
        "HeavyAtomCount": 11,
        "NumHDonors": 2,
        "NumAmideBonds": 1,
        "RingCount": 1,
        "NumAromaticCarbocycles": 1,
        "NumAromaticHeterocycles": 0,
        "FractionCSP3": 1 / 8,
        "NumNitrogen": 1,
        "NumOxygen": 2,
        "FormalCharge": 0,
        "TPSA": 29.10 + 20.23,  # Ertl et al. 2000: amide N-H 12.03, =O 17.07, hydroxyl 20.23
    },
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21": {  # diazepam, C16H13ClN2O
        "MolWt": 16 * 12.011 + 13 * 1.008 + 35.453 + 2 * 14.007 + 15.999,
        "RingCount": 3,
        "NumAromaticCarbocycles": 2,
        "NumAliphaticHeterocycles": 1,
        "NumSaturatedRings": 0,
        "NumHDonors": 0,
        "NumChlorine": 1,
        "FractionCSP3": 2 / 16,
    },
    "C[N+](C)(C)CC(=O)[O-]": {  # betaine
        "FormalCharge": 0,
        "NumPositiveAtoms": 1,
        "NumNegativeAtoms": 1,
        "NumCarbon": 5,
        "RingCount": 0,
    },
    "C1CC2(C1)CCC2": {"NumSpiroAtoms": 1, "NumSaturatedRings": 2, "NumBridgeheadAtoms": 0, "FractionCSP3": 1},
    "C1CC2CCC1C2": {"NumSpiroAtoms": 0, "NumBridgeheadAtoms": 2},
    "BrCC(F)(F)I": {"NumBromineIodine": 2, "NumFluorine": 2},
    "C[C@H](N)C(=O)O": {"NumAtomStereoCenters": 1},
    "CP(=O)(O)CS(C)(=O)=O": {"NumPhosphorus": 1, "NumSulfur": 1},
}


@pytest.mark.parametrize("smiles", BY_HAND)
def test_values_agree_with_counting_by_hand(smiles):
    found = raw(smiles)
    for name, expected in BY_HAND[smiles].items():
        assert found[name] == pytest.approx(expected, abs=0.02), name


def test_log_p_and_drug_likeness_rank_known_compounds_as_chemists_do():
    aspirin, hexane, sorbitol = raw("CC(=O)Oc1ccccc1C(=O)O"), raw("CCCCCC"), raw("OCC(O)C(O)C(O)C(O)CO")
    assert sorbitol["MolLogP"] < aspirin["MolLogP"] < hexane["MolLogP"]
    assert aspirin["QED"] > max(hexane["QED"], sorbitol["QED"])


@pytest.mark.parametrize("smiles", ODD_COMPOUNDS)
def test_values_stay_inside_their_stated_ranges(smiles):
    values = DescriptorEncoder(scaled=False).encode([smiles])[0]
    assert (values >= LOW).all()
    assert (values <= HIGH).all()


def test_a_compound_beyond_a_range_gets_its_end():
    assert raw("C" * 300)["HeavyAtomCount"] == dict(zip(NAMES, HIGH, strict=True))["HeavyAtomCount"]


def test_a_charge_that_cannot_be_computed_becomes_zero_and_not_nan():
    assert raw("[U]")["MaxPartialCharge"] == 0.0


def test_scaling_maps_the_stated_range_to_nought_and_one():
    values = DescriptorEncoder(scaled=False).encode(COMPOUNDS)
    scaled = DescriptorEncoder(scaled=True).encode(COMPOUNDS)
    np.testing.assert_allclose(scaled, (values - LOW) / (HIGH - LOW), atol=1e-6)


def test_two_spellings_of_a_compound_agree_to_rounding():
    vectors = DescriptorEncoder().encode(
        ["CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21", "Clc1ccc2c(c1)C(c1ccccc1)=NCC(=O)N2C"]
    )
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_no_column_is_named_twice_and_none_is_constant():
    assert len(set(NAMES)) == len(NAMES)
    assert (LOW < HIGH).all()
    compounds = [*COMPOUNDS, *ODD_COMPOUNDS, *BY_HAND]
    assert (np.ptp(DescriptorEncoder().encode(compounds), axis=0) > 0).all()


def test_the_scaled_option_must_be_a_boolean():
    with pytest.raises(ConfigError, match="scaled"):
        DescriptorEncoder(scaled="no")
