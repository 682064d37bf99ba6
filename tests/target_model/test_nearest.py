"""The nearest landmark is what RDKit's own similarity says, and travels with the target."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.checkpoint.packing import packed
from hyperpcm.chem import standardise
from hyperpcm.errors import IncompatibleModelError
from hyperpcm.target_model import NearestLandmark
from small_models import PLAIN, QUERY, SMALL, SMILES, WIDTH, made_model, many_smiles


def similarities(smiles: str, others: tuple[str, ...]) -> list[float]:
    """By RDKit, one pair after the other."""
    generator = GetMorganGenerator(radius=2, fpSize=WIDTH)
    own = generator.GetFingerprint(Chem.MolFromSmiles(smiles))
    return [
        DataStructs.TanimotoSimilarity(own, generator.GetFingerprint(Chem.MolFromSmiles(other)))
        for other in others
    ]


def test_the_nearest_landmark_is_that_of_a_loop_with_rdkit():
    target = made_model(SMALL).compile_target(QUERY)
    asked = many_smiles(40) + list(SMILES)
    for smiles, nearest in zip(asked, target.nearest_landmarks(asked), strict=True):
        expected = similarities(standardise(smiles).smiles, SMILES)
        assert nearest.similarity == pytest.approx(max(expected), abs=1e-6)
        assert nearest.smiles == SMILES[expected.index(max(expected))]
    assert target.nearest_landmarks(SMILES[1:2]) == (NearestLandmark(SMILES[1], 1.0),)


def test_only_landmarks_that_the_target_keeps_are_compared():
    settings = SMALL | {"retrieval": {"max_landmarks": 3, "ridge": False}}
    target = made_model(settings).compile_target(QUERY)
    assert len(target.prior.compounds) == 3
    assert set(target.prior.compounds) < set(SMILES)
    for smiles, nearest in zip(SMILES, target.nearest_landmarks(SMILES), strict=True):
        assert nearest.similarity == pytest.approx(
            max(similarities(smiles, target.prior.compounds)), abs=1e-6
        )


def test_rows_that_cannot_be_used_have_no_nearest_and_cost_no_other():
    target = made_model(SMALL).compile_target(QUERY)
    found = target.nearest_landmarks(["C1CC", SMILES[2], None, f" {SMILES[3]}"])
    assert [None if one is None else one.smiles for one in found] == [None, SMILES[2], None, SMILES[3]]
    assert target.nearest_landmarks([]) == ()
    with pytest.raises(TypeError, match="list of SMILES"):
        target.nearest_landmarks("CCO")


def test_a_target_that_keeps_no_landmark_has_none():
    assert made_model(PLAIN).compile_target(QUERY).nearest_landmarks(["CCO", "C"]) == (None, None)
    target = made_model(SMALL).compile_target(QUERY)
    older = dataclasses.replace(target, prior=dataclasses.replace(target.prior, compounds=None))
    assert older.nearest_landmarks(["CCO"]) == (None,)


def test_landmarks_are_in_the_file_in_few_bytes(tmp_path: Path):
    target = made_model(SMALL).compile_target(QUERY)
    save_target_model(target, tmp_path / "t.hpcm")
    loaded = load_target_model(tmp_path / "t.hpcm")
    assert loaded.prior.compounds == SMILES
    many = tuple(many_smiles(300))
    tensors, header = packed(
        {"c": dataclasses.replace(target.prior, compounds=many).state()[0]["compounds"]}, {}
    )
    assert header["packing"]["c"]["type"] == "uint8"
    assert len(tensors["c"]) < 0.25 * len("\n".join(many))


def test_smiles_for_other_landmarks_than_there_are_are_refused(tmp_path: Path):
    target = made_model(SMALL).compile_target(QUERY)
    fewer = dataclasses.replace(target, prior=dataclasses.replace(target.prior, compounds=SMILES[:-1]))
    save_target_model(fewer, tmp_path / "t.hpcm")
    with pytest.raises(IncompatibleModelError, match="SMILES of the landmark compounds"):
        load_target_model(tmp_path / "t.hpcm")
