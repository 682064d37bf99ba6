"""Random boosted trees for a compiled target, shared by tests of the forms that it takes."""

from __future__ import annotations

import dataclasses

import numpy as np

from hyperpcm.nn.trees import BoostedTrees, Tree
from hyperpcm.target_model import CompiledTrees, TargetModel


def some_trees(width: int, seed: int = 0, number: int = 40) -> BoostedTrees:
    """Random trees over columns of this width; some of them are one leaf."""
    generator = np.random.default_rng(seed)
    grown = []
    for place in range(number):
        if place % 7 == 0:
            leaf = np.array([0.01 * place], np.float32)
            grown.append(Tree(np.array([-1], np.int32), leaf, *2 * [np.zeros(1, np.int32)]))
            continue
        column = np.array([*generator.integers(0, width, 3), -1, -1, -1, -1], dtype=np.int32)
        threshold = generator.normal(0, 0.5, 7).astype(np.float32)
        left, right = (
            np.array(ways, dtype=np.int32) for ways in ([1, 3, 5, 3, 4, 5, 6], [2, 4, 6, 3, 4, 5, 6])
        )
        grown.append(Tree(column, threshold, left, right))
    return BoostedTrees.of(grown)


def with_trees(target: TargetModel, seed: int = 0) -> TargetModel:
    """The target with random trees mixed into its prior."""
    assert target.prior is not None
    width = target.prior.retrieval.width + 2 + target.encoder.width
    trees = CompiledTrees(some_trees(width, seed), carry=0.4, share=0.7)
    return dataclasses.replace(target, prior=dataclasses.replace(target.prior, trees=trees))
