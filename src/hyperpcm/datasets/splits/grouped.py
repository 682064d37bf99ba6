"""How groups are dealt to folds and sides; every kind of split says only what its groups are.

Axis letters: ``n`` rows, ``g`` groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.errors import SplitError

__all__ = [
    "VALID_SHARE",
    "check_groups",
    "check_request",
    "check_share",
    "compact",
    "deal_to_folds",
    "draw_share",
    "generator_of",
    "grouped_folds",
    "sides_of",
]

VALID_SHARE = 0.15
"""Share of the rows outside the test side that validation gets, unless told otherwise."""


def check_request(name: str, folds: int, seed: int) -> None:
    """Refuse numbers that no split can be made with.

    Raises:
        SplitError: fewer than two folds, or a negative seed.
    """
    if folds < 2:
        raise SplitError(f"split {name}: {folds} folds asked for; cross-validation needs at least 2.")
    if seed < 0:
        raise SplitError(f"split {name}: the seed is {seed}; give 0 or a positive number.")


def check_share(name: str, option: str, share: float, *, whole: bool = False) -> None:
    """Refuse what is not a share.

    Args:
        name: of the split.
        option: what the number is called.
        share: the number.
        whole: whether 1 is allowed.

    Raises:
        SplitError: not a number in (0, 1), or in (0, 1] where `whole`.
    """
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not (0 < share < 1 or (whole and share == 1)):
        above = "above 0 and at most 1" if whole else "between 0 and 1"
        raise SplitError(f"split {name}: {option} is {share!r}; give a number {above}.")


def generator_of(seed: int, *stream: int) -> np.random.Generator:
    """Random numbers of one seed, independent for each stream."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))


def deal_to_folds(sizes: Rows, folds: int, generator: np.random.Generator) -> Rows:
    """The fold of each group, int64 [g]: in random order, each group goes to the fold with the fewest rows.

    Folds differ by at most as many rows as the largest group has, and none is empty.

    Args:
        sizes: rows of each group, at least 1 [g].
        folds: how many folds; at most g.
        generator: where the order comes from.
    """
    order = generator.permutation(sizes.size)
    fold_of_group = np.empty(sizes.size, dtype=np.int64)
    if sizes.min() == sizes.max():
        fold_of_group[order] = np.arange(sizes.size) % folds
        return fold_of_group
    load = np.zeros(folds, dtype=np.int64)
    for group in order:
        lightest = int(np.argmin(load))
        fold_of_group[group] = lightest
        load[lightest] += sizes[group]
    return fold_of_group


def draw_share(sizes: Rows, share: float, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which groups to take, bool [g], so that they hold at most this share of the rows; at least one.

    In random order, each group that still fits is taken; where none fits, the smallest one. Not all are
    ever taken of two or more groups.

    Args:
        sizes: rows of each group, at least 1 [g].
        share: between 0 and 1.
        generator: where the order comes from.
    """
    allowed = share * float(sizes.sum())
    order = generator.permutation(sizes.size)
    taken = np.zeros(sizes.size, dtype=np.bool_)
    if sizes.min() == sizes.max():
        taken[order[: max(1, int(allowed // sizes[0]))]] = True
        return taken
    total = 0
    for group in order:
        if total + sizes[group] <= allowed:
            taken[group] = True
            total += int(sizes[group])
    if not total:
        taken[order[np.argmin(sizes[order])]] = True
    return taken


def grouped_folds(
    group_of_row: npt.NDArray[np.integer],
    *,
    name: str,
    what: str,
    how: str,
    folds: int,
    seed: int,
    valid_share: float,
) -> list[Split]:
    """One split per fold in which no group is on two sides and every row is in test exactly once.

    Validation is drawn from the groups outside the test fold, `valid_share` of their rows.

    Args:
        group_of_row: label of the group that each row belongs to [n].
        name: of the split.
        what: the groups in the plural, for messages.
        how: one sentence for reports.
        folds: how many.
        seed: of all random choices.
        valid_share: between 0 and 1.

    Raises:
        SplitError: bad numbers, or too few groups for so many folds.
    """
    check_request(name, folds, seed)
    check_share(name, "valid_share", valid_share)
    group, sizes = compact(group_of_row)
    check_groups(name, what, sizes.size, folds)
    fold_of_group = deal_to_folds(sizes, folds, generator_of(seed))
    splits = []
    for fold in range(folds):
        rest = np.flatnonzero(fold_of_group != fold)
        side = np.where(fold_of_group == fold, 2, 0)
        side[rest[draw_share(sizes[rest], valid_share, generator_of(seed, fold))]] = 1
        train, valid, test = sides_of(side[group])
        splits.append(Split(name, fold, folds, seed, train, valid, test, how, unused=0))
    return splits


def compact(labels: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Labels renumbered 0, 1, … in ascending order, int64 [n], and how many rows have each, int64 [g]."""
    _, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return group.astype(np.int64).reshape(-1), sizes.astype(np.int64)


def check_groups(name: str, what: str, groups: int, folds: int) -> None:
    """Refuse to cut a handful of groups into more folds.

    Raises:
        SplitError: there are fewer groups than folds, or fewer than three.
    """
    needed = max(folds, 3)
    if groups < needed:
        raise SplitError(
            f"split {name}: the measured rows hold {groups} {what}; {folds} folds with three "
            f"sides each need at least {needed}. Use fewer folds, another split or more data."
        )


def sides_of(side: npt.NDArray[np.integer]) -> tuple[Rows, Rows, Rows]:
    """Row numbers of the sides coded 0 (train), 1 (valid) and 2 (test); any other code is on no side."""
    train, valid, test = (np.flatnonzero(side == code).astype(np.int64) for code in range(3))
    return train, valid, test
