"""Splits by what the table says: numbered parts, a mark of the new, or a registration number."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.datasets.splits.by_axis import compound_clusters
from hyperpcm.datasets.splits.grouped import (
    VALID_SHARE,
    check_groups,
    check_request,
    check_share,
    compact,
    draw_share,
    generator_of,
    sides_of,
)
from hyperpcm.errors import SplitError

__all__ = ["forward", "pseudo_temporal", "published_folds"]

_REGISTERED = re.compile(r"CHEMBL(\d+)")


def published_folds(
    interactions: Interactions, *, folds: int, seed: int, column: str = "published"
) -> list[Split]:
    """The numbered parts of a fold column: fold 0 tests on the last part, validates on the one before.

    Fold k tests on the k-th part from the end and validates on the part before that, going round. With ten
    parts, fold 0 is the convention of Lenselink et al.: part 8 validates, part 9 tests, the others train.
    Rows with -1 are on no side. Nothing is drawn.

    Args:
        interactions: the table, with that fold column; usually not merged.
        folds: how many divisions, at most the number of parts.
        seed: not used, but recorded.
        column: name of the fold column.

    Raises:
        SplitError: no such column, fewer than three parts, or more folds than parts.
    """
    check_request("published_folds", max(folds, 2), seed)
    part = _fold_column(interactions, column, "published_folds")
    parts = int(part.max(initial=-1)) + 1
    if parts < 3 or not 1 <= folds <= parts:
        raise SplitError(
            f"split published_folds: {folds} folds asked for; column {column!r} of {interactions.name!r} has "
            f"{parts} parts. It takes at least 3 parts, and at most as many folds as parts."
        )
    unused = int((part < 0).sum())
    splits = []
    for fold in range(folds):
        test_part, valid_part = parts - 1 - fold, (parts - 2 - fold) % parts
        train, valid, test = sides_of(
            np.select([part < 0, part == test_part, part == valid_part], [-1, 2, 1], 0)
        )
        how = f"Parts of column {column!r}: part {valid_part} validates, part {test_part} tests."
        splits.append(Split("published_folds", fold, folds, seed, train, valid, test, how, unused))
    return splits


def forward(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    column: str = "after_chembl20",
    valid_share: float = VALID_SHARE,
    valid_by: str = "compound",
    similarity: float = 0.4,
) -> list[Split]:
    """One division into the known (0) and the new (1) rows of a column: what is new is the test side.

    Validation is drawn from the known rows, whole compounds, clusters of similar compounds, or targets at a
    time. Compounds that came later belong to other series than known ones, so a compound that is drawn by
    itself has nearer known ones than they have; whole clusters come closer to them.

    Args:
        interactions: the table, with that column.
        folds: not used: there is one future.
        seed: of the draw of validation.
        column: name of a fold column of 0 and 1.
        valid_share: share of the known rows for validation, between 0 and 1.
        valid_by: ``compound``, ``cluster`` or ``target``.
        similarity: of clusters, as for the split `compound_cluster`.

    Raises:
        SplitError: no such column, other numbers in it, or an empty side.
    """
    check_request("forward", max(folds, 2), seed)
    check_share("forward", "valid_share", valid_share)
    if valid_by not in ("compound", "cluster", "target"):
        raise SplitError(f"split forward: valid_by is {valid_by!r}; give 'compound', 'cluster' or 'target'.")
    new = _fold_column(interactions, column, "forward")
    if not np.isin(new, (0, 1)).all():
        raise SplitError(f"split forward: column {column!r} holds more than 0 (known) and 1 (new).")
    known = np.flatnonzero(new == 0)
    if valid_by == "cluster":
        labels = compound_clusters(interactions, known, similarity=similarity)
    else:
        index = interactions.compound_index if valid_by == "compound" else interactions.target_index
        labels = index[known]
    group, sizes = compact(labels)
    check_groups("forward", f"known {valid_by}s", sizes.size, 2)
    side = np.where(new == 1, 2, 0)
    side[known[draw_share(sizes, valid_share, generator_of(seed, 0))[group]]] = 1
    train, valid, test = sides_of(side)
    by = f"cluster of compounds at Tanimoto {similarity:g}" if valid_by == "cluster" else valid_by
    how = f"Forward in time: rows marked by {column!r} are tested, validation grouped by {by}."
    return [Split("forward", 0, 1, seed, train, valid, test, how, unused=0)]


def pseudo_temporal(
    interactions: Interactions, *, folds: int, seed: int, test_share: float = 0.1, valid_share: float = 0.1
) -> list[Split]:
    """One division by ChEMBL registration number: the compounds registered last are tested.

    Those before them validate. A proxy for time where the table has no years. No compound is on two sides. A
    structure with several identifiers counts by its smallest number.

    Args:
        interactions: a table whose compounds are named ``CHEMBL`` and a number.
        folds: not used: there is one past.
        seed: not used, but recorded.
        test_share: share of all rows, between 0 and 1.
        valid_share: share of all rows, between 0 and 1.

    Raises:
        SplitError: a compound without a registration number, or an empty side.
    """
    check_request("pseudo_temporal", max(folds, 2), seed)
    check_share("pseudo_temporal", "test_share", test_share)
    check_share("pseudo_temporal", "valid_share", valid_share)
    group, sizes = compact(interactions.compound_index)
    used = np.unique(interactions.compound_index)
    number = _registration_numbers(interactions, used)
    order = np.argsort(number, kind="stable")
    before = np.empty(order.size, dtype=np.int64)  # rows of compounds registered earlier
    before[order] = np.cumsum(sizes[order]) - sizes[order]
    share = before / max(len(interactions), 1)
    side = (share >= 1 - test_share - valid_share).astype(np.int64) + (share >= 1 - test_share)
    train, valid, test = sides_of(side[group])
    first = [int(number[side == code].min()) if (side == code).any() else 0 for code in (1, 2)]
    how = (
        "By registration number of the compound, a proxy for time: "
        f"validation from CHEMBL{first[0]}, test from CHEMBL{first[1]} on."
    )
    return [Split("pseudo_temporal", 0, 1, seed, train, valid, test, how, unused=0)]


def _fold_column(interactions: Interactions, column: str, split: str) -> Rows:
    if column not in interactions.folds:
        known = ", ".join(sorted(interactions.folds)) or "none"
        raise SplitError(
            f"split {split}: {interactions.name!r} has no fold column {column!r} (it has: {known}). Name one "
            "with the option column; columns that merging repeated rows dropped are there with merge=False."
        )
    return interactions.folds[column]


def _registration_numbers(interactions: Interactions, used: Rows) -> npt.NDArray[np.int64]:
    numbers = np.empty(used.size, dtype=np.int64)
    for place, compound in enumerate(used):
        name = interactions.compound_names[compound]
        found = [match for part in name.split("|") if (match := _REGISTERED.fullmatch(part))]
        if not found:
            raise SplitError(
                f"split pseudo_temporal: compound {name[:80]!r} of {interactions.name!r} has no registration "
                "number of the form CHEMBL and digits. Use temporal (years) or another split."
            )
        numbers[place] = min(int(match[1]) for match in found)
    return numbers
