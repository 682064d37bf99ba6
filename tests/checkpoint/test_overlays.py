"""An overlay in a file goes with the model that it was made for, and says the same as the measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import (
    StoredOverlay,
    laid,
    load_model,
    load_overlaid,
    load_overlay,
    read_archive,
    save_model,
    save_overlay,
    write_archive,
)
from hyperpcm.errors import CorruptModelError, IncompatibleModelError, InputError
from hyperpcm.model import HyperPCM, with_targets
from small_models import QUERY, SMILES
from small_projects import NEW, PROJECT, measurements, same, scored
from small_removals import SETTINGS, learned_model

ENTRY = {
    "time": "2026-01-01T00:00:00+00:00",
    "author": None,
    "source": {"name": "project"},
    "added": {"targets": 2, "labels": 5},
    "removed": {"targets": 0, "labels": 0},
    "changed": {"targets": 0, "labels": 0},
}
OTHER = measurements([(QUERY, SMILES[1], 9.0), (NEW, SMILES[0], 7.5)])


@pytest.fixture
def model(tmp_path: Path) -> HyperPCM:
    save_model(learned_model(), tmp_path / "model.safetensors")
    return load_model(tmp_path / "model.safetensors")


def written(model: HyperPCM, path: Path, table=PROJECT, name: str = "project") -> Path:
    found = with_targets(model, table, name)
    save_overlay(StoredOverlay(found.model.overlaid.overlays[-1], found.weights, model.origin, ENTRY), path)
    return path


def test_it_lays_what_was_added(model: HyperPCM, tmp_path: Path):
    path = written(model, tmp_path / "project.hpm")
    expected = with_targets(model, PROJECT, "project").model
    found = load_overlaid(tmp_path / "model.safetensors", [path])
    assert found.card["memory"] == [ENTRY]
    expected.card["memory"] = [ENTRY]
    assert same(found, expected)
    assert found.origin == expected.origin not in ("", model.origin)
    assert load_overlay(path).model == model.origin


def test_nothing_is_solved_again_for_one_overlay(model: HyperPCM, tmp_path: Path):
    path = written(model, tmp_path / "project.hpm")
    fresh = load_model(tmp_path / "model.safetensors")
    laid(fresh, [path])
    assert fresh.memory_similarity is None  # what solving needs


def test_two_that_were_made_for_one_model_are_solved_together(model: HyperPCM, tmp_path: Path):
    first = written(model, tmp_path / "one.hpm", name="one")
    second = written(model, tmp_path / "two.hpm", OTHER, "two")
    both = with_targets(with_targets(model, PROJECT, "one").model, OTHER, "two").model
    found = load_overlaid(tmp_path / "model.safetensors", [first, second])
    assert scored(found, NEW).tobytes() == scored(both, NEW).tobytes()
    assert [one.name for one in found.overlaid.overlays] == ["one", "two"]
    with pytest.raises(InputError, match="holds measurements of this name already"):
        laid(model, [first, first])


def test_one_over_a_model_that_has_one_in_its_file(model: HyperPCM, tmp_path: Path):
    save_model(with_targets(model, PROJECT, "one").model, tmp_path / "with_one.safetensors")
    with_one = load_model(tmp_path / "with_one.safetensors")
    path = written(with_one, tmp_path / "two.hpm", OTHER, "two")
    both = with_targets(with_one, OTHER, "two").model
    assert scored(laid(with_one, [path]).model, NEW).tobytes() == scored(both, NEW).tobytes()
    with pytest.raises(IncompatibleModelError, match="made for another model"):
        laid(model, [path])


@pytest.mark.parametrize("name", ["no ridge", "few landmarks"])
def test_a_model_with_other_parts(name: str, tmp_path: Path):
    save_model(learned_model(SETTINGS[name]), tmp_path / "model.safetensors")
    model = load_model(tmp_path / "model.safetensors")
    path = written(model, tmp_path / "project.hpm")
    expected = with_targets(model, PROJECT, "project").model
    assert scored(laid(model, [path]).model, NEW).tobytes() == scored(expected, NEW).tobytes()


def test_other_kinds_of_files_are_refused(model: HyperPCM, tmp_path: Path):
    path = written(model, tmp_path / "project.hpm")
    with pytest.raises(IncompatibleModelError, match="measurements laid over a trained model"):
        load_model(path)
    with pytest.raises(IncompatibleModelError, match="a trained model"):
        load_overlay(tmp_path / "model.safetensors")
    archive = read_archive(path)
    write_archive(tmp_path / "odd.hpm", "overlay", archive.tensors, {"overlay": {}})
    with pytest.raises(CorruptModelError, match="describes no overlay"):
        load_overlay(tmp_path / "odd.hpm")
    write_archive(tmp_path / "mute.hpm", "overlay", archive.tensors, archive.header | {"change": {}})
    with pytest.raises(CorruptModelError, match="describes no overlay"):
        load_overlay(tmp_path / "mute.hpm")
    tensors = archive.tensors | {"rows": archive.tensors["rows"] + 7}
    write_archive(tmp_path / "far.hpm", "overlay", tensors, archive.header)
    with pytest.raises(IncompatibleModelError, match="parts of the overlay 'project' do not belong together"):
        load_overlay(tmp_path / "far.hpm")


@pytest.mark.parametrize(
    ("entry", "value"), [("targets", 99), ("targets", 0), ("compounds", 3), ("ridge_landmarks", 99)]
)
def test_a_model_file_whose_overlays_could_not_be_taken_off_is_refused(
    model: HyperPCM, tmp_path: Path, entry: str, value: int
):
    tensors, header = with_targets(model, PROJECT, "project").model.state()
    header["overlaid"][entry] = value
    write_archive(tmp_path / "odd.safetensors", "model", tensors, header)
    with pytest.raises(IncompatibleModelError, match="under the overlays"):
        load_model(tmp_path / "odd.safetensors")


def test_an_overlay_of_a_target_that_the_model_does_not_hold_is_refused(model: HyperPCM, tmp_path: Path):
    tensors, header = with_targets(model, PROJECT, "project").model.state()
    header["overlaid"]["overlays"][0]["sequences"][0] = QUERY
    write_archive(tmp_path / "odd.safetensors", "model", tensors, header)
    with pytest.raises(IncompatibleModelError, match="the targets of an overlay"):
        load_model(tmp_path / "odd.safetensors")


def test_values_are_stored_as_they_are(model: HyperPCM, tmp_path: Path):
    found = load_overlay(written(model, tmp_path / "project.hpm"))
    assert np.array_equal(found.overlay.values, PROJECT.values)
    assert found.weights.dtype == torch.float32
    assert len(found.weights) == len(model.memory_values) + len(PROJECT)
