"""Measurements that are laid over a memory count, and taken off again they leave no trace."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.datasets.interactions import BELOW, Quantity
from hyperpcm.errors import IncompatibleModelError, InputError, LabelError
from hyperpcm.model import (
    overlay_of,
    trained_model,
    with_overlays,
    with_targets,
    without_measurements,
    without_targets,
)
from hyperpcm.model.memory_ridge import ridge_problem
from hyperpcm.nn.kernel_ridge import NOISE
from hyperpcm.nn.ridge_solver import solve_ridge
from hyperpcm.protein import alignment_similarity
from hyperpcm.target_model.residual_prior import smoothed_profiles
from small_adaptation import adaptable_model
from small_models import ACTIVE, QUERY, SEQUENCES, SMILES, WIDTH, made_model
from small_projects import NEW, PROJECT, measurements, same, scored
from small_removals import COMPOUNDS, SETTINGS, learned_model
from small_runs import fingerprint


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_added_counts_and_what_is_taken_off_leaves_no_trace(name: str):
    model = learned_model(SETTINGS[name])
    before = fingerprint(model.state()[0])
    extended = with_targets(model, PROJECT, "project").model
    assert fingerprint(model.state()[0]) == before
    assert extended.memory_sequences == (*SEQUENCES, NEW)
    assert extended.landmark_compounds == (*COMPOUNDS, SMILES[0], SMILES[3])
    assert len(extended.memory_values) == len(model.memory_values) + 5
    for sequence in (NEW, SEQUENCES[1]):
        assert (scored(extended, sequence) != scored(model, sequence)).any()
    for restored in (trained_model(extended), without_measurements(extended, overlays=["project"]).model):
        assert same(restored, model)
        for sequence in (QUERY, NEW, *SEQUENCES):
            assert scored(restored, sequence).tobytes() == scored(model, sequence).tobytes()


@pytest.mark.parametrize("name", SETTINGS)
def test_no_learned_weight_and_no_place_of_a_known_target_changes(name: str):
    model = learned_model(SETTINGS[name])
    extended = with_targets(model, PROJECT, "project").model
    theirs, own = model.state()[0], extended.state()[0]
    of_memory = ("memory_", "landmarks", "alignment.", "ridge_columns", "ridge.coefficients")
    for key, tensor in theirs.items():
        if not key.startswith(of_memory):
            assert torch.equal(own[key], tensor), key
    for sequence in (QUERY, *SEQUENCES):
        embedding = torch.from_numpy(model.target_encoder.encode([sequence]))
        near = torch.from_numpy(extended.aligner.encode([sequence]))
        found, expected = extended.described(embedding, near), model.described(embedding, near[:, :5])
        assert torch.allclose(found, expected, atol=1e-6)
    if model.alignment.axes.shape[1]:
        embedding = torch.from_numpy(model.target_encoder.encode([NEW]))
        near = torch.from_numpy(model.aligner.encode([NEW]))
        assert torch.equal(extended.alignment.memory[-1], model.alignment(embedding, near)[0])


def test_the_extended_regression_is_the_one_solved_for_all_labels_at_once():
    model = learned_model()
    similarity = torch.from_numpy(alignment_similarity(SEQUENCES))
    columns = model.ridge_columns.numpy().astype(np.int64)
    exactly = {"iterations": 500, "tolerance": 1e-6}
    parts = model.ridge.kernel_parts()
    model.ridge.set(parts, solve_ridge(ridge_problem(model, similarity, columns), parts, NOISE, **exactly))
    extended = with_targets(model, PROJECT, "project").model
    whole = torch.from_numpy(alignment_similarity((*SEQUENCES, NEW)))
    every = np.arange(len(extended.landmark_compounds))
    expected = solve_ridge(ridge_problem(extended, whole, every), parts, NOISE, **exactly)
    assert extended.ridge.coefficients.shape == expected.shape == (4, 6, 16)
    scale = float(expected.abs().max())
    assert float((extended.ridge.coefficients - expected).abs().max()) < 0.02 * scale
    assert float((model.ridge.coefficients - expected[:, :5, :14]).abs().max()) > 0.1 * scale


def test_new_compounds_read_their_profiles_from_known_ones_and_do_not_hide_them():
    model = adaptable_model()
    analogues = ["CC(C)Cc1ccc([C@H](C)C(=O)O)cc1", "CC(C)Cc1ccc([C@@H](C)C(=O)O)cc1"]  # of SMILES[3]
    counts = [morgan_counts(one, width=WIDTH) for one in (model.landmark_compounds, analogues, [SMILES[3]])]
    new = [(NEW, smiles, 6.0) for smiles in analogues]
    extended = with_targets(model, measurements(new), "analogues").model
    known, found = model.residual_prior.profiles, extended.residual_prior.profiles
    assert np.array_equal(found[:8], known)
    expected = smoothed_profiles(tanimoto(counts[1], counts[0]), known)
    assert np.allclose(found[8:], expected, atol=1e-6)
    assert np.abs(expected).max() > 0.05
    own = known[3] @ known[3]
    near = tanimoto(counts[2], np.concatenate(counts[:2]))
    shares = [
        float(smoothed_profiles(near, profiles)[0] @ known[3] / own)
        for profiles in (found, np.concatenate([known, np.zeros_like(found[8:])]))
    ]
    assert shares[0] > 0.7 > 0.4 > shares[1]
    assert same(trained_model(extended), model)


def test_a_model_without_profiles_takes_more_compounds():
    model = adaptable_model(factors=0)
    extended = with_targets(model, PROJECT, "project").model
    assert extended.residual_prior.profiles.shape == (len(extended.landmark_compounds), 0)
    assert same(trained_model(extended), model)


def test_the_weights_lay_an_overlay_again_without_solving():
    for name in ("default", "few landmarks", "no ridge"):
        model = learned_model(SETTINGS[name])
        overlay = overlay_of(model, PROJECT, "project")
        first = with_overlays(model, [overlay])
        assert same(with_overlays(model, [overlay], first.weights).model, first.model)
    with pytest.raises(IncompatibleModelError, match="weights of 3 labels, and with this model there are"):
        with_overlays(learned_model(), [overlay_of(model, PROJECT, "project")], torch.zeros(3))
    two = [overlay_of(model, PROJECT, name) for name in ("one", "two")]
    with pytest.raises(IncompatibleModelError, match="the overlay 'two' holds weights"):
        with_overlays(learned_model(), two, torch.zeros(3))
    with pytest.raises(IncompatibleModelError, match="with this model there are 0"):
        with_overlays(learned_model(SETTINGS["no ridge"]), two, torch.zeros(3))


def test_two_overlays_and_which_is_taken_off_first_does_not_matter():
    model = learned_model()
    other = measurements([(QUERY, SMILES[1], 9.0), (NEW, SMILES[0], 7.5), (SEQUENCES[0], SMILES[4], 4.0)])
    both = with_targets(with_targets(model, PROJECT, "one").model, other, "two")
    assert [(one.values, one.kept, one.known) for one in both.conflicts] == [((8.5, 7.5), 8.0, False)]
    assert both.model.memory_sequences == (*SEQUENCES, NEW, QUERY)
    alone = with_targets(model, other, "two").model
    left = without_measurements(both.model, overlays=["one"]).model
    assert same(left, alone)
    assert same(without_measurements(left, overlays=["two"]).model, model)
    assert same(without_measurements(both.model, overlays=["two", "one"]).model, model)


def test_a_label_that_is_there_already_is_merged_and_comes_back():
    model = learned_model()
    value = float(model.memory_values[1])  # of target 0 and compound 1
    again = measurements([(SEQUENCES[0], COMPOUNDS[1], value + 2.0)])
    extended = with_targets(model, again, "again")
    (conflict,) = extended.conflicts
    assert (conflict.sequence, conflict.smiles, conflict.known) == (SEQUENCES[0], COMPOUNDS[1], True)
    assert conflict.values == pytest.approx((value, value + 2.0))
    assert conflict.kept == pytest.approx(value + 1.0)
    assert float(extended.model.memory_values[1]) == pytest.approx(value + 1.0)
    assert len(extended.model.memory_values) == len(model.memory_values)
    assert scored(extended.model, SEQUENCES[0])[8 + 1] > scored(model, SEQUENCES[0])[8 + 1]
    assert same(trained_model(extended.model), model)


def test_a_bound_does_not_change_a_label_that_is_there():
    model = learned_model()
    bound = measurements([(SEQUENCES[0], COMPOUNDS[1], 4.0)], relations=[BELOW])
    extended = with_targets(model, bound, "bound")
    assert extended.conflicts[0].kept == pytest.approx(float(model.memory_values[1]))
    assert torch.equal(extended.model.memory_values, model.memory_values)


def test_classes_that_contradict_the_memory_leave_it_as_it_is():
    model = made_model(quantity=ACTIVE)
    row, column = int(model.memory_rows[0]), int(model.memory_columns[0])
    value = float(model.memory_values[0])
    opposite = measurements([(SEQUENCES[row], SMILES[column], 1.0 - value)], ACTIVE)
    extended = with_targets(model, opposite, "opposite")
    assert extended.conflicts[0].kept == value
    assert torch.equal(extended.model.memory_values, model.memory_values)


def test_a_new_target_has_its_own_labels_at_hand():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    own = extended.compile_target(NEW, exact=True)
    assert own.provenance["domain"]["nearest_target"] == "protein 0"
    assert own.provenance["domain"]["nearest_similarity"] == 1.0
    high, low = own.score([SMILES[0], SMILES[3]]).values  # measured at 8.5 and 4.5
    before = model.compile_target(NEW, exact=True).score([SMILES[0], SMILES[3]]).values
    assert high - low > before[0] - before[1] + 0.3


def test_a_target_that_was_laid_over_the_memory_keeps_the_shares_of_new_targets():
    """Its labels are at hand, but no epoch has seen it."""
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    learned = SEQUENCES[1]
    assert [extended.learned_from(one) for one in (NEW, learned, QUERY)] == [False, True, False]
    assert [model.learned_from(one) for one in (NEW, learned, QUERY)] == [False, True, False]
    for sequence, kind in ((NEW, 0), (learned, 1)):
        own = extended.compile_target(sequence, exact=True)
        embedding = torch.from_numpy(model.target_encoder.encode([sequence]))
        similarity = torch.from_numpy(alignment_similarity((sequence,), extended.memory_sequences))
        shared = extended.generate(embedding, similarity)[0].densified(float(model.correction[kind]))
        torch.testing.assert_close(
            own.networks[0].layers[-1].bias, shared.layers[-1].bias, rtol=1e-3, atol=1e-6
        )
        assert own.prior.ridge.contrast == model.ridge_contrast[kind]


def test_a_file_gives_back_the_model_and_its_overlays(tmp_path: Path):
    model = learned_model()
    extended = with_targets(model, PROJECT, "project", {"file": "project.csv"}).model
    save_model(extended, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert same(loaded, extended)
    assert scored(loaded, NEW).tobytes() == scored(extended, NEW).tobytes()
    assert loaded.overlaid.overlays[0].origin == {"file": "project.csv"}
    assert same(trained_model(loaded), model)


def test_targets_are_taken_out_of_a_model_with_overlays_as_of_any_other():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    reduced = without_targets(extended, [5])
    assert reduced.overlaid is None
    assert reduced.memory_sequences == SEQUENCES
    assert np.isfinite(scored(reduced, NEW)).all()


def test_a_model_with_fewer_targets_than_axes_takes_more(tmp_path: Path):
    reduced = without_targets(learned_model(), [0, 1, 3])
    extended = with_targets(reduced, PROJECT, "project").model
    assert len(extended.memory_sequences) == 4
    save_model(extended, tmp_path / "model.safetensors")
    assert same(load_model(tmp_path / "model.safetensors"), extended)


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        (Quantity("pKi", "-log10(M)"), r"Nothing converts one into the other.*--quantity 'pKd'"),
        (Quantity("Kd", "ug/mL"), r"Concentrations \(pM to M\) are converted to pKd = -log10\(M\)"),
        (ACTIVE, "no class becomes a value again"),
    ],
)
def test_another_quantity_is_refused_with_the_way_to_this_one(quantity: Quantity, message: str):
    with pytest.raises(LabelError, match=message):
        with_targets(learned_model(), measurements([(NEW, SMILES[0], 1.0)], quantity), "project")


def test_values_for_a_model_of_classes_are_refused():
    with pytest.raises(LabelError, match=r"two classes, activity.*--active-at"):
        with_targets(made_model(quantity=ACTIVE), PROJECT, "project")


@pytest.mark.parametrize("name", ["", " project", "a\nb", "x" * 101])
def test_a_name_that_could_not_be_typed_is_refused(name: str):
    with pytest.raises(InputError, match="cannot be the name of an overlay"):
        with_targets(learned_model(), PROJECT, name)


def test_a_name_is_given_once():
    extended = with_targets(learned_model(), PROJECT, "project").model
    with pytest.raises(InputError, match="holds measurements of this name already"):
        with_targets(extended, PROJECT, "project")
    with pytest.raises(InputError, match="the data that the model was trained on have this name"):
        with_targets(learned_model(), PROJECT, "training data")


def test_every_new_target_has_a_name_of_its_own():
    model = learned_model()
    added = measurements([(NEW, SMILES[0], 8.5), (QUERY, SMILES[0], 7.5)])
    named = dataclasses.replace(added, target_names=("target 0", "target 0"))
    names = with_targets(model, named, "A").model.memory_names
    assert names == (*model.memory_names, "target 0 (A)", "target 0 (A, 2)")


def test_an_overlay_for_other_encoders_is_refused():
    model = learned_model()
    overlay = overlay_of(model, PROJECT, "project")
    counts = morgan_counts(overlay.compounds, width=2 * WIDTH)
    wider = dataclasses.replace(overlay, fingerprints=np.packbits(counts > 0, axis=1))
    with pytest.raises(IncompatibleModelError, match="it was made for another one"):
        with_overlays(model, [wider])
