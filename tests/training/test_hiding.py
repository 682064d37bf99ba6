"""A training query retrieves what it would retrieve from a memory that never held what is hidden."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.datasets.splits import Split
from hyperpcm.training.encoded import build_model, encode, retrieve_pairs
from hyperpcm.training.hiding import Hidden, Hiding, families, relatives_bound
from hyperpcm.training.prior_fit import fit_prior
from hyperpcm.training.run import open_data, open_split
from hyperpcm.training.series import series_are_new, series_of
from small_runs import EVERY_HIDDEN, tiny, write_table
from small_runs import families as mutants


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv"))
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split


def series_by_three(interactions) -> np.ndarray:
    """Compounds of the table three by three."""
    return np.arange(len(interactions.compounds), dtype=np.int64) // 3


def features_of(config, interactions, split, row: int, hidden: Hidden | None) -> torch.Tensor:
    data = dataclasses.replace(encode(config, interactions, split), series=series_by_three(interactions))
    model = build_model(config, interactions, data)
    model.label_scaler.mean.fill_(6.0)  # the same scale whichever labels the memory holds
    model.label_scaler.scale.fill_(1.0)
    pair = interactions.compound_index[[row]], interactions.target_index[[row]]
    return retrieve_pairs(model, data, *pair, hidden=hidden).features


@pytest.mark.parametrize("hidden", EVERY_HIDDEN, ids=str)
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
    if hidden.series:
        of_row = series_by_three(interactions)[interactions.compound_index]
        gone |= of_row == of_row[row]
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


def test_a_series_is_hidden_with_its_compounds_only_and_must_be_known(made):
    with pytest.raises(ValueError, match="compounds are, too"):
        Hidden(targets=True, series=True)
    config, interactions, split = made
    data = encode(config, interactions, split)
    assert data.series is None  # validation asks about new targets, and knows their compounds
    model = build_model(config, interactions, data)
    pair = interactions.compound_index[split.train[:1]], interactions.target_index[split.train[:1]]
    with pytest.raises(ValueError, match="no series are given"):
        retrieve_pairs(model, data, *pair, hidden=Hidden(False, True, series=True))


ALKYLS = tuple("C" * length for length in range(5, 13))
HEADS = (
    "c1ccccc1S(N)(=O)=O",
    "OC(=O)c1ccncc1",
    "NC(=O)c1ccc2[nH]ccc2c1",
    "N1CCCC1=O",
    "c1cc(Cl)ccc1O",
    "c1ccc(C#N)o1",
    "Sc1ncccn1",
    "OC1CCOCC1",
)


def write_series(path: Path) -> Path:
    """Eight series of eight compounds, all of them on three targets."""
    lines = ["smiles,target,sequence,pKd"]
    for number, sequence in enumerate(mutants(3)):
        for place, head in enumerate(HEADS):
            lines += [f"{alkyl}{head},t{number},{sequence},{5 + number + place / 3:.2f}" for alkyl in ALKYLS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [("compound_cluster", True), ("cold_compound", False)],
)
def test_series_are_hidden_where_validation_has_no_compound_of_a_known_one(tmp_path: Path, name, expected):
    table = write_series(tmp_path / "table.csv")
    config = tiny(table, f"split.name={name}", "split.options={valid_share=0.3}")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    series = series_of(interactions, split)
    assert len(np.unique(series[np.unique(interactions.compound_index[split.seen])])) <= 8
    hiding = Hiding.as_in_validation(interactions, split, series)
    assert hiding.kinds == (Hidden(False, True, series=expected),)
    assert hiding.unseen == "compound"


@pytest.mark.parametrize(("new", "expected"), [((4, 56, 57, 58), True), ((4, 12, 57, 58), False)])
def test_series_are_new_where_few_validation_rows_find_another_of_theirs(tmp_path: Path, new, expected: bool):
    interactions = open_data(tiny(write_series(tmp_path / "table.csv")).data)
    series = np.repeat(np.arange(8), 8)  # the table has them in this order
    compound = interactions.compound_index
    valid, tested = np.isin(compound, new), compound >= 59
    sides = [np.flatnonzero(side) for side in (~valid & (compound < 56), valid, tested)]
    assert series_are_new(interactions, series, *sides[:2]) == expected
    split = Split("given", 0, 1, 0, *sides, "made", len(compound) - sum(map(len, sides)))
    assert Hiding.as_in_validation(interactions, split, series).kinds == (Hidden(False, True, expected),)
    assert Hiding.as_in_validation(interactions, split).kinds == (Hidden(False, True),)


def test_series_need_not_be_known_where_targets_are_new_or_compounds_are_known(tmp_path: Path):
    table = write_series(tmp_path / "table.csv")
    for name in ("random", "cold_target", "cold_both"):
        config = tiny(table, f"split.name={name}")
        interactions = open_data(config.data)
        split = open_split(config, interactions)
        assert series_of(interactions, split) is None
        every = np.zeros(len(interactions.compounds), dtype=np.int64)
        (hidden,) = Hiding.as_in_validation(interactions, split, every).kinds
        assert not hidden.series


def test_compounds_of_the_test_side_belong_to_no_series_of_the_others(tmp_path: Path):
    table = write_series(tmp_path / "table.csv")
    config = tiny(table, "split.name=cold_compound")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    series = series_of(interactions, split)
    tested = np.unique(interactions.compound_index[split.test])
    sizes = np.bincount(series)
    assert (sizes[series[tested]] == 1).all()
    assert sizes.max() > 2
    assert (np.unique(series) == np.arange(series.max() + 1)).all()


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
