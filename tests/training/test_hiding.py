"""A training query retrieves what it would retrieve from a memory that never held what is hidden."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.training.encoded import build_model, encode, retrieve_pairs
from hyperpcm.training.hiding import Hidden
from hyperpcm.training.run import open_data, open_split
from small_runs import tiny, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv"))
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split


def features_of(config, interactions, split, row: int, hidden: Hidden | None) -> torch.Tensor:
    data = encode(config, interactions, split)
    model = build_model(config, interactions, split, data)
    model.label_scaler.mean.fill_(6.0)  # the same scale whichever labels the memory holds
    model.label_scaler.scale.fill_(1.0)
    pair = interactions.compound_index[[row]], interactions.target_index[[row]]
    return retrieve_pairs(model, data, *pair, hidden=hidden).features


@pytest.mark.parametrize(
    "hidden",
    [Hidden(False, False), Hidden(True, False), Hidden(False, True), Hidden(True, True)],
    ids=["own label", "own target", "own compound", "both"],
)
@pytest.mark.parametrize("place", [0, 7, 20])
def test_hiding_labels_is_as_if_the_memory_never_held_them(made, hidden: Hidden, place: int):
    config, interactions, split = made
    row = int(split.train[place])
    same_target = interactions.target_index == interactions.target_index[row]
    same_compound = interactions.compound_index == interactions.compound_index[row]
    gone = same_target & same_compound
    if hidden.targets:
        gone |= same_target
    if hidden.compounds:
        gone |= same_compound
    left = split.train[~gone[split.train]]
    without = dataclasses.replace(split, train=left, unused=split.unused + len(split.train) - len(left))
    expected = features_of(config, interactions, without, row, None)
    found = features_of(config, interactions, split, row, hidden)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)
    seen = features_of(config, interactions, split, row, None)
    assert not torch.allclose(seen, found, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cold_target", Hidden(True, False)),
        ("cold_compound", Hidden(False, True)),
        ("cold_both", Hidden(True, True)),
        ("random", Hidden(False, False)),
    ],
)
def test_what_validation_does_not_find_is_hidden(tmp_path: Path, name: str, expected: Hidden):
    table = write_table(tmp_path / "table.csv")
    config = tiny(table, f"split.name={name}")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    assert Hidden.as_in_validation(interactions, split) == expected
    assert np.intersect1d(split.train, split.valid).size == 0
