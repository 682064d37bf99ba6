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
from hyperpcm.model import HyperPCM, with_targets, without_measurements
from small_models import QUERY, SEQUENCES, SMILES
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


def test_an_overlay_of_a_model_without_a_target_goes_with_no_other(tmp_path: Path):
    save_model(learned_model(), tmp_path / "model.safetensors")
    models = []
    for number, gone in enumerate((SEQUENCES[0], SEQUENCES[2])):
        with_one = with_targets(load_model(tmp_path / "model.safetensors"), PROJECT, "one").model
        save_model(without_measurements(with_one, targets=[gone]).model, tmp_path / f"{number}.safetensors")
        models.append(load_model(tmp_path / f"{number}.safetensors"))
    between = [
        written(model, tmp_path / f"{number}.hpm", OTHER, "two") for number, model in enumerate(models)
    ]
    over = [laid(model, [path]).model for model, path in zip(models, between, strict=True)]
    assert over[0].origin != over[1].origin
    third = measurements([(QUERY, SMILES[2], 5.0)])
    on_top = written(over[0], tmp_path / "three.hpm", third, "three")
    assert [one.name for one in laid(models[0], [between[0], on_top]).model.overlays] == [
        "one",
        "two",
        "three",
    ]
    for model, path in ((models[1], between[1]), (models[1], between[0])):
        with pytest.raises(IncompatibleModelError, match="made for another model"):
            laid(model, [path, on_top])


def test_an_overlay_that_names_no_model_is_refused(tmp_path: Path):
    path = written(learned_model(), tmp_path / "project.hpm")  # the model was never in a file
    with pytest.raises(IncompatibleModelError, match="which was in no file"):
        laid(learned_model(), [path])


def test_a_model_on_which_nothing_is_laid_stays_what_it_is(model: HyperPCM, tmp_path: Path):
    save_model(with_targets(model, PROJECT, "one").model, tmp_path / "with_one.safetensors")
    with_one = load_model(tmp_path / "with_one.safetensors")
    assert laid(with_one, []).model is with_one
    assert load_overlaid(tmp_path / "with_one.safetensors", []).origin == with_one.origin


def test_other_weights_make_another_model(model: HyperPCM, tmp_path: Path):
    path, odd = written(model, tmp_path / "project.hpm"), tmp_path / "odd.hpm"
    archive = read_archive(path)
    louder = archive.tensors | {"weights": 100 * archive.tensors["weights"]}
    write_archive(odd, "overlay", louder, archive.header)
    origins = [laid(model, [one]).model.origin for one in (path, odd)]
    assert origins[0] != origins[1]
    with_project = laid(model, [path]).model
    second = written(with_project, tmp_path / "two.hpm", OTHER, "two")
    assert len(laid(model, [path, second]).model.overlays) == 2
    with pytest.raises(IncompatibleModelError, match="made for another model"):
        laid(model, [odd, second])


def test_overlays_that_are_solved_together_are_one_model_for_a_third(model: HyperPCM, tmp_path: Path):
    paths = [
        written(model, tmp_path / "one.hpm", name="one"),
        written(model, tmp_path / "two.hpm", OTHER, "two"),
    ]
    both = laid(model, paths).model
    third = measurements([(QUERY, SMILES[2], 5.0)])
    paths.append(written(both, tmp_path / "three.hpm", third, "three"))
    found = laid(load_model(tmp_path / "model.safetensors"), paths).model
    expected = with_targets(both, third, "three").model
    assert scored(found, QUERY).tobytes() == scored(expected, QUERY).tobytes()


def test_what_does_not_belong_into_an_overlay_is_refused_with_the_name_of_the_file(
    model: HyperPCM, tmp_path: Path
):
    archive = read_archive(written(model, tmp_path / "project.hpm"))
    tensors, header = archive.tensors, archive.header
    of_overlay = header["overlay"]
    doubled = {name: tensor.double() if name == "weights" else tensor for name, tensor in tensors.items()}
    odd = {
        "tensor": (tensors | {"extra": torch.zeros(2)}, header),
        "entry": (tensors, header | {"extra": 1}),
        "inner entry": (tensors, header | {"overlay": of_overlay | {"extra": 1}}),
        "relation": (tensors | {"relations": torch.full_like(tensors["relations"], 7)}, header),
        "double weights": (doubled, header),
        "square weights": (tensors | {"weights": tensors["weights"][None]}, header),
    }
    for name, parts in odd.items():
        write_archive(tmp_path / f"{name}.hpm", "overlay", *parts)
        with pytest.raises(IncompatibleModelError, match=f"{name}.hpm: "):
            load_overlay(tmp_path / f"{name}.hpm")


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
    write_archive(tmp_path / "odd.hpm", "overlay", archive.tensors, archive.header | {"overlay": {}})
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


def test_a_landmark_of_the_regression_below_the_overlays_is_a_compound_below_them(
    model: HyperPCM, tmp_path: Path
):
    extended = with_targets(model, PROJECT, "project").model
    tensors, header = extended.state()
    before = int(header["overlaid"]["ridge_landmarks"])
    tensors["overlaid.coefficients"] = tensors["ridge.coefficients"][:, :5, : before + 1].clone()
    header["overlaid"]["ridge_landmarks"] = before + 1  # the last is a compound that was added
    write_archive(tmp_path / "odd.safetensors", "model", tensors, header)
    with pytest.raises(IncompatibleModelError, match="the compounds of the landmarks under the overlays"):
        load_model(tmp_path / "odd.safetensors")


@pytest.mark.parametrize(
    ("entry", "what"), [("memory_sequences", "target"), ("landmark_compounds", "compound")]
)
def test_a_memory_with_overlays_holds_nothing_twice(model: HyperPCM, tmp_path: Path, entry: str, what: str):
    tensors, header = with_targets(model, PROJECT, "project").model.state()
    header[entry] = [*header[entry][:2], header[entry][1], *header[entry][3:]]
    write_archive(tmp_path / "odd.safetensors", "model", tensors, header)
    with pytest.raises(IncompatibleModelError, match=f"a {what} that the memory holds twice"):
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
