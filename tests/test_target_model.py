"""A compiled target: what it makes of lists as people write them, and scores that depend on nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

from hyperpcm.errors import IncompatibleModelError, InvalidSmilesError, Rejection
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.target_model import LabelScale, Scores, TargetModel
from small_models import ACTIVE, GRAPHS, PKD, PLAIN, PUBLISHED, QUERY, SMALL, SMILES, made_model, many_smiles

MIXED = ["CCO", "not a molecule", "", None, "c1ccccc1", "C1CC", 3.5, "[Na+].CC(=O)[O-]"]


@pytest.fixture(scope="module")
def target() -> TargetModel:
    return made_model().compile_target(QUERY, name="new one")


@pytest.fixture(
    scope="module",
    params=[
        (SMALL, PKD),
        (PUBLISHED, PKD),
        (PLAIN, PKD),
        (GRAPHS, PKD),
        (SMALL, ACTIVE),
        (PLAIN, ACTIVE),
    ],
    ids=["retrieval", "as published", "plain", "graphs", "classes with retrieval", "classes"],
)
def any_target(request) -> TargetModel:
    return made_model(*request.param).compile_target(QUERY)


# Rows that cannot be used


def test_a_bad_row_gets_nan_and_a_reason_and_costs_no_other_row(target: TargetModel):
    scores = target.score(MIXED)
    assert len(scores) == len(MIXED)
    assert np.isfinite(scores.values).tolist() == [True, False, False, False, True, False, False, True]
    assert [rejection.row for rejection in scores.rejections] == [1, 2, 3, 5, 6]
    for rejection in scores.rejections:
        assert isinstance(rejection, Rejection)
        assert rejection.code
        assert rejection.reason.endswith(".")
    assert [smiles is None for smiles in scores.smiles] == np.isnan(scores.values).tolist()
    good = [MIXED[row] for row in (0, 4, 7)]
    assert target.score(good).values.tobytes() == scores.values[[0, 4, 7]].tobytes()


def test_strict_raises_at_the_first_bad_row_and_names_it(target: TargetModel):
    with pytest.raises(InvalidSmilesError, match=r"row 1, 'not a molecule'") as caught:
        target.score(MIXED, strict=True)
    assert caught.value.code == target.score(MIXED).rejections[0].code
    assert not np.isnan(target.score(["CCO"], strict=True).values).any()


def test_one_string_is_not_a_list(target: TargetModel):
    with pytest.raises(TypeError, match=r"score\(\[smiles\]\)"):
        target.score("CCO")


def test_no_compounds_give_no_scores(target: TargetModel):
    scores = target.score([])
    assert (len(scores), scores.smiles, scores.rejections) == (0, (), ())
    assert scores.values.dtype == np.float32
    assert scores.order().tolist() == []


def test_only_bad_rows_give_only_nan(target: TargetModel):
    scores = target.score(["C1CC", ""])
    assert np.isnan(scores.values).all()
    assert scores.order().tolist() == []


# Scores


def test_one_molecule_written_in_different_ways_gets_one_score(target: TargetModel):
    written = ["CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O", "[Na+].[O-]C(=O)c1ccccc1OC(C)=O", "  CCO "]
    scores = target.score([*written, "OCC", "C(C)O"])
    assert len(set(scores.values[:3].tolist())) == 1
    assert len(set(scores.values[3:].tolist())) == 1
    assert scores.values[0] != scores.values[3]
    assert len(set(scores.smiles[:3])) == 1


def test_scores_do_not_depend_on_order_or_neighbours_bit_for_bit(any_target: TargetModel):
    smiles = many_smiles(350)
    smiles += [text + "C" for text in SMILES] + ["C" * n for n in range(1, 200)]  # more than one block
    values = any_target.score(smiles).values
    assert len(smiles) > 512
    assert len(set(values.tolist())) > 100
    order = np.random.default_rng(0).permutation(len(smiles))
    assert any_target.score([smiles[row] for row in order]).values.tobytes() == values[order].tobytes()
    for row in (0, 17, 300, len(smiles) - 1):
        assert any_target.score([smiles[row]]).values.tobytes() == values[row : row + 1].tobytes()
    few = any_target.score(["junk", smiles[5], smiles[5], smiles[3]]).values
    assert few[1:].tobytes() == values[[5, 5, 3]].tobytes()


def test_progress_tells_how_many_rows_are_done(target: TargetModel):
    told: list[int] = []
    target.score([*["CCO"] * 600, "bad"], progress=told.append)
    assert told == [512, 600]


def test_scores_are_what_the_stored_numbers_say():
    """The whole way in NumPy, from the tensors that a file would hold."""
    target = made_model(PUBLISHED).compile_target(QUERY)
    tensors, header = target.state()
    stored = {name: tensor.numpy().astype(np.float64) for name, tensor in tensors.items()}
    inputs = target.encoder.encode(SMILES).astype(np.float64)
    inputs = np.clip(
        (inputs - stored["scaler.mean"]) / stored["scaler.scale"], -header["clip"], header["clip"]
    )

    def layer(position: int, signal: np.ndarray) -> np.ndarray:
        return signal @ stored[f"network0.{position}.weight"].T + stored[f"network0.{position}.bias"]

    signal = np.concatenate([np.maximum(layer(0, inputs), 0), inputs], axis=1)
    for position in (1, 2):
        signal = np.maximum(layer(position, signal), 0)
    expected = layer(3, signal)[:, 0] * header["label_scale"]["scale"] + header["label_scale"]["centre"]
    assert (header["noise_head"], header["layers"]) == (True, 4)
    line = {"slope": 1.0, "intercept": 0.0}
    assert header["label_scale"] == {"centre": 7.0, "scale": 1.0, "binary": False, **line}
    np.testing.assert_allclose(target.score(SMILES).values, expected, rtol=1e-5)


def test_scores_are_the_mean_of_the_members(target: TargetModel):
    embeddings = torch.from_numpy(target.encoder.encode(SMILES))
    similarity = torch.from_numpy(target.prior.similarity(SMILES))
    parts = []
    for network in target.networks:
        alone = TargetModel(
            **{name: getattr(target, name) for name in TargetModel.__dataclass_fields__}
            | {"networks": (network,)}
        )
        parts.append(alone.score_embedded(embeddings, similarity))
    assert len(parts) == 2
    assert not torch.allclose(parts[0], parts[1])
    torch.testing.assert_close(torch.stack(parts).mean(0), torch.from_numpy(target.score(SMILES).values))


def test_embedded_compounds_score_as_their_smiles(any_target: TargetModel):
    embeddings = torch.from_numpy(any_target.encoder.encode(SMILES))
    similarity = None if any_target.prior is None else torch.from_numpy(any_target.prior.similarity(SMILES))
    learned = None
    if any_target.learned_compounds is not None:
        graphs = MolecularGraphs.of_smiles(SMILES)
        learned = any_target.learned_compounds.vectors(graphs)
    expected = any_target.score(SMILES).values
    assert any_target.score_embedded(embeddings, similarity, learned).numpy().tobytes() == expected.tobytes()
    none = (None if values is None else values[:0] for values in (similarity, learned))
    assert any_target.score_embedded(embeddings[:0], *none).shape == (0,)


@pytest.mark.parametrize("settings", [SMALL, PLAIN], ids=["retrieval", "plain"])
def test_classes_get_probabilities(settings: dict):
    scores = made_model(settings, ACTIVE).compile_target(QUERY).score(many_smiles(60))
    assert scores.quantity.kind == "binary"
    assert ((scores.values >= 0) & (scores.values <= 1)).all()
    assert len(set(scores.values.tolist())) > 10


def test_another_thread_count_changes_nothing_that_matters(any_target: TargetModel):
    threads, values = torch.get_num_threads(), any_target.score(SMILES).values
    try:
        torch.set_num_threads(threads + 1)
        np.testing.assert_allclose(any_target.score(SMILES).values, values, rtol=1e-5, atol=1e-5)
    finally:
        torch.set_num_threads(threads)


# Ranking


def ranked(values: list[float]) -> list[int]:
    return Scores(np.array(values, dtype=np.float32), PKD, (None,) * len(values), ()).order().tolist()


def test_the_best_come_first_ties_in_order_of_rows_and_nan_never():
    nan = float("nan")
    assert ranked([5.0, nan, 7.0, 5.0, 9.0, nan, 7.0]) == [4, 2, 6, 0, 3]
    assert ranked([nan, nan]) == []
    assert ranked([]) == []
    assert ranked([1.0] * 5) == [0, 1, 2, 3, 4]
    assert ranked([float("-inf"), 0.0, float("inf")]) == [2, 1, 0]


def test_the_order_is_that_of_sorting_in_plain_python(target: TargetModel):
    smiles = [*many_smiles(40), "bad", *many_smiles(10)]
    scores = target.score(smiles)
    values = scores.values.tolist()
    expected = sorted((row for row in range(len(values)) if row != 40), key=lambda row: (-values[row], row))
    assert scores.order().tolist() == expected


# Labels


def test_label_scale_goes_both_ways():
    scale, values = LabelScale(6.5, 1.25), torch.tensor([5.0, 6.5, 9.0])
    torch.testing.assert_close(scale.to_scaled(values), torch.tensor([-1.2, 0.0, 2.0]))
    torch.testing.assert_close(scale.to_labels(scale.to_scaled(values)), values)
    assert torch.equal(scale.prior(values), values)


def test_a_retrieved_class_frequency_becomes_its_logit():
    scale = LabelScale(0.3, 1.0, binary=True)
    retrieved = torch.tensor([-0.3, -0.1, 0.0, 0.4, 0.7])
    expected = logit(np.clip(retrieved.numpy() + 0.3, 0.01, 0.99))
    np.testing.assert_allclose(scale.prior(retrieved).numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(scale.to_labels(retrieved).numpy(), expit(retrieved.numpy()), rtol=1e-6)


# State


def test_state_and_back_is_the_same_model_bit_for_bit(any_target: TargetModel):
    tensors, header = any_target.state()
    header = json.loads(json.dumps(header))  # only JSON values
    rebuilt = TargetModel.from_state(tensors, header)
    assert rebuilt.score(SMILES).values.tobytes() == any_target.score(SMILES).values.tobytes()
    again, again_header = rebuilt.state()
    assert again_header == header
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
    assert (rebuilt.name, rebuilt.sequence, rebuilt.quantity) == (
        any_target.name,
        any_target.sequence,
        any_target.quantity,
    )


def test_an_encoder_that_is_not_here_is_refused(target: TargetModel):
    tensors, header = target.state()
    with pytest.raises(IncompatibleModelError, match="encoder"):
        TargetModel.from_state(tensors, header | {"encoder": {"name": "from the future"}})


def test_it_knows_what_it_is(target: TargetModel):
    assert (target.name, target.sequence) == ("new one", QUERY)
    assert target.quantity == PKD
    assert target.score(["CCO"]).quantity == PKD
