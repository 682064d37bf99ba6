"""What is unlike everything known is outside the domain, and nothing else is called so."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.chem import standardise
from hyperpcm.target_model.unlike import has_unknown_element, is_unlike
from small_calibrations import calibrated_model
from small_models import QUERY, SMILES

UNRELATED = {
    "a designed repeat": "SPEEAARLAAELIRRAVELAREAGDPELVAEALRLAAEVALR" * 5,
    "a collagen": "GPPGPPGKNGDDGEAGKPGRPGERGPPGPQGARGLPGTAGLPGMKGHRGFSGLDGAKGDAGPAGPKGEPGSPGENGAPGQM" * 3,
    "a linker": "GSGSGSGSGS" * 10,
}
UNLIKE = {
    "a metal complex": "C1CC2(C1)C(=O)O[Pt](N)(N)OC2=O",
    "a siloxane ring": "C[Si]1(C)O[Si](C)(C)O[Si](C)(C)O[Si](C)(C)O1",
    "a ring of thioethers": "C1CSCCSCCSCCSCCSCCS1",
}


@pytest.fixture(scope="module")
def model():
    # No row looks hard, so that nothing but being unlike leads outside.
    return calibrated_model(reach=(0.01, 0.01), edges=(10.0, 20.0))


@pytest.mark.parametrize("protein", UNRELATED.values(), ids=UNRELATED.keys())
def test_every_compound_is_outside_on_an_unrelated_protein(model, protein: str):
    target = model.compile_target(protein)
    assert target.calibration.nearest_target < 0.15
    assert target.score(SMILES).intervals.verdicts == ("outside",) * len(SMILES)


def test_known_compounds_are_inside_on_a_related_protein(model):
    assert model.compile_target(QUERY).score(SMILES).intervals.verdicts == ("inside",) * len(SMILES)


@pytest.mark.parametrize("compound", UNLIKE.values(), ids=UNLIKE.keys())
def test_an_unlike_compound_is_outside_on_a_known_protein(model, compound: str):
    scores = model.compile_target(model.memory_sequences[0]).score([SMILES[3], compound])
    assert scores.intervals.verdicts == ("inside", "outside")
    assert np.isfinite(scores.values).all()


def test_intervals_are_as_wide_as_without_that_verdict(model):
    target = model.compile_target(UNRELATED["a collagen"])
    half = target.calibration.half_widths(target.score(SMILES).intervals.difficulty, 0.8)
    found = target.score(SMILES)
    np.testing.assert_allclose(found.intervals.upper - found.values, half, rtol=1e-5)


def test_a_verdict_is_kept_in_the_file_of_a_target(model, tmp_path):
    from hyperpcm.checkpoint import load_target_model, save_target_model

    save_target_model(model.compile_target(UNRELATED["a linker"]), tmp_path / "t.hpcm")
    again = load_target_model(tmp_path / "t.hpcm").score(SMILES)
    assert set(again.intervals.verdicts) == {"outside"}


def test_a_row_that_was_refused_has_no_verdict(model):
    found = model.compile_target(QUERY).score(["C1CC", "CC[Au]CC", SMILES[0]])
    assert found.intervals.verdicts == (None, "outside", "inside")


def test_where_nothing_is_aligned_or_retrieved_nothing_is_unlike():
    similarity = np.array([0.0, 0.05, 0.5], dtype=np.float32)
    assert not is_unlike(similarity, similarity, (0.0, 0.0)).any()
    assert is_unlike(similarity, None, (0.02, 0.0)).tolist() == [True, True, False]
    assert is_unlike(None, similarity, (0.0, 1.0)).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("smiles", "is_odd"),
    [
        ("CC[Au]CC", True),
        ("C[Se]C", False),
        ("O=c1[nH]c2ccccc2[se]1", False),
        ("[13CH4]", False),
        ("C[C@H](N)C(=O)O", False),
        ("OB(O)c1ccccc1", False),
        ("c1ccc([Sn](c2ccccc2)(c2ccccc2)c2ccccc2)cc1", True),
        ("C[As](C)C", True),
        ("C[Si](C)(C)C", False),
    ],
)
def test_unusual_elements_are_told_from_their_brackets(smiles: str, is_odd: bool):
    structure = standardise(smiles).smiles
    assert has_unknown_element([structure, None], ["CCO"]).tolist() == [is_odd, False]
    assert has_unknown_element([structure, None], ["CCO", structure]).tolist() == [False, False]
