"""The null that only a model with targets has: its scores when every target is given as another one."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import SplitError
from hyperpcm.evaluation.measure import result_row
from hyperpcm.evaluation.results import ResultRow

__all__ = ["Score", "run_shuffled", "shuffled_targets"]

Index = npt.NDArray[np.int64]
Score = Callable[[Index, Index], npt.ArrayLike]
"""Scores of pairs: positions of compounds [n] and of targets [n] on the axes of the table → scores [n]."""


def shuffled_targets(target_index: Index, seed: int) -> Index:
    """Another target in the place of each, the same one wherever a target occurs: int64 [n].

    The targets that occur are permuted in one random cycle, so none stays in its place and each stands in for
    exactly one. Equal seeds give equal permutations.

    Args:
        target_index: positions of targets [n], repeats allowed.
        seed: of the permutation, 0 or more.

    Raises:
        SplitError: fewer than two different targets.

    Source:
        Sattolo, Inform. Process. Lett. 22 (1986) 315.
    """
    targets, place = np.unique(target_index, return_inverse=True)
    if len(targets) < 2:
        raise SplitError(f"shuffling needs at least two different targets; there are {len(targets)}.")
    generator = np.random.default_rng(seed)
    shuffled = targets.copy()
    for last in range(len(targets) - 1, 0, -1):
        other = int(generator.integers(last))
        shuffled[[last, other]] = shuffled[[other, last]]
    return np.asarray(shuffled[place.reshape(-1)], dtype=np.int64)


def run_shuffled(
    interactions: Interactions,
    split: Split,
    score: Score,
    *,
    seed: int = 0,
    model: str = "hyperpcm_shuffled",
) -> ResultRow:
    """Evaluate a trained model on the test side with its targets shuffled among themselves.

    The MCC threshold is chosen on the validation side as it is, with true targets. What the model still gets
    right, it does not get from the target.

    Args:
        interactions: the table that was divided.
        split: the fold the model was trained on.
        score: the trained model.
        seed: of the permutation.
        model: what the row is called.

    Returns:
        The row; ``seconds`` is the time of scoring alone.

    Raises:
        SplitError: the test side has fewer than two targets.
        LabelError: the model did not give one finite score for each pair.
    """
    compound, target = interactions.compound_index, interactions.target_index
    others = shuffled_targets(target[split.test], seed)
    start = time.perf_counter()
    valid_scores = score(compound[split.valid], target[split.valid])
    test_scores = score(compound[split.test], others)
    seconds = time.perf_counter() - start
    return result_row(interactions, split, model, valid_scores, test_scores, seed=seed, seconds=seconds)
