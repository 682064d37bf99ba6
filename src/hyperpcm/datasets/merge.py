"""Merge repeated measurements: one row for each (compound, target)."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT, Interactions, Quantity
from hyperpcm.errors import Rejection

__all__ = ["merge_repeats"]

logger = logging.getLogger(__name__)

_Rows = npt.NDArray[np.int64]


def merge_repeats(interactions: Interactions) -> Interactions:
    """One row for each (compound, target), in order of first appearance; the axes stay as they are.

    The rule, for the rows of one pair:

    - exact values beat censored ones, and their median is kept (the geometric mean of the two middle
      concentrations where the label is a negative logarithm). A binned value keeps being the edge of a bin:
      of an even number, the lower of the two middle bins. In a table of both, points beat bins;
    - values censored one way give the tightest bound: the highest of ``>``, the lowest of ``<``;
    - bounds both ways without an exact value, and binary labels of which half are 1, say nothing that one row
      could hold: the pair is left out and reported as a `Rejection` (``CONTRADICTORY``, row of its first
      measurement);
    - other binary labels: the majority;
    - the year is the earliest one;
    - a published fold is kept if all rows of every pair agree; otherwise that division is dropped, because
      the merged table would have a pair on both of its sides.

    What was merged, how far the merged values were apart and what was dropped is said in ``notes`` and
    logged. A table without repeats comes back as it is.
    """
    groups = _repeated_pairs(interactions)
    if not groups:
        return interactions
    first = np.array([rows[0] for rows in groups], dtype=np.int64)
    merged = [_merged_label(interactions, rows) for rows in groups]
    refused = [place for place, label in enumerate(merged) if label is None]
    values, relations = interactions.values.copy(), interactions.relations.copy()
    binned = interactions.is_binned().copy()
    for row, label in zip(first, merged, strict=True):
        if label is not None:
            values[row], relations[row], binned[row] = label
    keep = np.ones(len(interactions), dtype=np.bool_)
    keep[np.concatenate(groups)] = False
    keep[[first[place] for place, label in enumerate(merged) if label is not None]] = True

    folds, dropped = _agreeing_folds(interactions.folds, groups)
    notes = [_count_note(interactions, groups), *dropped]
    for note in notes:
        logger.info("%s: %s", interactions.name, note)
    whole = dataclasses.replace(
        interactions,
        values=values,
        relations=relations,
        binned=None if interactions.binned is None else binned,
        year=_earliest_year(interactions.year, groups),
        folds=folds,
        notes=(*interactions.notes, *notes),
        rejections=(*interactions.rejections, *(_refusal(interactions, groups[place]) for place in refused)),
    )
    return whole.select(keep)


def _repeated_pairs(interactions: Interactions) -> list[_Rows]:
    """Rows of each pair that is measured more than once, ascending, in order of first appearance."""
    pairs = interactions.compound_index * max(len(interactions.targets), 1) + interactions.target_index
    order = np.argsort(pairs, kind="stable")
    starts = np.flatnonzero(np.diff(pairs[order], prepend=-1))
    sizes = np.diff(starts, append=len(pairs))
    repeated = [order[start : start + size] for start, size in zip(starts, sizes, strict=True) if size > 1]
    return sorted(repeated, key=lambda rows: int(rows[0]))


def _merged_label(interactions: Interactions, rows: _Rows) -> tuple[float, int, bool] | None:
    """Value, relation and whether it is a bin of one pair; None where no label can hold its rows."""
    values, relations = interactions.values[rows].astype(np.float64), interactions.relations[rows]
    deciding, binned = _deciding(interactions, rows)
    if len(deciding):
        middle = _middle(interactions.values[deciding].astype(np.float64), interactions.quantity, binned)
        return None if middle is None else (middle, EXACT, binned)
    if (relations == ABOVE).all():
        return float(values.max()), ABOVE, False
    if (relations == BELOW).all():
        return float(values.min()), BELOW, False
    return None


def _deciding(interactions: Interactions, rows: _Rows) -> tuple[_Rows, bool]:
    """The rows of one pair whose values count, and whether these are bins: points, or else its bins."""
    exact = rows[interactions.relations[rows] == EXACT]
    if interactions.binned is None:
        return exact, interactions.quantity.bin_width is not None
    points = exact[~interactions.binned[exact]]
    return (points, False) if len(points) else (exact, True)


def _middle(exact: npt.NDArray[np.float64], quantity: Quantity, binned: bool) -> float | None:
    if quantity.kind == "binary":
        share = float(exact.mean())
        return None if share == 0.5 else float(share > 0.5)
    if binned:
        return float(np.sort(exact)[(len(exact) - 1) // 2])
    return float(np.median(exact))


def _agreeing_folds(
    folds: Mapping[str, npt.NDArray[np.int64]], groups: list[_Rows]
) -> tuple[dict[str, npt.NDArray[np.int64]], list[str]]:
    kept, notes = {}, []
    for name, fold in folds.items():
        torn = sum(len(np.unique(fold[rows])) > 1 for rows in groups)
        if torn:
            notes.append(
                f"folds {name!r} dropped: {torn:,} merged pairs lie in more than one of its parts; "
                "they apply to the unmerged table only."
            )
        else:
            kept[name] = fold
    return kept, notes


def _earliest_year(year: npt.NDArray[np.int16] | None, groups: list[_Rows]) -> npt.NDArray[np.int16] | None:
    if year is None:
        return None
    earliest = year.copy()
    for rows in groups:
        earliest[rows[0]] = year[rows].min()
    return earliest


def _count_note(interactions: Interactions, groups: list[_Rows]) -> str:
    """How many rows became how many, and how far apart the exact values of one pair were."""
    rows = sum(len(group) for group in groups)
    note = f"{rows:,} of {len(interactions):,} rows are repeats of {len(groups):,} (compound, target) pairs"
    spreads, beaten = [], 0
    for group in groups:
        deciding, binned = _deciding(interactions, group)
        beaten += interactions.binned is not None and not binned and len(deciding) < len(group)
        if len(deciding) > 1:
            spreads.append(float(np.ptp(interactions.values[deciding])))
    if beaten:
        note += f", {beaten:,} of them of a value and a bin or bound, of which the value is kept"
    if not spreads and beaten < len(groups):
        return f"{note}; none has two exact values, tightest bound kept."
    if not spreads:
        return f"{note}."
    if interactions.quantity.kind == "binary":
        return f"{note}; majority kept, {sum(spread > 0 for spread in spreads):,} pairs had both labels."
    return (
        f"{note}; merged by median of the exact values, which differ by {np.median(spreads):.2f} "
        f"in the median and by up to {max(spreads):.2f} ({sum(spread >= 1 for spread in spreads):,} "
        "pairs by 1 or more)."
    )


def _refusal(interactions: Interactions, rows: _Rows) -> Rejection:
    first = rows[0]
    compound = interactions.compound_names[interactions.compound_index[first]]
    target = interactions.target_names[interactions.target_index[first]]
    signs = {EXACT: "=", ABOVE: ">", BELOW: "<"}
    labels = ", ".join(
        f"{signs[int(interactions.relations[row])]}{interactions.values[row]:g}" for row in rows[:10]
    )
    return Rejection(
        row=int(first),
        text=f"{compound}, {target}"[:200],
        code="CONTRADICTORY",
        reason=f"{len(rows)} measurements of one pair that no single label can hold: {labels}.",
    )
