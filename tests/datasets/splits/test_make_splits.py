"""What every split promises: no group on two sides, no row lost, seeded, balanced, or refused."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.datasets.splits import SPLIT_NAMES, make_splits
from hyperpcm.errors import SplitError

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "C1CCNCC1", "c1ccsc1", "c1ccoc1", "C1CCOC1", "c1cc2ccccc2cc1"]
COMPOUNDS = tuple("C" * chain + ring for ring in RINGS for chain in range(1, 4))
GIVEN = {"temporal", "published_warm", "published_folds", "pseudo_temporal", "forward"}
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


def random_sequences(n: int) -> tuple[str, ...]:
    generator = np.random.default_rng(99)
    return tuple("".join(generator.choice(list(RESIDUES), 60)) for _ in range(n))


TARGETS = random_sequences(20)


def table_of(compound, target, **columns) -> Interactions:
    n = len(compound)
    return Interactions(
        name="made",
        quantity=Quantity("pKd", "-log10(M)", active_at=7.0),
        compounds=COMPOUNDS,
        targets=TARGETS,
        compound_names=tuple(f"CHEMBL{900 - place}" for place in range(len(COMPOUNDS))),
        target_names=TARGETS,
        compound_index=np.asarray(compound, dtype=np.int64),
        target_index=np.asarray(target, dtype=np.int64),
        values=np.linspace(5, 9, n, dtype=np.float32),
        relations=np.zeros(n, dtype=np.int8),
        **columns,
    )


def made_table(rows: int = 300, seed: int = 0) -> Interactions:
    """Skewed as real tables are: some targets have many rows, some few."""
    generator = np.random.default_rng(seed)
    pairs = generator.permutation(len(COMPOUNDS) * len(TARGETS))[:rows]
    compound, target = pairs // len(TARGETS), (pairs % len(TARGETS)) ** 2 // len(TARGETS)
    year = 2000 + generator.integers(0, 20, rows)
    published = generator.integers(-1, 5, rows)
    folds = {"published": published, "after_chembl20": (year >= 2015).astype(np.int64)}
    return table_of(compound, target, year=year, folds=folds)


def table_for(name: str, folds: int = 5) -> Interactions:
    """A table that can be divided in this way: published folds of targets, or of rows."""
    table = made_table()
    if name != "published_target":
        return table
    place = np.unique(table.target_index, return_inverse=True)[1]
    return dataclasses.replace(table, folds={"published": place % folds})


def groups_of(table: Interactions, name: str) -> list[np.ndarray]:
    """Labels that may not be on two sides, made without the code under test."""
    pairs = table.compound_index * 1000 + table.target_index
    return {
        "random": [pairs],
        "cold_compound": [table.compound_index],
        "cold_target": [table.target_index],
        "cold_both": [table.compound_index, table.target_index],
        "scaffold": [table.compound_index // 3],
        "compound_cluster": [table.compound_index],
        "homology_target": [table.target_index],
        "temporal": [table.year],
        "published_warm": [np.arange(len(table))],
        "published_target": [table.target_index],
        "published_folds": [np.arange(len(table))],
        "pseudo_temporal": [table.compound_index],
        "forward": [np.arange(len(table))],
        "mixed": [np.arange(len(table))],
    }[name]


@pytest.mark.parametrize("name", SPLIT_NAMES)
def test_no_group_is_on_two_sides_and_no_row_is_lost(name):
    table = table_for(name)
    for split in make_splits(table, name):
        sides = [split.train, split.valid, split.test]
        for group in groups_of(table, name):
            for i, one in enumerate(sides):
                for other in sides[i + 1 :]:
                    assert not set(group[one]) & set(group[other])
        assert len(np.unique(np.concatenate(sides))) + split.unused == len(table)
        assert all(side.dtype == np.int64 for side in sides)


@pytest.mark.parametrize("name", sorted(set(SPLIT_NAMES) - {"cold_both", "mixed"} - GIVEN))
def test_every_row_is_tested_exactly_once(name):
    table = table_for(name, folds=4)
    splits = make_splits(table, name, folds=4)
    assert [split.fold for split in splits] == [0, 1, 2, 3]
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(table)))
    assert all(split.unused == 0 for split in splits)


@pytest.mark.parametrize("name", sorted(set(SPLIT_NAMES) - GIVEN))
def test_the_seed_decides_and_folds_differ(name):
    table = table_for(name)
    splits, again, other = (make_splits(table, name, seed=seed) for seed in (0, 0, 1))
    sides = [
        [(s.train.tolist(), s.valid.tolist(), s.test.tolist()) for s in made]
        for made in (splits, again, other)
    ]
    assert sides[0] == sides[1]
    assert all(one != another for one, another in zip(sides[0], sides[2], strict=True))
    assert len({tuple(test) for _, _, test in sides[0]}) == len(splits)


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 23), st.integers(0, 19)), min_size=1, max_size=60),
    name=st.sampled_from(["random", "cold_compound", "cold_target", "cold_both"]),
    folds=st.integers(2, 5),
    seed=st.integers(0, 3),
    valid_share=st.sampled_from([0.01, 0.15, 0.5, 0.99]),
)
def test_any_table_is_divided_rightly_or_refused(pairs, name, folds, seed, valid_share):
    table = table_of(*zip(*pairs, strict=True))
    try:
        splits = make_splits(table, name, folds=folds, seed=seed, valid_share=valid_share)
    except SplitError:
        groups = min(len(set(group)) for group in groups_of(table, name))
        assert groups < max(folds, 3) or name == "cold_both" or folds == 2
        return
    tested = np.concatenate([split.test for split in splits])
    assert len(set(tested)) == len(tested)
    for split in splits:
        assert split.train.size + split.valid.size + split.test.size + split.unused == len(table)
        for group in groups_of(table, name):
            train, valid, test = (set(group[side]) for side in (split.train, split.valid, split.test))
            assert not train & test
            assert not train & valid
            assert not valid & test


@pytest.mark.parametrize("name", ["random", "cold_compound", "cold_target"])
def test_folds_differ_by_at_most_the_largest_group(name):
    table = made_table()
    largest = np.unique(groups_of(table, name)[0], return_counts=True)[1].max()
    sizes = [split.test.size for split in make_splits(table, name)]
    assert max(sizes) - min(sizes) <= largest


def test_validation_holds_about_its_share_of_the_rest():
    table = made_table()
    for split in make_splits(table, "random", valid_share=0.25):
        assert split.valid.size == int(0.25 * (len(table) - split.test.size))
    for split in make_splits(table, "cold_target", valid_share=0.25):
        assert 0.1 * len(table) < split.valid.size <= 0.25 * (len(table) - split.test.size)


def test_cold_both_counts_the_pairs_that_mix_sides():
    table = made_table()
    for split in make_splits(table, "cold_both", folds=3):
        train, test = split.train, split.test
        mixed = [
            row
            for row in range(len(table))
            if (table.compound_index[row] in table.compound_index[test])
            != (table.target_index[row] in table.target_index[test])
        ]
        assert split.unused >= len(mixed) > 0
        assert not np.isin(mixed, np.concatenate([train, split.valid, test])).any()


def test_repeated_measurements_of_a_pair_stay_together():
    table = table_of(np.repeat(np.arange(24), 5), np.zeros(120))
    for split in make_splits(table, "random"):
        assert not set(table.compound_index[split.test]) & set(table.compound_index[split.train])


def test_mixed_tests_new_targets_and_new_compounds_on_known_ones():
    table = table_for("random")
    options = {"targets": "cold_target", "compounds": "cold_compound", "valid_share": 0.2}
    splits = make_splits(table, "mixed", folds=3, **options)
    for split in splits:
        targets, compounds = ([set(index[getattr(split, side)]) for side in ("train", "valid", "test")]
                              for index in (table.target_index, table.compound_index))  # fmt: skip
        new, known = targets[2] - targets[0] - targets[1], targets[2] & targets[0]
        assert new
        assert known
        rows = np.isin(table.target_index, list(new)).nonzero()[0]
        assert set(rows) <= set(split.test), "all rows of a new target are tested"
        on_known = split.test[np.isin(table.target_index[split.test], list(known))]
        assert not set(table.compound_index[on_known]) & compounds[0], "training has none of these compounds"
        assert sorted([*split.train, *split.valid, *split.test]) == list(range(len(table)))
        assert split.unused == 0
    for one, other in itertools.combinations(splits, 2):
        assert set(one.test) != set(other.test)
    with pytest.raises(SplitError, match="targets is 'families'; give cold_target or homology_target"):
        make_splits(table, "mixed", targets="families")


def test_mixed_validation_asks_about_new_targets_and_compounds_where_nothing_is_tested_too():
    table = table_for("random")
    for split in make_splits(table, "mixed", folds=3, compounds="cold_compound", valid_share=0.2):
        whole = split.without_test(table)
        assert whole.test.size == 0
        assert set(split.valid) < set(whole.valid)
        for index in (table.target_index, table.compound_index):
            new = set(index[split.valid]) - set(index[split.train])
            assert new
            assert not new & set(index[whole.train])
        assert sorted([*whole.train, *whole.valid]) == list(range(len(table)))


def test_generic_scaffolds_forget_the_elements():
    table = made_table()
    size = np.array([6, 6, 6, 6, 5, 5, 5, 10])[table.compound_index // 3]
    for split in make_splits(table, "scaffold", folds=3, generic=True):
        sides = (split.train, split.valid, split.test)
        assert sorted(len(set(size[side])) for side in sides) == [1, 1, 1]


def test_a_family_of_homologous_targets_stays_on_one_side():
    family = TARGETS[0]
    variants = tuple(family[:at] + "CW"[family[at] == "C"] + family[at + 1 :] for at in range(3, 11))
    table = table_of(np.arange(240) % 24, np.arange(240) % 20)
    table = dataclasses.replace(table, targets=(*TARGETS[:12], *variants))
    is_family = (table.target_index == 0) | (table.target_index >= 12)
    for split in make_splits(table, "homology_target", folds=3):
        assert sum(is_family[side].any() for side in (split.train, split.valid, split.test)) == 1


def test_temporal_trains_on_the_past():
    table = made_table()
    (split,) = make_splits(table, "temporal", test_from=2015, valid_from=2012)
    assert set(table.year[split.test]) == set(range(2015, 2020))
    assert set(table.year[split.valid]) == {2012, 2013, 2014}
    assert table.year[split.train].max() == 2011
    assert (split.fold, split.folds) == (0, 1)


def test_temporal_shares_are_reached_with_whole_years():
    table = made_table()
    (split,) = make_splits(table, "temporal", test_share=0.2, valid_share=0.1)
    first = table.year[split.test].min()
    assert split.test.size >= 0.2 * len(table) > np.sum(table.year > first)
    before = np.sum(table.year < first)
    assert split.valid.size >= 0.1 * before > np.sum(table.year[split.valid] > table.year[split.valid].min())


def test_published_folds_are_taken_as_they_are():
    table = made_table()
    published = table.folds["published"]
    for fold, split in enumerate(make_splits(table, "published_warm")):
        assert split.test.tolist() == np.flatnonzero(published == -1).tolist()
        assert split.valid.tolist() == np.flatnonzero(published == fold).tolist()
        assert split.train.size == np.sum((published != -1) & (published != fold))


def test_published_folds_of_targets_are_the_test_sides_and_validation_is_drawn_from_the_rest():
    table = table_for("published_target", folds=3)
    published = table.folds["published"]
    for fold, split in enumerate(make_splits(table, "published_target", folds=3, valid_share=0.3)):
        assert split.test.tolist() == np.flatnonzero(published == fold).tolist()
        rest = np.sum(published != fold)
        assert 0 < split.valid.size <= 0.3 * rest
        assert split.train.size == rest - split.valid.size
    merged = merge_repeats(table.select(np.repeat(np.arange(len(table)), 2)))
    assert len(make_splits(merged, "published_target", folds=3)) == 3


def test_published_folds_that_are_not_of_targets_are_not_taken_for_them():
    with pytest.raises(SplitError, match="divide rows and not targets"):
        make_splits(made_table(), "published_target")
    with pytest.raises(SplitError, match=r"has 3 published ones\. Set folds to 3"):
        make_splits(table_for("published_target", folds=3), "published_target")
    with pytest.raises(SplitError, match="holds no published folds"):
        make_splits(table_of(range(20), range(20)), "published_target")
    two = table_of(range(20), np.arange(20) % 2, folds={"published": np.arange(20) % 2})
    with pytest.raises(SplitError, match="leaves 1 targets"):
        make_splits(two, "published_target", folds=2)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cold", {}, "there is no split 'cold'. Known: random"),
        ("random", {"folds": 1}, "at least 2"),
        ("random", {"folds": 2.0}, "whole number"),
        ("random", {"folds": True}, "whole number"),
        ("random", {"seed": -1}, "seed is -1"),
        ("random", {"valid_share": 0.0}, "valid_share is 0.0"),
        ("random", {"valid_share": "a lot"}, "valid_share is 'a lot'"),
        ("random", {"valid_share": float("nan")}, "valid_share is nan"),
        ("cold_both", {"valid_share": 1}, "valid_share is 1"),
        ("cold_target", {"generic": True}, "no option generic. Its options: valid_share"),
        ("published_warm", {"valid_share": 0.1}, "Its options: none"),
        ("published_warm", {"folds": 3}, "has 5 published"),
        ("cold_target", {"folds": 21}, "targets; 21 folds"),
        ("cold_compound", {"folds": 25}, "24 compounds; 25 folds"),
        ("compound_cluster", {"similarity": 1.5}, "similarity is 1.5"),
        ("homology_target", {"min_identity": 0}, "min_identity is 0"),
        ("homology_target", {"min_coverage": None}, "min_coverage is None"),
        ("temporal", {"test_from": 2050}, "the years run from 2000 to 2019"),
        ("temporal", {"test_from": 2010, "valid_from": 2012}, "in that order"),
        ("temporal", {"valid_from": 1990}, "leave 0 training"),
        ("temporal", {"test_from": "2010"}, "test_from is '2010'"),
        ("temporal", {"test_share": 2}, "test_share is 2"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_sentence(name, options, message):
    with pytest.raises(SplitError) as caught:
        make_splits(made_table(), name, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", SPLIT_NAMES)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tables_too_small_are_refused(name, rows):
    table = table_of(
        range(rows), range(rows), year=np.full(rows, 2000), folds={"published": np.full(rows, -1)}
    )
    with pytest.raises(SplitError):
        make_splits(table, name, folds=2)


def test_one_target_cannot_be_divided_by_target():
    table = table_of(range(24), np.zeros(24))
    for name in ("cold_target", "cold_both", "homology_target"):
        with pytest.raises(SplitError, match=r"hold 1 (targets|families)"):
            make_splits(table, name, folds=2)
    assert len(make_splits(table, "cold_compound")) == 5


def test_years_and_published_folds_are_not_made_up():
    table = table_of(range(20), range(20))
    with pytest.raises(SplitError, match="has no years"):
        make_splits(table, "temporal")
    with pytest.raises(SplitError, match="merge=False"):
        make_splits(table, "published_warm")


def test_compounds_and_targets_without_rows_do_not_matter():
    table = made_table()
    some = table.select(np.flatnonzero(table.target_index < 8))
    for split in make_splits(some, "cold_target", folds=4):
        assert split.test.size > 0
    with pytest.raises(SplitError, match="targets; 12 folds"):
        make_splits(some, "cold_target", folds=12)


def test_half_a_million_rows_are_divided_in_seconds():
    generator = np.random.default_rng(0)
    n = 460_000
    table = table_of(generator.integers(0, 24, n), generator.integers(0, 20, n))
    table = table.select(np.arange(n))
    for name in ("random", "cold_target", "cold_both"):
        assert sum(split.test.size for split in make_splits(table, name)) <= n
