"""A compiled target carries intervals and verdicts of its own, in memory and in its file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, load_target_model, save_model, save_target_model
from hyperpcm.errors import ConfigError, IncompatibleModelError
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.calibration import GRID, NEAREST_TARGETS, difficulty_columns, target_constants
from small_calibrations import calibrated_model, calibration, stump
from small_models import PLAIN, QUERY, SEQUENCES, SMALL, SMILES, made_model


def test_intervals_are_the_quantile_times_the_difficulty_of_each_row():
    target = calibrated_model().compile_target(QUERY)
    asked = [*SMILES, "CCCCCCCCCC", "not a molecule"]
    scores = target.score(asked, level=0.9)
    found = scores.intervals
    quantile = float(target.calibration.quantiles[0, 89])
    near = np.array([one.similarity for one in target.nearest_landmarks(asked[:-1])])
    nearest = target.calibration.nearest_target
    expected = np.where(near > 0.5, 0.3, 0.8) + (0.1 if nearest > 0.6 else 0.4)
    np.testing.assert_allclose(found.difficulty[:-1], expected, rtol=1e-6)
    np.testing.assert_allclose(found.upper[:-1] - scores.values[:-1], quantile * expected, rtol=1e-4)
    np.testing.assert_allclose(scores.values[:-1] - found.lower[:-1], quantile * expected, rtol=1e-4)
    assert np.isnan([found.lower[-1], found.upper[-1], found.difficulty[-1]]).all()
    assert found.level == 0.9
    names = ["inside" if one <= 0.5 else "edge" if one <= 1.0 else "outside" for one in expected]
    assert found.verdicts == (*names, None)


def test_scores_are_those_of_the_model_without_a_calibration():
    model = calibrated_model()
    with_intervals = model.compile_target(QUERY).score(SMILES)
    model.calibration = None
    without = model.compile_target(QUERY).score(SMILES)
    np.testing.assert_array_equal(with_intervals.values, without.values)
    assert without.intervals is None


@pytest.mark.parametrize("settings", [SMALL, PLAIN])
def test_folded_trees_say_what_the_whole_ones_say(settings):
    model = calibrated_model(settings)
    whole = model.calibration
    generator = np.random.default_rng(0)
    columns = torch.from_numpy(generator.random((50, whole.columns)).astype(np.float32))
    for row in columns[:5]:
        constants = row[-NEAREST_TARGETS:]
        of_target = whole.for_target(constants)
        own = columns[:, : whole.columns - NEAREST_TARGETS]
        full = torch.cat([own, constants.expand(len(own), -1)], dim=1)
        expected = whole.trees(full).clamp_min(whole.least)
        torch.testing.assert_close(of_target.difficulty(own), expected)
        assert len(of_target.quantiles) == 1
        group = int(float(constants[0]) >= 0.9)
        np.testing.assert_array_equal(of_target.quantiles[0], whole.quantiles[group])


def test_rows_beyond_what_was_held_out_count_as_the_hardest():
    far = calibrated_model(reach=(0.0, 0.7)).compile_target(QUERY).score([*SMILES, "CCCCCCCCCC"])
    assert far.intervals.verdicts[-1] == "outside"
    assert far.intervals.difficulty[-1] == pytest.approx(2.0)
    assert far.intervals.difficulty[0] < 1.0
    nobody_near = calibrated_model(reach=(1.1, 0.0)).compile_target(QUERY).score(SMILES)
    assert set(nobody_near.intervals.verdicts) == {"outside"}


def test_a_model_without_retrieval_has_intervals_of_one_width():
    model = made_model(PLAIN)
    model.calibration = calibration(0, groups=1, trees=BoostedTrees(), least=0.5)
    found = model.compile_target(QUERY).score(SMILES).intervals
    np.testing.assert_allclose(found.difficulty, 0.5)


def test_files_keep_it(tmp_path: Path):
    model = calibrated_model()
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.calibration.held_out == model.calibration.held_out
    target = loaded.compile_target(QUERY)
    save_target_model(target, tmp_path / "target.hpcm")
    again = load_target_model(tmp_path / "target.hpcm")
    expected, found = target.score(SMILES).intervals, again.score(SMILES).intervals
    for name in ("lower", "upper", "difficulty"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.verdicts == expected.verdicts


def test_files_without_one_can_be_read(tmp_path: Path):
    model = made_model(SMALL)
    save_model(model, tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").calibration is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"columns": 3}, "columns of the calibration"),
        ({"quantiles": np.ones((3, GRID), np.float32)}, "quantiles of the calibration"),
        ({"least": 0.0}, "least difficulty"),
        ({"trees": BoostedTrees.of([stump(99, 0.5, 0.8, 0.3)])}, "boosted trees"),
    ],
)
def test_files_with_one_that_does_not_fit_are_refused(tmp_path: Path, changed, message: str):
    model = calibrated_model()
    model.calibration = dataclasses.replace(model.calibration, **changed)
    save_model(model, tmp_path / "model.safetensors")
    with pytest.raises(IncompatibleModelError, match=message):
        load_model(tmp_path / "model.safetensors")


def test_a_level_is_refused_before_the_work():
    target = calibrated_model().compile_target(QUERY)
    with pytest.raises(ConfigError, match=r"0\.01, 0\.02"):
        target.score(["C"] * 3, level=1.5)


def test_constants_are_the_nearest_known_targets_and_zeros_where_there_are_fewer():
    found = target_constants(torch.tensor([[0.1, 0.9, 0.3, 0.5], [0.2, 0.0, 0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.9, 0.5, 0.3], [0.2, 0.0, 0.0]]))
    torch.testing.assert_close(target_constants(torch.tensor([[0.4]])), torch.tensor([[0.4, 0.0, 0.0]]))
    torch.testing.assert_close(target_constants(torch.zeros(1, 0)), torch.zeros(1, 3))


def test_columns_are_retrieved_labels_nearest_compound_and_target():
    found = difficulty_columns(torch.ones(2, 2), torch.tensor([0.3, 0.4]), torch.tensor([0.9, 0.8, 0.7]))
    assert found.shape == (2, 6)
    torch.testing.assert_close(found[:, 2], torch.tensor([0.3, 0.4]))


def test_a_known_target_is_its_own_nearest():
    target = calibrated_model().compile_target(SEQUENCES[0])
    assert target.calibration.nearest_target == pytest.approx(1.0, abs=1e-6)


def test_the_error_at_a_distance_is_that_of_held_out_rows_there():
    table = [{"from": 0.2, "to": 0.5, "rmse": 1.5}, {"from": 0.6, "to": 1.0, "rmse": 0.5}]
    held_out = {"by_nearest_target": table}
    made = calibration(0, held_out=held_out, reach=(0.1, 0.0))
    found = [made.error_at("target", one) for one in (0.05, 0.15, 0.2, 0.55, 0.6, 1.0)]
    assert found == [None, 1.5, 1.5, 1.5, 0.5, 0.5]
    assert made.error_at("compound", 0.5) is None
