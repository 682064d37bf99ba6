"""Support and query never share a scaffold, and neither depends on k, method or label."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from hyperpcm.datasets import Interactions
from hyperpcm.errors import ConfigError
from hyperpcm.evaluation.few_shot import FewShotProtocol, draw_targets, scaffold_groups
from hyperpcm.evaluation.few_shot.draws import draw_target
from small_tables import PKD

RINGS = ("c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccsc1", "c1ccoc1", "C1CCNCC1", "c1ccc2ccccc2c1", "C1CCOC1")
CHAINS = ("", "C", "CC", "CCC", "CCO")
WITH_RINGS = dict.fromkeys(Chem.CanonSmiles(chain + ring) for ring in RINGS for chain in CHAINS)
COMPOUNDS = (*WITH_RINGS, "CCO", "CCC", "CCN", "CCCC", "CCCl")
SMALL = FewShotProtocol(sizes=(0, 1, 2, 4), draws=4, min_query=5)


def table(measured: dict[int, list[int]], seed: int = 0) -> Interactions:
    """A table in which each target has the compounds named."""
    compound = [one for own in measured.values() for one in own]
    target = [name for name, own in measured.items() for _ in own]
    names = tuple(f"T{i}" for i in range(max(target) + 1))
    labels = np.random.default_rng(seed).normal(6, 1, size=len(target))
    ids = tuple(f"C{i}" for i in range(len(COMPOUNDS)))
    return Interactions(
        "made up", PKD, COMPOUNDS, names, ids, names,
        np.array(compound), np.array(target), labels.astype(np.float32), np.zeros(len(target)),
    )  # fmt: skip


EVERY = list(range(len(COMPOUNDS)))


def test_support_and_query_share_no_scaffold_and_cover_every_row_once():
    interactions = table({0: EVERY, 1: EVERY[3:], 2: EVERY[::2]})
    draws = draw_targets(interactions, np.arange(len(interactions)), SMALL)
    assert len(draws) == 12
    for draw in draws:
        sides = []
        for rows in (draw.support, draw.query):
            smiles = [COMPOUNDS[interactions.compound_index[row]] for row in rows]
            sides.append({MurckoScaffoldSmiles(one) or one for one in smiles})
        assert not sides[0] & sides[1]
        rows = np.concatenate([draw.support, draw.query])
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(interactions.target_index == draw.target))
        assert len(draw.query) >= SMALL.min_query


def test_draws_differ_from_each_other_and_are_the_same_again():
    interactions = table({0: EVERY})
    rows = np.arange(len(interactions))
    one, again = draw_targets(interactions, rows, SMALL), draw_targets(interactions, rows, SMALL)
    assert len({tuple(draw.query) for draw in one}) == len({tuple(draw.support) for draw in one}) == 4
    for draw, other in zip(one, again, strict=True):
        np.testing.assert_array_equal(draw.support, other.support)
        np.testing.assert_array_equal(draw.query, other.query)
    other_seed = draw_targets(interactions, rows, dataclasses.replace(SMALL, seed=1))
    assert any(a.query.tolist() != b.query.tolist() for a, b in zip(one, other_seed, strict=True))


def test_draws_do_not_depend_on_labels_on_other_targets_or_on_the_sizes_asked_for():
    alone, beside = table({0: EVERY}), table({0: EVERY, 1: EVERY}, seed=5)
    first = draw_targets(alone, np.arange(len(alone)), SMALL)
    second = draw_targets(
        beside, np.arange(len(beside)), dataclasses.replace(SMALL, sizes=(0, 1, 2, 4, 8, 16))
    )
    for draw, other in zip(first, second[:4], strict=True):
        np.testing.assert_array_equal(draw.support, other.support)
        np.testing.assert_array_equal(draw.query, other.query)


def test_a_target_with_too_few_compounds_has_no_draw():
    interactions = table({0: EVERY[:4], 1: EVERY})
    draws = draw_targets(interactions, np.arange(len(interactions)), SMALL)
    assert {draw.target for draw in draws} == {1}


def test_a_target_of_one_scaffold_has_no_draw():
    phenyl = [i for i, smiles in enumerate(COMPOUNDS) if MurckoScaffoldSmiles(smiles) == "c1ccccc1"]
    interactions = table({0: phenyl})
    assert len(phenyl) == 5
    assert draw_targets(interactions, np.arange(5), dataclasses.replace(SMALL, min_query=2)) == []


def test_a_scaffold_that_is_most_of_the_target_is_measured():
    groups = np.array([0] * 30 + list(range(1, 21)))
    protocol = FewShotProtocol(min_query=10)
    for key in range(20):
        support, query = draw_target(groups, protocol, [key])
        assert (groups[query] > 0).all()
        assert 10 <= len(query) <= 25
        assert len(support) + len(query) == 50


@pytest.mark.parametrize(("n", "scored"), [(40, 16), (68, 17), (400, 100)])
def test_of_distinct_scaffolds_a_quarter_is_scored_but_never_fewer_than_the_minimum(n, scored):
    support, query = draw_target(np.arange(n), FewShotProtocol(), [0])
    assert (len(support), len(query)) == (n - scored, scored)


def test_compounds_share_a_group_exactly_when_they_share_a_scaffold():
    groups = scaffold_groups(COMPOUNDS)
    for i, one in enumerate(COMPOUNDS):
        for j, other in enumerate(COMPOUNDS):
            a, b = MurckoScaffoldSmiles(one), MurckoScaffoldSmiles(other)
            assert (groups[i] == groups[j]) == (i == j if not a or not b else a == b)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": ()},
        {"sizes": (2, 1)},
        {"sizes": (-1, 2)},
        {"draws": 0},
        {"seed": -1},
        {"min_query": 1},
        {"query_share": 0.0},
        {"query_share": 0.6},
    ],
)
def test_a_protocol_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError, match="few-shot"):
        FewShotProtocol(**wrong)
