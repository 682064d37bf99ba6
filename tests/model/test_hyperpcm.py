"""The whole model: one sequence in, a target model out, and nothing in between that depends on neighbours."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hyperpcm.checkpoint import (
    load_model,
    load_target_model,
    read_archive,
    save_model,
    save_target_model,
    write_archive,
)
from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.encoders import CompositionEncoder
from hyperpcm.errors import IncompatibleModelError, InvalidSequenceError
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import collapse_labels
from hyperpcm.protein import alignment_similarity
from small_models import (
    ACTIVE,
    PKD,
    PLAIN,
    PUBLISHED,
    QUERY,
    SEQUENCES,
    SMALL,
    SMILES,
    made_model,
    measured,
)


@pytest.fixture(
    params=[(SMALL, PKD), (PUBLISHED, PKD), (PLAIN, PKD), (SMALL, ACTIVE)],
    ids=["retrieval", "as published", "plain", "classes"],
)
def model(request) -> HyperPCM:
    return made_model(*request.param)


def inputs(
    model: HyperPCM, sequences: tuple[str, ...]
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Arguments of forward for all compounds on each sequence."""
    targets = torch.from_numpy(model.target_encoder.encode(sequences))
    compounds = torch.from_numpy(model.compound_encoder.encode(SMILES))
    compounds = compounds.expand(len(sequences), *compounds.shape)
    similarity = retrieved = None
    if model.config.needs_alignment:
        similarity = torch.from_numpy(alignment_similarity(sequences, SEQUENCES))
    if model.retrieval is not None:
        counts = morgan_counts(SMILES, width=model.landmark_width)
        near = torch.from_numpy(tanimoto(counts, counts)).expand(len(sequences), -1, -1)
        weights = model.retrieval.target_weights(similarity)
        retrieved = model.retrieval(model.retrieval.collapse(weights, model.label_memory()), near)
    return targets, compounds, retrieved, similarity


# Forward


@torch.no_grad()
def test_forward_gives_each_member_target_and_compound_a_score(model: HyperPCM):
    scores = model(*inputs(model, (QUERY, *SEQUENCES[:2])))
    assert scores.shape == (model.config.members, 3, len(SMILES))
    assert bool(torch.isfinite(scores).all())


@torch.no_grad()
def test_forward_is_deterministic_in_evaluation_and_not_in_training(model: HyperPCM):
    arguments = inputs(model, (QUERY,))
    before = torch.get_rng_state()
    assert torch.equal(model(*arguments), model(*arguments))
    assert torch.equal(torch.get_rng_state(), before)
    model.train()
    assert not torch.equal(model(*arguments), model(*arguments))


