"""A model without a target equals, bit for bit, one whose memory never held it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.errors import ConfigError, IncompatibleModelError
from hyperpcm.model import HyperPCM, without_targets
from hyperpcm.model.sizes import ModelSizes
from small_models import QUERY, SEQUENCES, SMILES
from small_removals import COMPOUNDS, SETTINGS, learned_model, never_held
from small_runs import fingerprint

ASKED = (*SMILES, *COMPOUNDS)


def scored(model: HyperPCM, sequence: str, *, exact: bool = True) -> tuple[bytes, ...]:
    """The bits of scores and intervals of some compounds."""
    scores = model.compile_target(sequence, exact=exact).score(ASKED)
    return scores.values.tobytes(), scores.intervals.lower.tobytes(), scores.intervals.difficulty.tobytes()


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("removed", [[0], [1], [4], [1, 2], [0, 4]])
def test_the_scores_are_those_of_a_model_that_never_held_the_targets(name: str, removed: list[int]):
    model = learned_model(SETTINGS[name])
    reduced, independent = without_targets(model, removed), never_held(model, removed)
    assert reduced.landmark_compounds == independent.landmark_compounds
    assert reduced.memory_names == independent.memory_names
    for sequence in (QUERY, *SEQUENCES):
        assert scored(reduced, sequence) == scored(independent, sequence)
        assert scored(reduced, sequence) != scored(model, sequence)
    assert scored(reduced, QUERY, exact=False) == scored(independent, QUERY, exact=False)


def test_without_trees_too():
    model = learned_model(trees=False)
    reduced, independent = without_targets(model, [2]), never_held(model, [2])
    for sequence in (QUERY, SEQUENCES[2]):
        assert scored(reduced, sequence) == scored(independent, sequence)


def test_compounds_go_that_were_measured_on_the_targets_alone():
    model = learned_model()
    assert set(model.landmark_compounds) - set(without_targets(model, [1]).landmark_compounds) == {
        COMPOUNDS[3]
    }
    assert set(model.landmark_compounds) - set(without_targets(model, [1, 2]).landmark_compounds) == {
        COMPOUNDS[column] for column in (3, 7, 9)
    }
    assert without_targets(model, [0]).landmark_compounds == tuple(
        compound for place, compound in enumerate(COMPOUNDS) if place != 13
    )


def test_the_columns_of_the_ridge_regression_go_with_their_compounds():
    model = learned_model(SETTINGS["few landmarks"])
    model.ridge_columns.copy_(torch.tensor([0, 3, 5, 9, 11, 13]))
    reduced = without_targets(model, [1, 2])
    assert [reduced.landmark_compounds[column] for column in reduced.ridge_columns] == [
        COMPOUNDS[column] for column in (0, 5, 11, 13)
    ]
    kept = model.ridge.coefficients[:, [0, 3, 4]][..., [0, 2, 4, 5]]
    assert torch.equal(reduced.ridge.coefficients, kept)


def test_more_targets_may_go_than_leave_one_for_each_axis(tmp_path: Path):
    model = learned_model()
    sizes = ModelSizes(components=3, ridge_landmarks=len(without_targets(model, [0, 1, 3]).ridge_columns))
    reduced, independent = (
        without_targets(model, [0, 1, 3]),
        never_held(model, [0, 1, 3], sizes),
    )
    assert reduced.alignment.axes.shape == (2, 3)
    assert scored(reduced, QUERY) == scored(independent, QUERY)
    save_model(reduced, tmp_path / "model.safetensors")
    assert scored(load_model(tmp_path / "model.safetensors"), QUERY) == scored(reduced, QUERY)


@pytest.mark.parametrize("name", SETTINGS)
def test_one_after_the_other_or_both_at_once(name: str, tmp_path: Path):
    model = learned_model(SETTINGS[name])
    both, in_turn = without_targets(model, [1, 3]), without_targets(without_targets(model, [3]), [1])
    assert fingerprint(both.state()[0]) == fingerprint(in_turn.state()[0])
    assert both.state()[1] == in_turn.state()[1]
    save_model(both, tmp_path / "model.safetensors")
    assert scored(load_model(tmp_path / "model.safetensors"), QUERY) == scored(both, QUERY)


def test_the_model_and_the_random_numbers_stay_as_they_are():
    model = learned_model()
    before, header, drawn = fingerprint(model.state()[0]), model.state()[1], torch.get_rng_state()
    scores = scored(model, QUERY)
    reduced = without_targets(model, [0])
    assert torch.equal(torch.get_rng_state(), drawn)
    with torch.no_grad():
        for tensor in [*reduced.parameters(), *reduced.buffers()]:
            if tensor.is_floating_point():
                tensor.add_(1.0)
    reduced.card["name"] = "another"
    assert (fingerprint(model.state()[0]), model.state()[1]) == (before, header)
    assert scored(model, QUERY) == scores
    assert reduced.origin == ""


def test_removing_nothing_changes_nothing():
    model = learned_model()
    assert fingerprint(without_targets(model, []).state()[0]) == fingerprint(model.state()[0])


def test_a_memory_that_is_left_without_labels_scores():
    model = learned_model()
    with torch.no_grad():
        model.memory_rows.zero_()
    reduced = without_targets(model, [0])
    assert (reduced.landmark_compounds, len(reduced.memory_values)) == ((), 0)
    assert np.isfinite(reduced.compile_target(QUERY, exact=True).score(SMILES).values).all()


@pytest.mark.parametrize("row", [5, -1])
def test_a_row_that_is_none_is_refused(row: int):
    with pytest.raises(ConfigError, match=rf"row {row}: the memory holds 5 targets, rows 0 to 4"):
        without_targets(learned_model(), [0, row])


def test_one_target_has_to_stay():
    with pytest.raises(ConfigError, match="all 5 targets of the memory would go"):
        without_targets(learned_model(), range(5))


@pytest.mark.parametrize(
    ("name", "shape"), [("alignment.axes", (5, 4)), ("alignment.axes", (5,)), ("ridge_columns", (15,))]
)
def test_sizes_that_no_removal_leaves_are_refused(name: str, shape: tuple[int, ...]):
    tensors, header = learned_model().state()
    with pytest.raises(IncompatibleModelError, match="do not fit"):
        HyperPCM.from_state(tensors | {name: torch.zeros(shape)}, header)
