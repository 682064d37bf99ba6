"""Targets keep the landmarks that count, and state what leaving the others out changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.errors import ConfigError
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.target_model import Measurement, TargetModel
from hyperpcm.target_model.landmarks import influence
from small_models import PUBLISHED, QUERY, SMALL, made_model, many_smiles
from small_views import COMPOUNDS as SCORED
from small_views import learned_model

COMPOUNDS = 120


@pytest.fixture(scope="module")
def model() -> HyperPCM:
    return made_model(compounds=tuple(many_smiles(COMPOUNDS)))


@pytest.fixture(scope="module")
def full(model: HyperPCM) -> TargetModel:
    return model.compile_target(QUERY, exact=True)


def differences(model: HyperPCM, target: TargetModel, full: TargetModel) -> np.ndarray:
    one, other = (each.score(model.landmark_compounds).values for each in (target, full))
    return np.abs(one - other)


def test_all_landmarks_are_kept_unless_fewer_are_asked_for(model: HyperPCM, full: TargetModel):
    assert full.prior.compounds == model.landmark_compounds
    assert full.provenance["landmarks"] == {
        "kept": COMPOUNDS,
        "of": COMPOUNDS,
        "limit": 4096 + COMPOUNDS,
        "tolerance": 0.0,
        "largest_difference": 0.0,
        "typical_difference": 0.0,
        "compounds": COMPOUNDS,
    }


@pytest.mark.parametrize("number", [1, 30, 90])
def test_a_limit_is_kept_to_and_what_it_changes_is_what_is_stated(
    number: int, model: HyperPCM, full: TargetModel, tmp_path: Path
):
    target = model.compile_target(QUERY, exact=True, max_landmarks=number)
    stated = target.provenance["landmarks"]
    assert (stated["kept"], stated["of"], stated["limit"]) == (number, COMPOUNDS, number)
    assert len(target.prior.landmarks) == len(target.prior.compounds) == number
    change = differences(model, target, full)
    assert stated["largest_difference"] == pytest.approx(change.max(), abs=1e-5)
    assert stated["typical_difference"] == pytest.approx(np.sqrt(np.square(change).mean()), abs=1e-5)
    assert change.max() > 0
    save_target_model(target, tmp_path / "a.hpcm")
    again = load_target_model(tmp_path / "a.hpcm")
    assert again.provenance["landmarks"] == stated
    assert again.score(["CCO"]).values.tobytes() == target.score(["CCO"]).values.tobytes()


def test_a_tolerance_takes_no_more_landmarks_than_it_needs(model: HyperPCM, full: TargetModel):
    kept = []
    for tolerance in (0.02, 0.2, 0.6):
        target = model.compile_target(QUERY, exact=True, landmark_tolerance=tolerance)
        stated = target.provenance["landmarks"]
        assert stated["tolerance"] == pytest.approx(tolerance * target.label_scale.scale)
        assert differences(model, target, full).max() <= stated["tolerance"] * (1 + 1e-5)
        kept.append(stated["kept"])
    assert COMPOUNDS >= kept[0] > kept[1] > kept[2] >= 1


def test_a_tolerance_that_the_limit_prevents_is_stated_as_not_met(model: HyperPCM):
    stated = model.compile_target(QUERY, max_landmarks=20, landmark_tolerance=0.02).provenance["landmarks"]
    assert stated["kept"] == 20
    assert stated["largest_difference"] > stated["tolerance"] > 0


def test_landmarks_that_count_change_more_than_those_that_do_not(model: HyperPCM, full: TargetModel):
    """Against leaving each landmark out in turn and scoring what is retrieved."""
    prior = full.prior
    similarity = torch.from_numpy(prior.similarity(model.landmark_compounds))
    embeddings = torch.from_numpy(model.compound_encoder.encode(model.landmark_compounds))
    _, whole = prior.features_and_mean(similarity, embeddings)
    measured = []
    for place in range(COMPOUNDS):
        kept = torch.tensor([one for one in range(COMPOUNDS) if one != place])
        _, mean = prior.only(kept).features_and_mean(similarity[:, kept], embeddings)
        measured.append(float((mean - whole).square().mean()))
    every = torch.arange(COMPOUNDS)
    exact = influence(prior, similarity, every)
    some = torch.arange(0, COMPOUNDS, 3)
    estimated = influence(prior, similarity[some], some)
    for found, least in ((exact, 0.65), (estimated, 0.5)):
        ranks = [np.argsort(np.argsort(values)) for values in (found.numpy(), measured)]
        assert np.corrcoef(*ranks)[0, 1] > least


def test_a_limit_of_the_model_is_lifted_by_a_larger_one():
    compounds = tuple(many_smiles(COMPOUNDS))
    cut = made_model(SMALL | {"retrieval": {"max_landmarks": 10, "ridge_landmarks": 10}}, compounds=compounds)
    own = cut.compile_target(QUERY, exact=True)
    stated = own.provenance["landmarks"]
    assert 10 <= stated["kept"] <= stated["limit"] == 20
    assert stated["largest_difference"] > 0
    lifted = cut.compile_target(QUERY, exact=True, max_landmarks=COMPOUNDS + 1)
    assert lifted.prior.compounds == compounds
    assert lifted.provenance["landmarks"]["largest_difference"] == 0
    change = differences(cut, own, lifted)
    assert stated["largest_difference"] == pytest.approx(change.max(), abs=1e-5)


@pytest.mark.parametrize(
    "settings",
    [SMALL, SMALL | {"retrieval": {"max_landmarks": 4, "ridge_landmarks": 6}}, PUBLISHED],
    ids=["all landmarks", "few landmarks", "no retrieval"],
)
def test_a_target_that_is_not_measured_has_the_same_landmarks_and_scores(settings: dict):
    model = learned_model(settings)
    found, whole = unmeasured_target(model, QUERY), model.compile_target(QUERY, exact=True)
    assert found.score(SCORED).values.tolist() == whole.score(SCORED).values.tolist()
    assert set(whole.provenance) - set(found.provenance) <= {"landmarks", "background", "rounding"}
    measured = [Measurement(SCORED[0], 7.5), Measurement(SCORED[1], 5.0)]
    adapted, other = (each.adapt(measured).score(SCORED).values for each in (found, whole))
    np.testing.assert_array_equal(adapted, other)
    if whole.prior is not None:
        assert found.prior.compounds == whole.prior.compounds
        np.testing.assert_array_equal(found.prior.landmarks, whole.prior.landmarks)


def test_a_model_that_retrieves_nothing_states_no_landmarks():
    target = made_model(PUBLISHED).compile_target(QUERY, max_landmarks=3, landmark_tolerance=0.1)
    assert target.prior is None
    assert "landmarks" not in target.provenance


def test_odd_limits_and_tolerances_are_refused(model: HyperPCM):
    with pytest.raises(ConfigError, match="keeps 1 landmark compound at least, not 0"):
        model.compile_target(QUERY, max_landmarks=0)
    for tolerance in (-0.1, float("nan")):
        with pytest.raises(ConfigError, match="a share from 0 on"):
            model.compile_target(QUERY, landmark_tolerance=tolerance)
