"""Splits that the data bring along: the year of each row, and published folds of rows or of targets."""

from __future__ import annotations

import numpy as np

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.datasets.splits.grouped import (
    VALID_SHARE,
    check_request,
    check_share,
    compact,
    draw_share,
    generator_of,
    sides_of,
)
from hyperpcm.errors import SplitError

__all__ = ["published_target", "published_warm", "temporal"]


def temporal(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    test_from: int | None = None,
    valid_from: int | None = None,
    test_share: float = 0.1,
    valid_share: float = 0.1,
) -> list[Split]:
    """One division by year: train on the past, choose on what follows, test on the newest.

    There is one past, so there is one division whatever `folds` and `seed` say. A year is never on two
    sides; a pair measured again later is, as it would be in use (`audit` counts such pairs).

    Args:
        interactions: the table, with years.
        folds: not used.
        seed: not used, but recorded.
        test_from: first year of the test side. None: the latest year such that the test side holds at least
            `test_share` of the rows.
        valid_from: first year of the validation side; None: likewise from `valid_share` of the rows before
            `test_from`.
        test_share: between 0 and 1.
        valid_share: between 0 and 1.

    Raises:
        SplitError: the table has no years, an empty side, or years in the wrong order.
    """
    check_request("temporal", max(folds, 2), seed)
    check_share("temporal", "valid_share", valid_share)
    check_share("temporal", "test_share", test_share)
    for option, first in (("test_from", test_from), ("valid_from", valid_from)):
        if first is not None and type(first) is not int:
            raise SplitError(f"split temporal: {option} is {first!r}; give a year.")
    if interactions.year is None:
        raise SplitError(f"split temporal: {interactions.name!r} has no years. Use another split.")
    year = interactions.year.astype(np.int64)
    test_from = _first_year(year, test_share) if test_from is None else test_from
    valid_from = _first_year(year[year < test_from], valid_share) if valid_from is None else valid_from
    train, valid, test = sides_of((year >= valid_from).astype(np.int64) + (year >= test_from))
    if not valid_from < test_from or min(train.size, valid.size, test.size) == 0:
        span = f"{year.min()} to {year.max()}" if year.size else "nowhere"
        raise SplitError(
            f"split temporal: validation from {valid_from} and test from {test_from} leave {train.size} "
            f"training, {valid.size} validation and {test.size} test rows; the years run from {span}. "
            "Give valid_from and test_from, in that order, inside these years."
        )
    how = f"By year: train before {valid_from}, validate from {valid_from}, test from {test_from} on."
    return [Split("temporal", 0, 1, seed, train, valid, test, how, unused=0)]


def published_warm(interactions: Interactions, *, folds: int, seed: int) -> list[Split]:
    """The published folds: one fixed test side, fold k validates, the others train. Nothing is drawn.

    It is a warm split of measured rows: compounds, targets and, where several names share one sequence,
    even pairs are on both sides.

    Args:
        interactions: the table, with a fold column named ``published``, not merged.
        folds: must equal the number of published folds.
        seed: not used, but recorded.

    Raises:
        SplitError: there are no published folds, or another number of them.
    """
    check_request("published_warm", folds, seed)
    if "published" not in interactions.folds:
        raise SplitError(
            f"split published_warm: {interactions.name!r} holds no published folds. Those of Davis and "
            "KIBA divide single measurements: load with merge=False. Other data sets have none."
        )
    fold_of_row = interactions.folds["published"]
    published = int(fold_of_row.max(initial=-1)) + 1
    if folds != published:
        raise SplitError(
            f"split published_warm: {folds} folds asked for; {interactions.name!r} has {published} "
            "published ones."
        )
    how = "Published warm folds: fixed test rows; compounds and targets are on all sides."
    splits = []
    for fold in range(folds):
        train, valid, test = sides_of(np.select([fold_of_row == -1, fold_of_row == fold], [2, 1], 0))
        splits.append(Split("published_warm", fold, folds, seed, train, valid, test, how, unused=0))
    return splits


def published_target(
    interactions: Interactions, *, folds: int, seed: int, valid_share: float = VALID_SHARE
) -> list[Split]:
    """The published folds of targets: fold k is the test side, the rest trains; validation targets are drawn.

    No target is on two sides; compounds are. For any table whose published folds do not tear a target apart.

    Args:
        interactions: the table, with a fold column named ``published`` that counts from 0.
        folds: must equal the number of published folds.
        seed: of the choice of validation targets.
        valid_share: share of the rows outside the test side that validation gets at most, as whole targets.

    Raises:
        SplitError: there are no such folds, another number of them, or one that leaves a side empty.
    """
    name = "published_target"
    check_request(name, folds, seed)
    check_share(name, "valid_share", valid_share)
    if "published" not in interactions.folds:
        raise SplitError(f"split {name}: {interactions.name!r} holds no published folds. Use cold_target.")
    fold_of_row = interactions.folds["published"]
    target, sizes = compact(interactions.target_index)
    fold_of_target = np.empty(sizes.size, dtype=np.int64)
    fold_of_target[target] = fold_of_row
    if (fold_of_target[target] != fold_of_row).any() or fold_of_row.min(initial=0) < 0:
        raise SplitError(
            f"split {name}: the published folds of {interactions.name!r} divide rows and not targets. "
            "Use published_warm, or cold_target for targets of your own division."
        )
    published = np.unique(fold_of_row)
    if not np.array_equal(published, np.arange(folds)):
        raise SplitError(
            f"split {name}: {folds} folds asked for; {interactions.name!r} has {published.size} published "
            f"ones. Set folds to {published.size}."
        )
    how = "Published folds of targets: no sequence is on two sides, validation targets are drawn."
    splits = []
    for fold in range(folds):
        rest = np.flatnonzero(fold_of_target != fold)
        if rest.size < 2:
            raise SplitError(f"split {name}: fold {fold} leaves {rest.size} targets; two are needed.")
        side = np.where(fold_of_target == fold, 2, 0)
        side[rest[draw_share(sizes[rest], valid_share, generator_of(seed, fold))]] = 1
        train, valid, test = sides_of(side[target])
        splits.append(Split(name, fold, folds, seed, train, valid, test, how, unused=0))
    return splits


def _first_year(year: Rows, share: float) -> int:
    """The latest year such that the rows from it on are at least this share of the rows; 0 for no rows."""
    if year.size == 0:
        return 0
    newest_first = np.sort(year)[::-1]
    return int(newest_first[min(int(np.ceil(share * year.size)), year.size) - 1])
