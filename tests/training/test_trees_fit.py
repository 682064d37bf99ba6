"""The boosted trees of the prior: grown on what is hidden from no one, kept as far as validation has it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, load_target_model, save_model, save_target_model
from hyperpcm.config import TreesConfig
from hyperpcm.errors import IncompatibleModelError
from hyperpcm.model.compiling import collapse_trees
from hyperpcm.training.encoded import EncodedData, build_model, encode, retrieve_pairs, retrieve_rows
from hyperpcm.training.hiding import Hidden, Hiding
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import fit_prior, prior_alone
from hyperpcm.training.ridge_fit import fit_ridge
from hyperpcm.training.run import open_data, open_split
from hyperpcm.training.trees_fit import fit_trees
from small_runs import tiny, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    table = write_table(tmp_path_factory.mktemp("table") / "table.csv", targets=30)
    config = tiny(table, "model.trees.enabled=true")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split, encode(config, interactions, split)


def with_labels(data: EncodedData, labels: np.ndarray) -> EncodedData:
    return dataclasses.replace(data, labels=torch.from_numpy(labels.astype(np.float32)))


@pytest.fixture(scope="module")
def grown(made):
    """A model whose mean was worthless while its trees were grown, so that they got a share."""
    config, interactions, split, data = made
    model = build_model(config, interactions, data).eval()
    fit_ridge(model, data, split.valid, config.model.retrieval, seed=0)
    filled = retrieve_rows(model, data, split.valid)
    filled = retrieve_rows(model, filled, split.train, hidden=Hidden())
    filled.retrieved[:, model.retrieval.levels - 1] = 0
    fit_trees(model, filled, split.valid, config, Hiding.from_all(Hidden(), len(filled.labels)))
    return model, data


def test_trees_get_a_share_where_the_mean_is_worthless(grown):
    model, _ = grown
    assert float(model.trees_share) > 0.2
    assert model.trees.size[0] > 0


def test_they_are_mixed_into_what_is_retrieved_unless_something_is_hidden(grown, made):
    (model, data), (_, _, split, _) = grown, made
    rows = split.valid[:7]
    pairs = (data.compound_index[rows], data.target_index[rows])
    found = retrieve_pairs(model, data, *pairs)
    mean = model.prior_mean(found.features, found.ridge)
    targets, similarity = (part[data.target_index[rows]] for part in (data.targets, data.similarity))
    embedded = data.compounds[data.compound_index[rows]]
    columns = [found.features, found.ridge[:, None], mean[:, None], embedded]
    said = 0.5 * mean + model.trees(torch.cat([*columns, model.described(targets, similarity)], dim=1))
    expected = mean + model.trees_share * (said - mean)
    torch.testing.assert_close(found.prior, expected)
    assert float((expected - mean).abs().max()) > 0.01
    hidden = retrieve_pairs(model, data, *pairs, hidden=Hidden())
    torch.testing.assert_close(hidden.prior, model.prior_mean(hidden.features))


def test_a_compiled_target_scores_as_the_model_and_survives_its_file(grown, made, tmp_path):
    (model, data), (_, interactions, split, _) = grown, made
    target = int(interactions.target_index[split.test[0]])
    compounds = np.arange(len(interactions.compounds))
    scores = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    compiled = model.compile_target(interactions.targets[target], exact=True)
    assert compiled.prior.trees is not None
    own = model.retrieval.width + 2 + model.compound_encoder.width
    assert int(compiled.prior.trees.trees.column.max()) < own
    np.testing.assert_allclose(compiled.score(interactions.compounds).values, scores, rtol=1e-4, atol=1e-4)
    save_target_model(compiled, tmp_path / "one.hpcm")
    again = load_target_model(tmp_path / "one.hpcm")
    assert np.array_equal(
        again.score(interactions.compounds).values, compiled.score(interactions.compounds).values
    )
    save_model(model, tmp_path / "model.safetensors")
    read = load_model(tmp_path / "model.safetensors")
    assert read.trees.size == model.trees.size
    assert np.array_equal(predict_pairs(read, data, compounds, np.full(len(compounds), target)), scores)


def test_a_target_whose_networks_have_no_share_keeps_none_of_their_weights(grown, made):
    (model, data), (_, interactions, _, _) = grown, made
    compounds = np.arange(len(interactions.compounds))
    whole = model.compile_target(interactions.targets[0])
    model.correction.fill_(0.0)
    try:
        scores = predict_pairs(model, data, compounds, np.zeros(len(compounds), dtype=np.int64))
        compiled = model.compile_target(interactions.targets[0])
    finally:
        model.correction.fill_(1.0)
    np.testing.assert_allclose(compiled.score(interactions.compounds).values, scores, rtol=1e-4, atol=1e-4)
    held = [
        sum(layer.dense().numel() for net in one.networks for layer in net.layers)
        for one in (whole, compiled)
    ]
    assert held[1] == model.compound_encoder.width + model.retrieval.width < held[0]


def test_a_file_whose_trees_lead_nowhere_is_refused(grown, made, tmp_path):
    (model, _), (_, interactions, _, _) = grown, made
    compiled = model.compile_target(interactions.targets[0])
    compiled.prior.trees.trees.roots[0] = compiled.prior.trees.trees.size[1]
    save_target_model(compiled, tmp_path / "one.hpcm")
    with pytest.raises(IncompatibleModelError, match="the boosted trees"):
        load_target_model(tmp_path / "one.hpcm")
    kept = model.trees.column.clone()
    model.trees.column[kept >= 0] = 10**6
    try:
        save_model(model, tmp_path / "model.safetensors")
    finally:
        model.trees.column.copy_(kept)
    with pytest.raises(IncompatibleModelError, match="the boosted trees"):
        load_model(tmp_path / "model.safetensors")


def test_the_same_seed_grows_the_same_trees(made):
    config, interactions, split, data = made
    models = [build_model(config, interactions, data) for _ in range(2)]
    filled = [
        fit_prior(model, data, split, config, Hiding.from_all(Hidden(), len(data.labels))) for model in models
    ]
    fitted = [name for name in models[0].state_dict() if not name.startswith("members.")]
    for name in fitted:
        assert torch.equal(*(model.state_dict()[name] for model in models)), name
    assert torch.equal(filled[0].prior, filled[1].prior)


def test_labels_without_a_pattern_leave_no_trees(made):
    config, interactions, split, data = made
    noise = np.random.default_rng(1).normal(6, 1, len(data.labels))
    model = build_model(config, interactions, data)
    fit_ridge(model, data, split.valid, config.model.retrieval, seed=0)
    filled = retrieve_rows(model, with_labels(data, noise), split.valid)
    filled = retrieve_rows(model, filled, split.train, hidden=Hidden())
    scaled = model.label_scale.to_scaled(filled.labels)
    at = torch.from_numpy(split.valid.copy())
    filled.retrieved[at, model.retrieval.levels - 1] = scaled[at]  # the mean is right: nothing may be added
    filled.ridge[at] = scaled[at]
    fit_trees(model, filled, split.valid, config, Hiding.from_all(Hidden(), len(filled.labels)))
    assert model.trees.size == (0, 0)
    assert collapse_trees(model, data.targets[:1], data.similarity[:1]) is None


def test_trees_can_be_left_out(made):
    config, interactions, split, _ = made
    without = config.model.model_copy(update={"trees": TreesConfig(enabled=False)})
    model = prior_alone(config.model_copy(update={"model": without}), interactions, split)
    assert model.trees.size == (0, 0)
    assert float(model.trees_share) == 0
