"""A compound encoder that is trained along with the hypernetwork, from the table to the compiled target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, load_target_model, read_archive, save_target_model
from hyperpcm.config import RunConfig
from hyperpcm.training import fit
from hyperpcm.training.encoded import encode
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.run import open_data, open_split
from small_runs import NO_RETRIEVAL, SMILES, tiny, weights_of, write_table

DMPNN = (
    "model.compound.learned=dmpnn",
    "model.compound.width=12",
    "model.compound.depth=2",
    "model.compound.dropout=0.1",
)


def settings(folder: Path, *more: str) -> RunConfig:
    table = folder / "table.csv"
    if not table.exists():
        write_table(table)
    return tiny(table, *DMPNN, *more)


@pytest.mark.parametrize(
    "more",
    [
        (*NO_RETRIEVAL, "model.compound.beside=false"),
        NO_RETRIEVAL,
        ("training.refit=true",),
        ("data.kind=binary",),
    ],
    ids=["alone", "beside", "with the prior, learned again", "classes"],
)
def test_the_compiled_target_scores_as_the_model_does(more: tuple[str, ...], tmp_path: Path):
    table = write_table(tmp_path / "table.csv", header="active" if "data.kind=binary" in more else "pKd")
    config = tiny(table, *DMPNN, *more)
    model = load_model(fit(config, tmp_path / "run").model_path)
    model.correction.fill_(1.0)  # whatever validation made of the networks
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    learned = split.seen if config.training.refit else None
    data = encode(config, interactions, split, learned=learned)
    target = int(interactions.target_index[split.test[0]])
    compounds = np.arange(len(interactions.compounds))
    expected = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    compiled = model.compile_target(interactions.targets[target], exact=True)
    assert compiled.learned_compounds is not None
    found = compiled.score(interactions.compounds).values
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert np.ptp(found) > 0
    save_target_model(compiled, tmp_path / "target.hpcm")
    loaded = load_target_model(tmp_path / "target.hpcm")
    assert loaded.score(interactions.compounds).values.tobytes() == found.tobytes()


def test_a_model_that_reads_graphs_alone_learns(tmp_path: Path):
    more = (*NO_RETRIEVAL, "model.compound.beside=false", "training.epochs=25", "training.learning_rate=0.01")
    run = fit(settings(tmp_path, *more), tmp_path / "run")
    losses = [line["train_loss"] for line in run.folder.history()[1:]]
    assert losses[-1] < 0.6 * losses[0]
    weights = read_archive(run.model_path).tensors
    assert any(name.startswith("learned_compounds.messages.") for name in weights)


def test_where_the_networks_say_nothing_the_target_carries_no_graph_network(tmp_path: Path):
    model = load_model(fit(settings(tmp_path), tmp_path / "run").model_path)
    model.correction.fill_(0.0)
    compiled = model.compile_target("MKTAYIAKQRQISFVKSHFSRQ")
    assert compiled.learned_compounds is None
    assert np.isfinite(compiled.score(SMILES).values).all()


def test_embeddings_alone_do_not_score_and_the_message_says_what_does(tmp_path: Path):
    model = load_model(fit(settings(tmp_path, *NO_RETRIEVAL), tmp_path / "run").model_path)
    compiled = model.compile_target("MKTAYIAKQRQISFVKSHFSRQ")
    embeddings = torch.from_numpy(compiled.encoder.encode(SMILES))
    with pytest.raises(ValueError, match=r"reads the graphs of compounds too; use score\(smiles\)"):
        compiled.score_embedded(embeddings)
    with pytest.raises(ValueError, match=r"model\.compound\.learned"):
        model(torch.zeros(1, model.target_encoder.width), embeddings[None])


def test_two_processes_train_what_one_does(tmp_path: Path):
    steady = (*NO_RETRIEVAL, "training.epochs=2", "training.targets_per_batch=5")
    one = fit(settings(tmp_path, *steady), tmp_path / "one")
    two = fit(settings(tmp_path, *steady, "training.processes=2"), tmp_path / "two")
    expected = read_archive(one.model_path).tensors
    for name, tensor in read_archive(two.model_path).tensors.items():
        if not name.endswith(
            "stored_norm.bias"
        ):  # a gradient of rounding alone, which Adam divides by itself
            torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4, msg=name)
    assert weights_of(one.model_path) != weights_of(
        fit(settings(tmp_path, *steady, "seed=1"), tmp_path / "other").model_path
    )
