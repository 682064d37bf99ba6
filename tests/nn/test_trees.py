"""Boosted trees as tensors beside LightGBM's own scores, and folded beside the whole."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpcm.nn.trees import BoostedTrees, Tree


def walked(tree: Tree, row: np.ndarray) -> float:
    node = 0
    while tree.column[node] >= 0:
        goes_left = row[tree.column[node]] <= tree.threshold[node]
        node = int(tree.left[node] if goes_left else tree.right[node])
    return float(tree.threshold[node])


def made_tree(generator: np.random.Generator, columns: int, splits: int) -> Tree:
    """A tree grown by splitting a random leaf again and again."""
    column, threshold = [-1], [float(generator.normal())]
    left, right = [0], [0]
    for _ in range(splits):
        leaf = int(generator.choice([node for node, where in enumerate(column) if where < 0]))
        for side in (left, right):
            side[leaf] = len(column)
            column.append(-1)
            threshold.append(float(generator.normal()))
            left.append(len(column) - 1)
            right.append(len(column) - 1)
        column[leaf], threshold[leaf] = int(generator.integers(columns)), float(generator.normal())
    arrays = (np.array(each, dtype=np.int32) for each in (column, left, right))
    own, low, high = arrays
    return Tree(own, np.array(threshold, dtype=np.float32), low, high)


@given(seed=st.integers(0, 10_000), trees=st.integers(0, 6), splits=st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_the_sum_is_that_of_trees_walked_down_one_by_one(seed: int, trees: int, splits: int):
    generator = np.random.default_rng(seed)
    grown = [made_tree(generator, 4, int(generator.integers(splits + 1))) for _ in range(trees)]
    rows = generator.normal(size=(9, 4)).astype(np.float32)
    whole = BoostedTrees.of(grown)
    expected = [sum(walked(tree, row) for tree in grown) for row in rows]
    np.testing.assert_allclose(whole(torch.from_numpy(rows)).numpy(), expected, atol=1e-5)
    assert whole.is_sound(4)


@given(seed=st.integers(0, 10_000), known=st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_folded_trees_say_the_same_and_never_look_at_what_is_known(seed: int, known: list[bool]):
    generator = np.random.default_rng(seed)
    whole = BoostedTrees.of([made_tree(generator, 4, 10) for _ in range(5)])
    rows = torch.from_numpy(generator.normal(size=(9, 4)).astype(np.float32))
    values, constant = rows[0].clone(), torch.tensor(known)
    rows[:, constant] = values[constant]
    folded = whole.folded(constant, values)
    torch.testing.assert_close(folded(rows), whole(rows))
    assert folded.is_sound(4)
    assert not constant[folded.column[folded.column >= 0].long()].any()
    assert folded.size[1] <= whole.size[1]
    rows[:, constant] = float("nan")
    torch.testing.assert_close(folded(rows), folded(torch.nan_to_num(rows)))


def test_rows_beyond_one_block_are_scored_as_alone():
    generator = np.random.default_rng(3)
    trees = BoostedTrees.of([made_tree(generator, 4, 8) for _ in range(3)])
    rows = torch.from_numpy(generator.normal(size=(700, 4)).astype(np.float32))
    torch.testing.assert_close(trees(rows), torch.cat([trees(row[None]) for row in rows]))


def test_no_trees_say_nothing():
    assert BoostedTrees()(torch.ones(3, 2)).tolist() == [0, 0, 0]
    assert BoostedTrees().size == (0, 0)
    assert BoostedTrees().is_sound(0)


def test_what_lightgbm_grew_scores_as_lightgbm_does():
    from hyperpcm.training.trees_fit import trees_of

    generator = np.random.default_rng(0)
    rows = generator.normal(size=(400, 6)).astype(np.float32)
    rows[:, 2] = np.round(rows[:, 2])  # thresholds between equal numbers
    labels = rows[:, 0] * (rows[:, 1] > 0) + rows[:, 2]
    booster = lightgbm.train(
        {"verbosity": -1, "min_data_in_leaf": 3, "num_threads": 1},
        lightgbm.Dataset(rows.astype(np.float64), labels),
        30,
    )
    places = np.array([7, 3, 0, 5, 6, 1])
    spread = np.full((400, 8), np.nan, dtype=np.float32)
    spread[:, places] = rows
    trees = BoostedTrees.of(trees_of(booster, places, 0.5))
    np.testing.assert_allclose(
        trees(torch.from_numpy(spread)).numpy(), 0.5 * booster.predict(rows), atol=1e-4, rtol=1e-4
    )


def damaged(change: str) -> BoostedTrees:
    trees = BoostedTrees.of([made_tree(np.random.default_rng(1), 4, 6) for _ in range(2)])
    inner = int(torch.nonzero(trees.column >= 0)[0])
    if change == "column":
        trees.column[inner] = 4
    elif change == "circle":
        trees.left[int(trees.left[inner])] = inner
    elif change == "back":
        trees.right[inner] = inner
    elif change == "beyond":
        trees.right[inner] = trees.size[1]
    elif change == "root":
        trees.roots[0] = -1
    else:
        trees.depths[0] -= 1
    return trees


@pytest.mark.parametrize("change", ["column", "circle", "back", "beyond", "root", "depth"])
def test_trees_of_a_damaged_file_are_not_sound(change: str):
    assert not damaged(change).is_sound(4)


def test_ways_that_meet_are_not_sound_and_not_followed_again_and_again():
    nodes = 60  # followed one by one, 2 to the power of 60 ways
    trees = BoostedTrees(1, nodes)
    at = torch.arange(nodes, dtype=torch.int32)
    for name in ("left", "right"):
        getattr(trees, name).copy_((at + 1).clamp_max(nodes - 1))
    trees.column[-1] = -1
    trees.depths.fill_(nodes - 1)
    assert not trees.is_sound(4)
