"""A training query retrieves what it would retrieve from a memory that never held what is hidden."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.training.encoded import build_model, encode, retrieve_pairs
from hyperpcm.training.hiding import Hidden, Hiding, families, relatives_bound
from hyperpcm.training.prior_fit import fit_prior
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
    model = build_model(config, interactions, data)
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
    assert Hiding.as_in_validation(interactions, split).kinds == (expected,)
    assert np.intersect1d(split.train, split.valid).size == 0


def test_of_a_model_that_is_asked_about_known_and_new_targets_queries_are_of_both_kinds(tmp_path: Path):
    config = tiny(write_table(tmp_path / "table.csv"), "split.name=mixed", "split.folds=3",
                  "split.options={compounds='cold_compound'}")  # fmt: skip
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    new = ~np.isin(interactions.target_index[split.valid], interactions.target_index[split.train])
    assert 0.1 < new.mean() < 0.9
    hiding = Hiding.as_in_validation(interactions, split)
    assert hiding.kinds[0] == Hidden(targets=False, compounds=True)
    assert hiding.kinds[1].targets
    assert (hiding.targets, hiding.unseen) == (True, "mixed")
    parts = dict(hiding.of(split.train))
    assert sorted(np.concatenate(list(parts.values()))) == split.train.tolist()
    share = len(parts[hiding.kinds[1]]) / len(split.train)
    assert abs(share - new.mean()) < 0.2
    again = Hiding.as_in_validation(interactions, split)
    np.testing.assert_array_equal(again.kind_of, hiding.kind_of)
    few = parts[hiding.kinds[0]][:2]
    assert [(kind, rows.tolist()) for kind, rows in hiding.of(few)] == [(hiding.kinds[0], few.tolist())]


def test_each_training_row_retrieves_what_its_kind_may_see(made):
    config, interactions, split = made
    kinds = (Hidden(targets=False, compounds=True), Hidden(targets=True))
    hiding = Hiding(kinds, np.arange(len(interactions)) % 2)
    data = encode(config, interactions, split)
    model = build_model(config, interactions, data)
    filled = fit_prior(model, data, split, config, hiding)
    for kind, rows in hiding.of(split.train):
        pairs = interactions.compound_index[rows], interactions.target_index[rows]
        alone = retrieve_pairs(model, data, *pairs, hidden=kind)
        torch.testing.assert_close(filled.retrieved[torch.from_numpy(rows.copy())], alone.features)


def in_pairs(targets: int, apart: float = 0.3, near: float = 0.9) -> np.ndarray:
    """Similarity of targets that come in pairs."""
    similarity = np.full((targets, targets), apart, dtype=np.float32)
    for first in range(0, targets, 2):
        similarity[first : first + 2, first : first + 2] = near
    np.fill_diagonal(similarity, 1.0)
    return similarity


def test_relatives_are_hidden_where_validation_has_none():
    similarity = in_pairs(24)
    known = np.arange(12)  # six pairs; the other six are new to validation
    hidden = similarity[:, known] > relatives_bound(similarity, known, np.arange(12, 24))
    expected = np.zeros((12, 12), dtype=bool)
    for first in range(0, 12, 2):
        expected[first : first + 2, first : first + 2] = True
    np.testing.assert_array_equal(hidden[:12], expected)
    assert not hidden[12:].any()
    found = families(~hidden[:12])
    assert found.tolist() == np.repeat(np.arange(6), 2).tolist()


def test_relatives_are_seen_where_a_new_target_finds_its_own():
    similarity = in_pairs(24)
    known = np.r_[0:12, 12:24:2]  # each new target's relative is known
    assert relatives_bound(similarity, known, np.arange(13, 24, 2)) == np.inf


@pytest.mark.parametrize("new", [0, 1, 2])
def test_too_few_new_targets_hide_nothing(new: int):
    similarity = in_pairs(12 + new)
    assert relatives_bound(similarity, np.arange(12), np.arange(12 - (not new), 12 + new)) == np.inf
