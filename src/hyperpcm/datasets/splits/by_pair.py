"""Splits of (compound, target) pairs: at random, and with both partners new."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.datasets.splits.grouped import (
    VALID_SHARE,
    check_groups,
    check_request,
    check_share,
    compact,
    deal_to_folds,
    draw_share,
    generator_of,
    grouped_folds,
    sides_of,
)
from hyperpcm.errors import SplitError

__all__ = ["cold_both", "random"]


def random(
    interactions: Interactions, *, folds: int, seed: int, valid_share: float = VALID_SHARE
) -> list[Split]:
    """Pairs at random; compounds and targets are on all sides. Repeats of one pair stay together.

    Raises:
        SplitError: bad numbers, or fewer pairs than folds.
    """
    return grouped_folds(
        interactions.compound_index * len(interactions.targets) + interactions.target_index,
        name="random",
        what="pairs of compound and target",
        how="Pairs at random: compounds and targets are on all sides, no pair is on two.",
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


def cold_both(
    interactions: Interactions, *, folds: int, seed: int, valid_share: float = VALID_SHARE
) -> list[Split]:
    """Neither a compound nor a target is on two sides; rows that would mix sides are unused, and counted.

    Compounds and targets are dealt to folds independently; fold k tests the pairs of its compounds with its
    targets, so a row is in the test side of at most one fold. Validation is drawn in the same way from the
    other compounds and targets, with `valid_share` on each axis: it holds about its square of the remaining
    rows.

    Raises:
        SplitError: bad numbers, fewer compounds or targets than folds, or a side without a measured pair.
    """
    check_request("cold_both", folds, seed)
    check_share("cold_both", "valid_share", valid_share)
    axes = []
    for stream, (what, index) in enumerate(
        [("compounds", interactions.compound_index), ("targets", interactions.target_index)]
    ):
        group, sizes = compact(index)
        check_groups("cold_both", what, sizes.size, folds)
        fold_of_group = deal_to_folds(sizes, folds, generator_of(seed, 0, stream))
        axes.append((group, sizes, fold_of_group))
    splits = []
    for fold in range(folds):
        generator = generator_of(seed, 1, fold)
        of_compounds, of_targets = (
            _sides_of_axis(*axis, fold=fold, valid_share=valid_share, generator=generator) for axis in axes
        )
        train, valid, test = sides_of(np.where(of_compounds == of_targets, of_compounds, -1))
        if min(train.size, valid.size, test.size) == 0:
            raise SplitError(
                f"split cold_both, fold {fold} of {folds}: no measured pair is left on one side "
                f"(train {train.size}, valid {valid.size}, test {test.size} rows). The table is too sparse "
                "for so many folds: use fewer, a larger valid_share, or cold_target."
            )
        unused = len(interactions) - train.size - valid.size - test.size
        how = "Neither a compound nor a target is on two sides; pairs that would mix sides are unused."
        splits.append(Split("cold_both", fold, folds, seed, train, valid, test, how, unused))
    return splits


def _sides_of_axis(
    group: Rows,
    sizes: Rows,
    fold_of_group: Rows,
    *,
    fold: int,
    valid_share: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Side of each row [n] by one axis alone: 0 train, 1 valid, 2 test."""
    side = np.where(fold_of_group == fold, 2, 0)
    rest = np.flatnonzero(fold_of_group != fold)
    side[rest[draw_share(sizes[rest], valid_share, generator)]] = 1
    return side[group].astype(np.int64)
