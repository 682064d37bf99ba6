"""The parts of a step add up to the step: its targets, its noise and its gradient."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hyperpcm.nn.losses import Loss
from hyperpcm.training.batches import StepRows
from hyperpcm.training.encoded import build_model, encode, retrieve_rows
from hyperpcm.training.hiding import Hidden
from hyperpcm.training.run import open_data, open_split
from hyperpcm.training.sharding import StepPart
from small_runs import NO_RETRIEVAL, tiny, write_table

NOISY = (
    "model.qsar.noise_head=6",
    "model.qsar.noise=0.1",
    "model.qsar.noise_dropout=0.2",
    "model.qsar.dropout=0.3",
)


@pytest.mark.parametrize("lines", [1, 2, 3, 5, 32])
@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_every_target_is_taken_once_and_the_weights_add_up_to_one(lines: int, processes: int):
    parts = [StepPart.of(lines, rank, processes) for rank in range(processes)]
    taken = [line for part in parts if part.weight for line in range(lines)[part.own]]
    assert taken == list(range(lines))
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    assert all(len(range(lines)[part.own]) > 0 for part in parts)
    step = StepRows(np.arange(lines), np.arange(lines * 2).reshape(lines, 2))
    for part in parts:
        assert part.rows(step).rows.tolist() == step.rows[part.own].tolist()


def draws(values: Tensor) -> list[Tensor]:
    torch.manual_seed(3)
    return [
        functional.dropout(values, 0.3),
        torch.randn(values.shape),
        nn.Dropout(0.5)(values[..., 0]),
        nn.AlphaDropout(0.2)(values),
        torch.randn(*values.shape, dtype=torch.float64),
        functional.dropout(values, 0.5, training=False),
    ]


def test_the_noise_of_a_part_is_cut_from_that_of_the_step():
    values = torch.randn(5, 4, 3)
    whole = draws(values)
    for rank in range(3):
        part = StepPart.of(5, rank, 3)
        with part.noise():
            own = draws(values[part.own])
        for one, other in zip(own, whole, strict=True):
            torch.testing.assert_close(one, other[part.own], rtol=0, atol=1e-6)


def test_noise_that_cannot_be_shared_out_is_refused():
    with StepPart.of(4, 0, 2).noise():
        with pytest.raises(NotImplementedError, match="rand_like"):
            torch.rand_like(torch.zeros(2, 3))
        with pytest.raises(NotImplementedError, match="first axis"):
            functional.dropout(torch.zeros(3, 2), 0.5)


@pytest.mark.parametrize("loss", ["mse", "censored"])
@pytest.mark.parametrize("processes", [2, 3, 7])
@pytest.mark.parametrize(
    "more",
    [(), (*NO_RETRIEVAL, *NOISY), (*NO_RETRIEVAL, *NOISY, "model.hypernetwork.activation=selu")],
    ids=["default", "noise head", "selu"],
)
def test_weighted_gradients_add_up_to_the_gradient_of_the_step(
    more: tuple[str, ...], processes: int, loss: str, tmp_path: Path
):
    config = tiny(write_table(tmp_path / "table.csv"), *more, "model.qsar.zero_start=false")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    data = encode(config, interactions, split)
    torch.manual_seed(0)
    model = build_model(config, interactions, data)
    data = retrieve_rows(model, data, split.train, hidden=Hidden())
    model = model.double().train()
    step = StepRows(np.array([0, 1, 2, 3, 4]), np.arange(20).reshape(5, 4))

    def gradients(part: StepPart) -> list[Tensor]:
        own, objective = copy.deepcopy(model), Loss(loss).double()
        rows = part.rows(step)
        at = torch.from_numpy(rows.targets)
        similarity = None if data.similarity is None else data.similarity[at].double()
        retrieved = None if data.retrieved is None else data.retrieved[rows.rows].double()
        torch.manual_seed(7)
        with part.noise():
            scores = own(
                data.targets[at].double(),
                data.compounds[data.compound_index[rows.rows]].double(),
                retrieved,
                similarity,
                data.allowed[at],
            )
        labels = data.labels[rows.rows].double().expand_as(scores).flatten(0, 1)
        (part.weight * objective(scores.flatten(0, 1), labels)).backward()
        parameters = [*own.parameters(), *objective.parameters()]
        return [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]

    whole = gradients(StepPart.of(5, 0, 1))
    parts = [gradients(StepPart.of(5, rank, processes)) for rank in range(processes)]
    assert sum(float(gradient.abs().sum()) for gradient in whole) > 0
    for gradient, *pieces in zip(whole, *parts, strict=True):
        torch.testing.assert_close(sum(pieces), gradient, rtol=1e-5, atol=1e-9)
