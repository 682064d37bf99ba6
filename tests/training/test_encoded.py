"""What a run looks up: each thing once, from the training side, the same as a compiled target sees."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.config import RetrievalConfig, RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.errors import ConfigError
from hyperpcm.protein import alignment_similarity
from hyperpcm.training.encoded import EncodedData, build_model, encode, retrieve_pairs, retrieve_rows
from hyperpcm.training.hiding import Hidden, Hiding
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import prior_alone
from hyperpcm.training.retrieval_fit import fit_retrieval
from hyperpcm.training.run import open_data, open_split
from small_runs import TINY, fingerprint, tiny, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Interactions, Split, EncodedData]:
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv"))
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split, encode(config, interactions, split)


def test_the_memory_holds_each_training_target_once_and_no_other(made):
    config, interactions, split, data = made
    expected = {interactions.targets[index] for index in interactions.target_index[split.train]}
    model = build_model(config, interactions, data)
    assert len(model.memory_sequences) == len(set(model.memory_sequences))
    assert set(model.memory_sequences) == expected
    held_out = {interactions.targets[index] for index in interactions.target_index[split.test]}
    assert not held_out & expected
    names = dict(zip(interactions.targets, interactions.target_names, strict=True))
    assert model.memory_names == tuple(names[sequence] for sequence in model.memory_sequences)


def test_the_label_memory_holds_each_training_label_in_its_place(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    held = {
        (model.memory_sequences[row], model.landmark_compounds[column]): value
        for row, column, value in zip(
            model.memory_rows.tolist(),
            model.memory_columns.tolist(),
            model.memory_values.tolist(),
            strict=True,
        )
    }
    expected = {
        (
            interactions.targets[interactions.target_index[row]],
            interactions.compounds[interactions.compound_index[row]],
        ): float(interactions.values[row])
        for row in split.train
    }
    assert held == expected


def test_similarity_and_mask_belong_to_the_memory_rows(made):
    _, interactions, _, data = made
    memory = [interactions.targets[index] for index in data.memory_targets]
    expected = alignment_similarity(interactions.targets, memory)
    np.testing.assert_allclose(data.similarity.numpy(), expected, atol=1e-6)
    for target, allowed in enumerate(data.allowed.numpy()):
        own = [sequence == interactions.targets[target] for sequence in memory]
        assert (~allowed).tolist() == own


def test_no_label_of_validation_or_test_enters_the_model(made):
    config, interactions, split, _ = made
    values = interactions.values.copy()
    values[np.concatenate([split.valid, split.test])] += 50.0
    others = dataclasses.replace(interactions, values=values)

    def state(table: Interactions) -> str:
        torch.manual_seed(0)
        encoded = encode(config, table, split)
        model = build_model(config, table, encoded)
        fit_retrieval(
            model,
            encoded,
            split.train,
            config.model.retrieval,
            seed=0,
            hiding=Hiding.from_all(Hidden(), len(encoded.labels)),
        )
        return fingerprint(dict(model.state_dict()))

    assert state(others) == state(interactions)
    values[split.train[0]] += 1.0
    assert state(dataclasses.replace(interactions, values=values)) != state(interactions)


def test_a_kept_store_changes_nothing(made, tmp_path: Path):
    config, interactions, split, data = made
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        first = encode(config, interactions, split, store)
        second = encode(config, interactions, split, store)
    for name in ("compounds", "targets", "similarity"):
        assert torch.equal(getattr(first, name), getattr(data, name))
        assert torch.equal(getattr(second, name), getattr(data, name))


def test_progress_tells_every_stage(made):
    config, interactions, split, _ = made
    told: dict[str, tuple[int, int]] = {}
    encode(
        config, interactions, split, progress=lambda stage, done, total: told.update({stage: (done, total)})
    )
    assert set(told) == {"compound embeddings", "target embeddings", "alignment to the memory"}
    assert all(done == total > 0 for done, total in told.values())


def test_nothing_is_aligned_where_nothing_uses_it(made):
    _, interactions, split, _ = made
    config = tiny(
        Path("unused.csv"),
        *TINY,
        "model.retrieval.enabled=false",
        "model.context.guided=false",
        "model.alignment_components=0",
    )
    data = encode(config, interactions, split)
    assert data.similarity is None
    model = build_model(config, interactions, data)
    assert retrieve_pairs(model, data, np.array([0]), np.array([0])) is None
    assert retrieve_rows(model, data, split.train) is data


@pytest.mark.parametrize("side", ["train", "test"])
def test_what_is_retrieved_for_a_pair_is_what_a_compiled_target_retrieves(made, side):
    config, interactions, split, data = made
    model = build_model(config, interactions, data).eval()
    unseen = int(interactions.target_index[getattr(split, side)[0]])
    compounds = np.arange(len(interactions.compounds))
    targets = np.full(len(compounds), unseen)
    features = retrieve_pairs(model, data, compounds, targets).features
    assert features.shape == (len(compounds), model.retrieval.width)
    compiled = model.compile_target(interactions.targets[unseen], exact=True)
    similarity = torch.from_numpy(compiled.prior.similarity(interactions.compounds))
    expected = compiled.prior.retrieval(compiled.prior.collapsed, similarity[None])[0]
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    scores = predict_pairs(model, data, compounds, targets)
    np.testing.assert_allclose(compiled.score(interactions.compounds).values, scores, rtol=1e-4, atol=1e-4)


def test_in_training_a_target_does_not_retrieve_its_own_labels(made):
    config, interactions, split, data = made
    target = int(data.memory_targets[3])
    own = split.train[interactions.target_index[split.train] == target]
    values = interactions.values.copy()
    values[own] += 1.0
    others = dataclasses.replace(interactions, values=values)
    features = []
    for table in (interactions, others):
        encoded = encode(config, table, split)
        model = build_model(config, table, encoded)
        model.label_scaler.mean.fill_(6.0)  # the same scale for both
        model.label_scaler.scale.fill_(1.0)
        filled = retrieve_rows(model, encoded, split.train, hidden=Hidden())
        features.append(filled.retrieved[torch.from_numpy(own)])
    assert torch.equal(*features)
    assert bool(features[0].any())


def test_only_the_rows_asked_for_are_filled_in(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    filled = retrieve_rows(model, data, split.valid).retrieved
    assert filled.shape == (len(interactions), model.retrieval.width)
    empty = np.flatnonzero(~filled.numpy().any(axis=1))
    assert set(empty.tolist()) == set(range(len(interactions))) - set(split.valid.tolist())


def test_scores_of_pairs_do_not_depend_on_the_other_pairs(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    compounds, targets = interactions.compound_index[split.test], interactions.target_index[split.test]
    together = predict_pairs(model, data, compounds, targets)
    order = np.random.default_rng(0).permutation(len(compounds))
    np.testing.assert_allclose(
        predict_pairs(model, data, compounds[order], targets[order]), together[order], rtol=1e-5
    )
    one = targets == targets[0]
    np.testing.assert_allclose(
        predict_pairs(model, data, compounds[one], targets[one]), together[one], rtol=1e-5
    )


def retrieval_error(model, data: EncodedData, split: Split) -> float:
    rows = torch.from_numpy(split.train.copy())
    features = retrieve_rows(model, data, split.train, hidden=Hidden()).retrieved[rows]
    errors = model.retrieval.scores(features) - model.label_scale.to_scaled(data.labels[rows])
    return float(errors.square().mean())


def test_fitting_the_retrieval_lowers_its_leave_one_target_out_error(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    before = retrieval_error(model, data, split)
    settings = config.model.retrieval.model_copy(update={"steps": 60})
    told: list[int] = []
    fit_retrieval(
        model,
        data,
        split.train,
        settings,
        seed=0,
        hiding=Hiding.from_all(Hidden(), len(data.labels)),
        progress=lambda stage, done, total: told.append(done),
    )
    assert retrieval_error(model, data, split) < before
    assert told == list(range(1, 61))
    assert not any(parameter.requires_grad for parameter in model.retrieval.parameters())
    assert float(model.retrieval.target_exponent.min()) >= 0


def test_fitting_the_retrieval_follows_its_seed(made):
    config, interactions, split, data = made

    def fitted(seed: int) -> str:
        model = build_model(config, interactions, data)
        fit_retrieval(
            model,
            data,
            split.train,
            config.model.retrieval,
            seed=seed,
            hiding=Hiding.from_all(Hidden(), len(data.labels)),
        )
        return fingerprint(dict(model.retrieval.state_dict()))

    assert fitted(1) == fitted(1)
    assert fitted(1) != fitted(2)


def test_the_prior_alone_scores_with_what_is_fitted_and_no_network(made):
    config, interactions, split, data = made
    model = prior_alone(config, interactions, split)
    compounds, targets = interactions.compound_index[split.test], interactions.target_index[split.test]
    found = retrieve_pairs(model, data, compounds, targets)
    expected = model.label_scale.to_labels(found.prior).numpy()
    np.testing.assert_allclose(predict_pairs(model, data, compounds, targets), expected, atol=1e-5)
    without = config.model_copy(
        update={"model": config.model.model_copy(update={"retrieval": RetrievalConfig(enabled=False)})}
    )
    with pytest.raises(ConfigError, match="the prior alone"):
        prior_alone(without, interactions, split)
