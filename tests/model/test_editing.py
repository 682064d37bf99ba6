"""Measurements go from a memory by target, by overlay and one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.model import trained_model, with_targets, without_measurements, without_targets
from hyperpcm.model.memory_ridge import solve_again
from small_models import QUERY, SEQUENCES, SMILES, made_model
from small_projects import NEW, PROJECT, measurements, same, scored
from small_removals import COMPOUNDS, SETTINGS, learned_model


@pytest.mark.parametrize("name", SETTINGS)
def test_a_target_goes_with_its_labels_and_the_regression_is_solved_for_the_rest(name: str):
    model = learned_model(SETTINGS[name])
    found = without_measurements(model, targets=[SEQUENCES[1]]).model
    expected = without_targets(model, [1])
    if model.ridge is not None:
        assert not torch.equal(found.ridge.coefficients, expected.ridge.coefficients)
    solve_again(expected)
    assert same(found, expected)


def test_labels_of_overlays_go_with_their_target():
    extended = with_targets(learned_model(), PROJECT, "project").model
    found = without_measurements(extended, targets=[SEQUENCES[1], NEW]).model
    assert found.memory_sequences == tuple(one for one in SEQUENCES if one != SEQUENCES[1])
    assert found.overlaid is None
    assert same(found, without_measurements(learned_model(), targets=[SEQUENCES[1]]).model)


def test_a_target_of_an_overlay_goes_alone():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    found = without_measurements(extended, targets=[NEW]).model
    rest = measurements([(SEQUENCES[1], SMILES[3], 7.5), (SEQUENCES[1], COMPOUNDS[5], 5.0)])
    alone = with_targets(model, rest, "project").model
    assert found.landmark_compounds == alone.landmark_compounds == (*COMPOUNDS, SMILES[3])
    for sequence in (QUERY, NEW, *SEQUENCES):
        assert scored(found, sequence).tobytes() == scored(alone, sequence).tobytes()
    assert same(trained_model(found), model)


def test_single_measurements_go_and_what_was_known_through_them_alone():
    model = learned_model()
    found = without_measurements(model, pairs=[(SEQUENCES[1], COMPOUNDS[3])]).model
    assert len(found.memory_values) == len(model.memory_values) - 1
    assert set(model.landmark_compounds) - set(found.landmark_compounds) == {COMPOUNDS[3]}
    assert found.memory_sequences == SEQUENCES
    twice = without_measurements(model, pairs=[(SEQUENCES[0], COMPOUNDS[13])]).model
    assert len(twice.memory_values) == len(model.memory_values) - 2
    labels = model.memory_columns[model.memory_rows == 4].tolist()
    every = [(SEQUENCES[4], COMPOUNDS[column]) for column in labels]
    assert without_measurements(model, pairs=every).model.memory_sequences == SEQUENCES[:4]


def test_single_measurements_of_one_overlay_leave_the_trained_label():
    model = learned_model()
    pair = (SEQUENCES[0], COMPOUNDS[1])
    extended = with_targets(model, measurements([(*pair, 9.0), (NEW, SMILES[0], 6.0)]), "project").model
    of_overlay = without_measurements(extended, pairs=[pair], overlays=["project"]).model
    assert torch.equal(of_overlay.memory_values[:-1], model.memory_values)
    assert len(of_overlay.overlaid.overlays[0]) == 1
    everywhere = without_measurements(extended, pairs=[pair]).model
    assert len(everywhere.memory_values) == len(model.memory_values)


def test_no_pair_is_not_every_pair():
    extended = with_targets(learned_model(), PROJECT, "project").model
    with pytest.raises(InputError, match="nothing of what should be removed"):
        without_measurements(extended, overlays=["project"], pairs=[])
    assert without_measurements(extended, overlays=["project"]).model.overlaid is None


def test_what_the_trained_memory_loses_makes_another_model_of_it(tmp_path: Path):
    save_model(with_targets(learned_model(), PROJECT, "project").model, tmp_path / "model.safetensors")
    model = load_model(tmp_path / "model.safetensors")
    asked = [
        {},
        {"targets": [SEQUENCES[0]]},
        {"targets": [SEQUENCES[2]]},
        {"pairs": [(SEQUENCES[0], COMPOUNDS[0])]},
        {"pairs": [(SEQUENCES[0], COMPOUNDS[1])]},
    ]
    origins = [trained_model(model).origin]
    origins += [trained_model(without_measurements(model, **one).model).origin for one in asked[1:]]
    assert "" not in origins
    assert len(set(origins)) == len(asked)
    again = without_measurements(model, **asked[1]).model
    assert trained_model(again).origin == origins[1]


def test_the_regression_no_longer_knows_what_was_removed():
    """Two models that differ in the removed labels alone are the same without them."""
    one, other = learned_model(), learned_model()
    with torch.no_grad():
        other.memory_values[other.memory_rows == 2] += 1.5
    for model in (one, other):
        solve_again(model)
    assert not torch.equal(one.ridge.coefficients, other.ridge.coefficients)
    found = [without_measurements(model, targets=[SEQUENCES[2]]).model for model in (one, other)]
    assert same(*found)


def test_a_model_that_retrieves_no_labels_loses_and_gains_targets():
    model = made_model({**SETTINGS["context alone"], "alignment_components": 0})
    extended = with_targets(model, PROJECT, "project").model
    assert np.isfinite(scored(extended, NEW)).all()
    assert len(without_measurements(extended, targets=[SEQUENCES[0]]).model.memory_sequences) == 5


def test_what_is_not_there_is_refused():
    model = with_targets(learned_model(), PROJECT, "project").model
    with pytest.raises(
        InputError, match=r"other: the memory holds no overlay of this name. It holds: project"
    ):
        without_measurements(model, overlays=["other"])
    for targets in ([QUERY], [SEQUENCES[0], QUERY]):
        with pytest.raises(InputError, match=r"does not hold 1 of the targets that .* \(first: MKTAY"):
            without_measurements(model, targets=targets)
    nothing_of_it = {"overlays": ["project"], "pairs": [(SEQUENCES[0], COMPOUNDS[0])]}
    for nothing in ({"pairs": [(QUERY, SMILES[0])]}, {}, nothing_of_it):
        with pytest.raises(InputError, match="nothing of what should be removed"):
            without_measurements(model, **nothing)


def test_the_trained_memory_keeps_a_target():
    model = with_targets(learned_model(), PROJECT, "project").model
    with pytest.raises(ConfigError, match="all 5 targets of the memory would go"):
        without_measurements(model, targets=SEQUENCES)
