"""The evidence card: weights that add up, measured neighbours, and scores without each retrieved target."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from hyperpcm.chem import morgan_counts, standardise, tanimoto
from hyperpcm.errors import ConfigError, InvalidSequenceError, InvalidSmilesError
from hyperpcm.model import HyperPCM, without_targets
from hyperpcm.protein import alignment_similarity
from hyperpcm.trust import TargetEvidence, atom_contributions, evidence_card
from hyperpcm.trust.retrieval import attention_on_targets, retrieval_weights
from small_models import ACTIVE, PLAIN, QUERY, SEQUENCES, SMALL, SMILES, WIDTH, made_model
from small_removals import COMPOUNDS, LABELS, SETTINGS, learned_model

ASKED = SMILES[3]
WITH_LABELS = [name for name in SETTINGS if name != "context alone"]


def retrieved_mean(model: HyperPCM, smiles: str = ASKED) -> float:
    """What the label retrieval alone says of the query, in scaled label units."""
    prior = model.compile_target(QUERY, exact=True).prior
    near = torch.from_numpy(prior.similarity([smiles]))[None].double()
    return float(prior.retrieval.scores(prior.retrieval(prior.collapsed.double(), near)))


def card_of(model: HyperPCM, smiles: str | None = ASKED, sequence: str = QUERY, **options):
    return evidence_card(model, sequence, smiles, name="query", **options)


# Weights


@pytest.mark.parametrize("name", WITH_LABELS)
def test_a_weight_is_what_the_retrieved_mean_moves_by_when_all_labels_of_a_target_move(name: str):
    """The mean is linear in the labels, so that moving them tells their weight: an oracle of its own."""
    model = learned_model(SETTINGS[name])
    card, before, total = card_of(model, top=5), retrieved_mean(model), 0.0
    for one in card.retrieved:
        moved = learned_model(SETTINGS[name])
        with torch.no_grad():
            moved.memory_values[moved.memory_rows == one.row] += model.label_scale.scale
        assert retrieved_mean(moved) - before == pytest.approx(one.weight, abs=1e-4)
        total += one.weight
    assert len(card.retrieved) == 5
    assert total + card.of_mean == pytest.approx(1.0)
    weights = [one.weight for one in card.retrieved]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("name", WITH_LABELS)
def test_the_mean_labels_add_up_to_what_is_retrieved(name: str):
    model = learned_model(SETTINGS[name])
    card, scale = card_of(model), model.label_scale
    said = sum(one.weight * one.mean_label for one in card.retrieved) + card.of_mean * scale.centre
    assert (said - scale.centre) / scale.scale == pytest.approx(retrieved_mean(model), abs=1e-5)


@torch.no_grad()
def test_the_parts_of_the_ridge_regression_are_its_scores_from_one_target_at_a_time():
    model = learned_model(SETTINGS["few landmarks"])
    card = card_of(model)
    for one in card.retrieved:
        alone = learned_model(SETTINGS["few landmarks"])
        others = torch.arange(5) != one.row
        alone.ridge.coefficients[:, others] = 0.0
        prior = alone.compile_target(QUERY, exact=True).prior
        near = torch.from_numpy(prior.similarity([ASKED]))[None]
        expected = 0.0
        for coefficients, exponent in zip(prior.ridge.coefficients, prior.ridge.exponents, strict=True):
            expected += float((near[0, 0].clamp(1e-6, 1) ** exponent) @ coefficients)
        assert one.ridge == pytest.approx(expected * model.label_scale.scale, abs=1e-4)
    assert card_of(learned_model(SETTINGS["no ridge"])).retrieved[0].ridge is None


@torch.no_grad()
def test_attention_is_the_mean_over_members_and_heads():
    model = learned_model()
    card = card_of(model, top=5)
    assert sum(one.attention for one in card.retrieved) == pytest.approx(1.0)
    assert 0.0 < card.entropy < 1.0
    similarity = torch.from_numpy(alignment_similarity((QUERY,), SEQUENCES))
    embedding = torch.from_numpy(model.target_encoder.encode([QUERY]))
    heads = model.attention(embedding, similarity)[:, 0].reshape(4, 5).numpy().astype(np.float64)
    expected = [-(head * np.log(head)).sum() / np.log(5) for head in heads]
    assert card.entropy == pytest.approx(np.mean(expected), abs=1e-6)
    by_row = {one.row: one.attention for one in card.retrieved}
    np.testing.assert_allclose([by_row[row] for row in range(5)], heads.mean(0), rtol=1e-5)


@torch.no_grad()
def test_a_module_that_attends_to_all_alike_has_entropy_1_and_one_that_looks_at_one_0():
    model = learned_model()
    for member in model.members:
        member.context.key.weight.zero_()
        member.context.guidance.zero_()
    assert card_of(model).entropy == pytest.approx(1.0)
    for member in model.members:
        member.context.guidance.fill_(1000.0)
    card = card_of(model, sequence=SEQUENCES[2])
    assert card.entropy == pytest.approx(0.0, abs=1e-6)
    assert card.retrieved[0].attention == pytest.approx(1.0)


def test_networks_without_a_share_attend_to_nothing():
    model = learned_model()
    model.correction.zero_()
    card = card_of(model)
    assert (card.entropy, card.retrieved[0].attention) == (None, None)
    similarity = torch.from_numpy(alignment_similarity((QUERY,), SEQUENCES))
    embedding = torch.from_numpy(model.target_encoder.encode([QUERY]))
    assert attention_on_targets(model, embedding, similarity, is_learned=False) is None


def test_a_large_memory_has_the_weights_of_a_small_one(monkeypatch: pytest.MonkeyPatch):
    dense = card_of(learned_model())
    monkeypatch.setattr("hyperpcm.model.hyperpcm._DENSE_MEMORY", 0)
    sparse = card_of(learned_model())
    for one, other in zip(dense.retrieved, sparse.retrieved, strict=True):
        assert one.row == other.row
        assert one.weight == pytest.approx(other.weight)
        assert one.mean_label == pytest.approx(other.mean_label)


# Removals


@pytest.mark.parametrize("name", SETTINGS)
def test_the_score_without_a_target_is_that_of_the_model_that_never_held_it(name: str):
    model = learned_model(SETTINGS[name])
    card = card_of(model, top=3)
    assert card.score == float(model.compile_target(QUERY, exact=True).score([ASKED]).values[0])
    assert len(card.retrieved) == 3
    for one in card.retrieved:
        reduced = without_targets(model, [one.row]).compile_target(QUERY, exact=True)
        assert one.score_without == float(reduced.score([ASKED]).values[0])
        assert one.change == one.score_without - card.score
    assert any(one.change for one in card.retrieved)


def test_each_target_is_taken_out_once_for_all_compounds():
    model, done = learned_model(), []
    asked = TargetEvidence(model, QUERY, "query", top=2)
    cards = asked.of_compounds(COMPOUNDS, progress=lambda number, of: done.append((number, of)))
    rows = {one.row for card in cards for one in card.retrieved}
    assert done == [(number, len(rows)) for number in range(1, len(rows) + 1)]
    assert [card.smiles for card in cards] == list(COMPOUNDS)
    for place in (0, 5):
        assert cards[place] == card_of(model, COMPOUNDS[place], top=2)


def test_the_only_target_of_a_memory_cannot_be_taken_out():
    model = without_targets(learned_model(), [1, 2, 3, 4])
    card = card_of(model)
    assert [(one.name, one.score_without, one.change) for one in card.retrieved] == [("target 0", None, None)]
    assert card.entropy == 0.0


# Known targets


def test_the_measured_compounds_nearest_to_the_asked_one_are_told_with_their_labels():
    model = learned_model()
    counts = morgan_counts((ASKED, *COMPOUNDS), width=WIDTH)
    near = tanimoto(counts[:1], counts[1:])[0]
    for one in card_of(model, neighbours=4).retrieved:
        labels: dict[int, list[float]] = {}
        for row, column, value in LABELS:
            if row == one.row:
                labels.setdefault(column, []).append(value)
        assert one.labels == len(labels)
        best = sorted(labels, key=lambda column: -near[column])[:4]
        assert [found.smiles for found in one.nearest] == [COMPOUNDS[column] for column in best]
        assert [found.similarity for found in one.nearest] == pytest.approx(near[best].tolist())
        assert [found.label for found in one.nearest] == pytest.approx([np.mean(labels[c]) for c in best])


def test_distance_and_similarity_are_those_of_the_sequences():
    model = learned_model()
    scale = model.target_scaler.scale.numpy()[: model.target_encoder.width]
    embeddings = model.target_encoder.encode([QUERY, *SEQUENCES]) / scale
    distances = np.sqrt(((embeddings[1:] - embeddings[0]) ** 2).mean(1))
    similarity = alignment_similarity((QUERY,), SEQUENCES)[0]
    for one in card_of(model, top=5).retrieved:
        assert one.distance == pytest.approx(distances[one.row], rel=1e-4)
        assert one.similarity == pytest.approx(similarity[one.row])


def test_a_known_target_rests_on_its_own_labels_and_says_so():
    model = learned_model()
    card = card_of(model, COMPOUNDS[7], SEQUENCES[2])
    assert card.own == "target 2"
    own = card.retrieved[0]
    assert (own.name, own.is_own, own.similarity, own.distance) == ("target 2", True, 1.0, 0.0)
    assert own.nearest[0].smiles == COMPOUNDS[7]
    assert own.score_without == float(
        without_targets(model, [2]).compile_target(SEQUENCES[2], exact=True).score([COMPOUNDS[7]]).values[0]
    )
    assert own.change != 0
    assert card_of(model).own is None
    assert evidence_card(model, SEQUENCES[2].lower()).target == "target 2"  # where it was given no name


# A target alone


@torch.no_grad()
def test_without_a_compound_weights_are_means_over_known_compounds():
    model = learned_model()
    card = card_of(model, None, top=5)
    assert (card.smiles, card.score, card.interval, card.nearest) == (None, None, None, None)
    assert all(one.nearest == () and one.score_without is None for one in card.retrieved)
    similarity = torch.from_numpy(alignment_similarity((QUERY,), SEQUENCES))
    bits = model.landmark_bits()
    near = torch.from_numpy(tanimoto(bits, bits))
    weights = retrieval_weights(model, similarity, near, with_ridge=True)
    by_row = {one.row: one for one in card.retrieved}
    for row in range(5):
        assert by_row[row].weight == pytest.approx(np.mean(weights.labels[:, row]))
        assert by_row[row].ridge == pytest.approx(np.mean(weights.ridge[:, row]) * model.label_scale.scale)
    assert sum(one.weight for one in card.retrieved) + card.of_mean == pytest.approx(1.0)
    assert card.retrieved[0].name == "target 0"  # two mutations from the query


def test_a_model_that_retrieves_no_labels_goes_by_attention_and_a_plain_one_has_nothing():
    card = card_of(learned_model(SETTINGS["context alone"]))
    attention = [one.attention for one in card.retrieved]
    assert attention == sorted(attention, reverse=True)
    assert {one.weight for one in card.retrieved} == {card.of_mean} == {None}
    for smiles in (None, ASKED):
        plain = card_of(made_model(PLAIN), smiles)
        assert (plain.retrieved, plain.targets, plain.entropy) == ((), 5, None)


def test_a_memory_without_labels_rests_on_their_mean():
    model = learned_model()
    with torch.no_grad():
        model.memory_rows.zero_()
    card = card_of(without_targets(model, [0]), None)
    assert card.of_mean == 1.0
    assert card.retrieved == ()


# The rest of the card


def test_the_card_tells_interval_domain_nearest_compound_and_atoms():
    model = learned_model()
    compiled = model.compile_target(QUERY, exact=True)
    scores = compiled.score([ASKED], level=0.9)
    card = card_of(model, level=0.9, orders=2)
    assert card.interval == (float(scores.intervals.lower[0]), float(scores.intervals.upper[0]))
    assert (card.level, card.domain) == (0.9, scores.intervals.verdicts[0])
    assert card.nearest == compiled.nearest_landmarks([ASKED])[0]
    expected = atom_contributions(compiled, ASKED, orders=2)
    np.testing.assert_array_equal(card.atoms.atoms, expected.atoms)
    assert card_of(model).atoms is None
    model.calibration = None
    assert (card_of(model).interval, card_of(model).domain) == (None, None)


def test_a_probability_is_told_as_one():
    model = made_model(SMALL, ACTIVE)
    card = card_of(model)
    assert 0 < card.score < 1
    assert all(-1e-6 <= one.mean_label <= 1 + 1e-6 for one in card.retrieved)
    assert {found.label for one in card.retrieved for found in one.nearest} <= {0.0, 1.0}


@pytest.mark.parametrize("smiles", [None, ASKED])
def test_the_card_is_json(smiles: str | None):
    card = card_of(learned_model(), smiles, orders=1)
    told = json.loads(json.dumps(card.as_dict()))
    assert told["target"] == "query"
    assert [one["name"] for one in told["retrieved"]] == [one.name for one in card.retrieved]
    assert (told["atoms"] is None) == (smiles is None)
    assert told.keys() == {field.name for field in dataclasses.fields(card)}


def test_a_compound_is_standardised_first():
    assert card_of(learned_model(), "OCC.Cl").smiles == standardise("CCO").smiles


def test_what_cannot_be_asked_is_refused():
    model = learned_model()
    with pytest.raises(InvalidSmilesError):
        card_of(model, "not a molecule")
    with pytest.raises(InvalidSequenceError):
        evidence_card(model, "", ASKED)
    with pytest.raises(ConfigError, match="0 known targets"):
        card_of(model, top=-1)
    with pytest.raises(ConfigError, match="level"):
        card_of(model, level=0.123)
    assert card_of(model, top=0).retrieved == ()