@torch.no_grad()
def test_forward_does_not_mix_targets_or_compounds(model: HyperPCM):
    targets, compounds, retrieved, similarity = inputs(model, (QUERY, *SEQUENCES))
    together = model(targets, compounds, retrieved, similarity)
    for t in (0, 3):
        for c in (slice(2, 3), slice(0, 5)):
            alone = model(
                targets[t : t + 1],
                compounds[t : t + 1, c],
                None if retrieved is None else retrieved[t : t + 1, c],
                None if similarity is None else similarity[t : t + 1],
            )
            torch.testing.assert_close(alone[:, 0], together[:, t, c], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_different_targets_get_different_scores(model: HyperPCM):
    scores = model(*inputs(model, (QUERY, SEQUENCES[3]))).mean(0)
    assert not torch.allclose(scores[0], scores[1], atol=1e-4)


@torch.no_grad()
def test_forward_and_the_compiled_target_agree(model: HyperPCM):
    """Training goes one way, scoring the other: batched parts here, plain weights of one target there."""
    model.correction.fill_(0.6)
    raw = model(*inputs(model, (QUERY,))).mean(0)[0]
    expected = model.label_scale.to_labels(raw)
    compiled = model.compile_target(QUERY, exact=True).score(SMILES)
    np.testing.assert_allclose(compiled.values, expected.numpy(), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_new_targets_and_known_ones_have_a_share_of_the_networks_each(model: HyperPCM):
    arguments = inputs(model, (QUERY, SEQUENCES[1]))
    alike = []
    for share in (0.6, 0.2):
        model.correction.fill_(share)
        alike.append(model(*arguments))
    model.correction.copy_(torch.tensor([0.6, 0.2]))
    all_new, all_known = (model(*arguments, known=torch.tensor([known] * 2)) for known in (False, True))
    torch.testing.assert_close([all_new, all_known, model(*arguments)], [*alike, alike[0]])
    assert not torch.allclose(all_new, all_known, atol=1e-4)
    mixed = model(*arguments, known=torch.tensor([False, True])).mean(0)
    torch.testing.assert_close(mixed, torch.stack([all_new.mean(0)[0], all_known.mean(0)[1]]))
    for sequence, row in ((QUERY, mixed[0]), (SEQUENCES[1], mixed[1])):
        compiled = model.compile_target(sequence, exact=True)
        expected = model.label_scale.to_labels(row).numpy()
        np.testing.assert_allclose(compiled.score(SMILES).values, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_correction_is_a_factor_on_the_networks_and_only_when_predicting():
    model = made_model(SMALL | {"hypernetwork": {"trunk": [16], "dropout": 0.0}, "qsar": {"hidden": [16]}})
    for head in (member.hypernetwork.heads[-1] for member in model.members):
        torch.nn.init.normal_(head.delta.weight)
    arguments = inputs(model, (QUERY, SEQUENCES[1]))
    prior = model.retrieval.scores(arguments[2])
    full = model(*arguments) - prior
    assert float(full.abs().max()) > 0.01
    model.correction.fill_(0.25)
    torch.testing.assert_close(model(*arguments) - prior, 0.25 * full, rtol=1e-3, atol=1e-5)
    model.correction.zero_()
    torch.testing.assert_close(model(*arguments), prior.expand(2, -1, -1))
    training = copy.deepcopy(model)
    for module in training.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    training.train()
    assert not torch.allclose(training(*arguments), prior.expand(2, -1, -1), atol=1e-3)


@torch.no_grad()
def test_an_untrained_default_model_says_what_the_memory_says():
    model = made_model(SMALL | {"qsar": {"hidden": [16]}})  # zero_start
    arguments = inputs(model, (QUERY,))
    assert torch.equal(model(*arguments)[0], model.retrieval.scores(arguments[2]))


# Memory


def test_a_checkpoint_holds_all_that_prediction_needs(model: HyperPCM):
    """Rebuilt from tensors and JSON alone, with no table at hand; a trap of the published code."""
    tensors, header = model.state()
    expected = model.compile_target(QUERY).score(SMILES).values
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    header = json.loads(json.dumps(header))
    del model
    rebuilt = HyperPCM.from_state(tensors, header)
    assert rebuilt.compile_target(QUERY).score(SMILES).values.tobytes() == expected.tobytes()
    again, again_header = rebuilt.state()
    assert again_header == header
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    assert not rebuilt.training


def sharp_model() -> HyperPCM:
    """Scores that are the label of the nearest known interaction."""
    settings = SMALL | {
        "qsar": {"hidden": [16]},
        "retrieval": {"target_exponents": [30.0], "compound_exponents": [30.0], "fallback": 1e-6},
    }
    return made_model(settings)


def test_a_known_target_sees_its_own_labels_and_training_hides_them():
    model = sharp_model()
    rows, columns, values = measured()
    own = rows == 2
    compiled = model.compile_target(SEQUENCES[2])
    scores = compiled.score([SMILES[column] for column in columns[own]]).values
    np.testing.assert_allclose(scores, values[own], atol=0.02)
    similarity = torch.from_numpy(alignment_similarity(SEQUENCES[2:3], SEQUENCES))
    allowed = torch.tensor([[True, True, False, True, True]])
    seen, _ = collapse_labels(model, model.label_memory(), similarity, allowed)
    with torch.no_grad():
        model.memory_values[torch.from_numpy(own)] += 100.0
        shifted, _ = collapse_labels(model, model.label_memory(), similarity, allowed)
    assert torch.equal(seen.first, shifted.first)
    assert torch.equal(seen.evidence, shifted.evidence)


def test_an_unseen_target_hears_most_from_its_nearest_relative():
    rows, columns, values = measured()
    own = rows == 0
    scores = sharp_model().compile_target(QUERY).score([SMILES[column] for column in columns[own]]).values
    np.testing.assert_allclose(scores, values[own], atol=0.1)


def test_the_label_memory_is_the_table_dense_or_sparse(monkeypatch: pytest.MonkeyPatch):
    model = made_model()
    rows, columns, values = measured()
    expected = np.zeros((len(SEQUENCES), len(SMILES)))
    expected[rows, columns] = (values - values.mean()) / values.std()
    known = np.zeros_like(expected)
    known[rows, columns] = 1
    dense = model.label_memory()
    np.testing.assert_allclose(dense.labels.numpy(), expected, atol=1e-5)
    np.testing.assert_array_equal(dense.measured.numpy(), known)
    scores = model.compile_target(QUERY).score(SMILES).values
    monkeypatch.setattr("hyperpcm.model.hyperpcm._DENSE_MEMORY", 0)
    held = model.label_memory()
    np.testing.assert_array_equal(held.labels.by_row.toarray(), dense.labels.numpy())
    np.testing.assert_array_equal(held.measured.by_column.toarray(), known.T)
    np.testing.assert_allclose(model.compile_target(QUERY).score(SMILES).values, scores, rtol=1e-5)


def test_a_pair_measured_twice_counts_once_with_its_mean():
    model = made_model()
    at = int(model.memory_rows[0]), int(model.memory_columns[0])
    model.memory_rows[1], model.memory_columns[1] = at
    memory = model.label_memory()
    expected = model.label_scale.to_scaled(model.memory_values[:2]).mean()
    torch.testing.assert_close(memory.labels[at], expected)
    assert float(memory.measured[at]) == 1.0


@pytest.mark.parametrize(
    ("buffer", "value"), [("memory_rows", 5), ("memory_columns", 8), ("memory_rows", -1)]
)
def test_a_label_outside_the_memory_never_reaches_the_arithmetic(buffer: str, value: int):
    model = made_model()
    getattr(model, buffer)[0] = value
    with pytest.raises(RuntimeError):
        model.label_memory()


def test_with_too_many_landmarks_those_with_the_most_evidence_are_kept():
    model = made_model(SMALL | {"retrieval": {"max_landmarks": 3, "ridge": False}, "qsar": {"hidden": [16]}})
    every = made_model(SMALL | {"qsar": {"hidden": [16]}})
    similarity = torch.from_numpy(alignment_similarity((QUERY,), SEQUENCES))
    with torch.no_grad():
        collapsed, kept = collapse_labels(model, model.label_memory(), similarity)
        whole, rows = collapse_labels(every, every.label_memory(), similarity)
    assert rows.tolist() == list(range(len(SMILES)))
    least = whole.evidence[0].amin(0).numpy()
    assert kept.tolist() == sorted(np.argsort(-least, kind="stable")[:3].tolist())
    torch.testing.assert_close(collapsed.first, whole.first[..., torch.from_numpy(kept)])
    compiled = model.compile_target(QUERY)
    assert compiled.prior.landmarks.shape[0] == model.landmark_limit() == 3
    assert np.isfinite(compiled.score(SMILES).values).all()


# Compiling


def test_compiling_again_or_after_others_gives_the_same_bits(model: HyperPCM):
    first = model.compile_target(QUERY).score(SMILES).values
    model.compile_target(SEQUENCES[0])
    assert model.compile_target(QUERY).score(SMILES).values.tobytes() == first.tobytes()
    assert model.compile_target(f" {QUERY[:10].lower()}{QUERY[10:]}\n").score(SMILES).values.tobytes() == (
        first.tobytes()
    )


def test_a_compiled_target_stays_as_it_is_when_the_model_changes(model: HyperPCM):
    compiled = model.compile_target(QUERY)
    before = compiled.score(SMILES).values
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.add_(1.0)
    model.card["name"] = "another"
    assert compiled.score(SMILES).values.tobytes() == before.tobytes()
    assert "name" not in compiled.provenance["model"]
    assert not any(p.requires_grad for network in compiled.networks for p in (network.layers[0].bias,))


@pytest.mark.parametrize("text", ["", "MKT*AYI", "MKT1", "   "])
def test_a_sequence_that_cannot_be_used_is_refused(text: str):
    with pytest.raises(InvalidSequenceError):
        made_model(PLAIN).compile_target(text)


def test_the_licences_of_both_encoders_travel_into_the_target_model_and_through_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(CompositionEncoder, "licence", "CC-BY-NC-4.0")
        save_model(made_model(PLAIN), tmp_path / "model.safetensors")
    expected = {"ecfp": "BSD-3-Clause", "composition": "CC-BY-NC-4.0"}
    model = load_model(tmp_path / "model.safetensors")
    assert model.card["licences"] == expected
    save_target_model(model.compile_target(QUERY), tmp_path / "target.hpcm")
    assert load_target_model(tmp_path / "target.hpcm").licences == expected
    assert read_archive(tmp_path / "model.safetensors").header["card"] == {"licences": expected}


def test_a_target_of_a_model_file_from_before_licences_were_kept_has_those_of_the_encoders(tmp_path: Path):
    tensors, header = made_model(PLAIN).state()
    write_archive(tmp_path / "old.safetensors", "model", tensors, {**header, "card": {"data": "mine"}})
    model = load_model(tmp_path / "old.safetensors")
    assert model.card == {"data": "mine"}
    assert model.compile_target(QUERY).licences == {"ecfp": "BSD-3-Clause", "composition": "MIT"}


def test_what_was_done_to_a_sequence_is_kept():
    compiled = made_model(PLAIN).compile_target("mktayiakqr", name="mine")
    assert (compiled.name, compiled.sequence) == ("mine", "MKTAYIAKQR")
    assert list(compiled.provenance["changes"])


# Settings


def test_the_published_configuration_is_what_it_says():
    published = made_model(PUBLISHED)
    network = published.generate(torch.from_numpy(published.target_encoder.encode([QUERY])))[0]
    assert (published.retrieval, published.alignment.axes.shape) == (None, (5, 0))
    assert published.members[0].context.guidance is None
    assert network.noise_head.delta.shape == (1, 8, 64)
    assert [tuple(layer.delta.shape) for layer in network.layers] == [(1, 16, 72), (1, 8, 16), (1, 1, 8)]
    assert all(layer.shared is None and layer.left is None for layer in network.layers)
    assert published.label_scale.centre == 7.0
    assert published.label_scale.scale == 1.0


@pytest.mark.parametrize("parts", ["full", "low_rank", "gates", "last_layer"])
@pytest.mark.parametrize("activation", ["relu", "selu"])
def test_every_choice_of_parts_compiles_and_scores(parts: str, activation: str):
    settings = SMALL | {
        "hypernetwork": {"trunk": [16], "parts": parts, "activation": activation},
        "qsar": {"hidden": [8, 8], "noise_head": 4, "activation": activation, "standardise": True},
    }
    model = made_model(settings)
    values = model.compile_target(QUERY, exact=True).score(SMILES).values
    with torch.no_grad():
        raw = model(*inputs(model, (QUERY,))).mean(0)[0]
    np.testing.assert_allclose(values, model.label_scale.to_labels(raw).numpy(), rtol=1e-3, atol=1e-4)


def test_scalers_follow_the_settings():
    _, _, values = measured()
    default = made_model().label_scale
    assert default.centre == pytest.approx(values.mean(), rel=1e-5)
    assert default.scale == pytest.approx(values.std(), rel=1e-5)
    fixed = made_model(SMALL | {"label_centre": 7.0, "scale_labels": False}).label_scale
    assert (fixed.centre, fixed.scale) == (7.0, 1.0)
    classes = made_model(SMALL, ACTIVE)
    assert classes.label_scale.scale == 1.0
    assert classes.label_scale.centre == pytest.approx(measured(ACTIVE)[2].mean())
    assert classes.label_scale.binary
    assert not made_model().compound_scaler.mean.any()
    standardised = made_model(SMALL | {"qsar": {"hidden": [4], "standardise": True}})
    embeddings = torch.from_numpy(standardised.compound_encoder.encode(SMILES))
    torch.testing.assert_close(standardised.compound_scaler.mean, embeddings.mean(0))


def test_targets_are_standardised_on_the_memory():
    model = made_model(PUBLISHED)
    scaled = model.target_scaler(model.memory_embeddings)
    varying = model.memory_embeddings.std(0) > 1e-6
    torch.testing.assert_close(scaled[:, varying].mean(0), torch.zeros(int(varying.sum())), atol=1e-4, rtol=0)
    clipped = scaled.abs() >= 8
    assert not clipped.any()


# What does not fit


def test_an_encoder_that_is_not_here_is_refused():
    tensors, header = made_model(PLAIN).state()
    with pytest.raises(IncompatibleModelError, match="encoder"):
        HyperPCM.from_state(tensors, header | {"target_encoder": {"name": "from the future"}})


def test_weights_of_other_settings_are_refused():
    tensors, header = made_model(PLAIN).state()
    wider = copy.deepcopy(header)
    wider["config"]["qsar"]["hidden"] = [9]
    with pytest.raises(IncompatibleModelError, match="do not fit"):
        HyperPCM.from_state(tensors, wider)


def test_retrieval_is_refused_where_there_is_none():
    model = made_model(PLAIN)
    with pytest.raises(ValueError, match="retrieves no labels"):
        collapse_labels(model, model.label_memory(), torch.ones(1, 5))
