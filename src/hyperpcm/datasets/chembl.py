"""Join the two ChEMBL sets: the bins of ChEMBL 20, and quantitative values where there are some.

A pair that only one of them holds stays as it is. Of a pair that both hold, the value is kept, unless it lies
further from the bin than the bin is wide: then the two contradict each other, and the pair is left out.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hyperpcm.datasets.grouping import Axis, group_by_content
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.loading import load
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.datasets.records import DATASETS
from hyperpcm.errors import Rejection
from hyperpcm.public_files.pinned import Progress

__all__ = ["NEW", "join_bins_and_values", "read_chembl"]

logger = logging.getLogger(__name__)

NEW = "after_chembl20"
"""Fold column: 1 where ChEMBL 20 did not hold the compound."""


def read_chembl(_files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The bins of ChEMBL 20 and the quantitative values, one row for each pair.

    Args:
        _files: those of the two sets, which are read under their own names.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        DataUnavailableError: a file of one of them is gone.
        TableError: a file of one of them is not in its layout.
    """
    bins, values = (load(name, progress=progress) for name in DATASETS["chembl"].made_of)
    return join_bins_and_values(bins, values)


def join_bins_and_values(bins: Interactions, values: Interactions) -> Interactions:
    """One table of bins and points, of the quantity of the bins; the fold column `NEW` stays.

    What both hold is named as in the bins. A compound that the bins hold is not new, whatever the values' own
    column says; their other fold columns divide the values alone and are dropped.

    Args:
        bins: known to bins, repeats merged.
        values: points on the same scale, repeats merged, with the column `NEW`.
    """
    compounds = _joined(bins.compounds, bins.compound_names, values.compounds, values.compound_names)
    targets = _joined(bins.targets, bins.target_names, values.targets, values.target_names)
    compound = compounds.index[
        np.concatenate([bins.compound_index, values.compound_index + len(bins.compounds)])
    ]
    target = targets.index[np.concatenate([bins.target_index, values.target_index + len(bins.targets)])]
    held = np.isin(compound, compound[: len(bins)])
    marked = np.concatenate([np.zeros(len(bins), dtype=np.int64), values.folds[NEW]])
    notes = [f"{one.name}: {note}" for one in (bins, values) for note in one.notes]
    old = int((held & (marked == 1)).sum())
    notes.append(f"{old:,} rows marked as new are of compounds that {bins.name} holds, and count as known.")
    both = Interactions(
        name="chembl",
        quantity=bins.quantity,
        compounds=compounds.content,
        targets=targets.content,
        compound_names=compounds.names,
        target_names=targets.names,
        compound_index=compound,
        target_index=target,
        values=np.concatenate([bins.values, values.values]),
        relations=np.concatenate([bins.relations, values.relations]),
        binned=np.concatenate([bins.is_binned(), np.zeros(len(values), dtype=np.bool_)]),
        folds={NEW: np.where(held, 0, marked)},
        rejections=(*bins.rejections, *values.rejections),
        notes=tuple(notes),
    )
    return merge_repeats(_without_contradictions(both, len(bins)))


def _joined(
    first: Sequence[str], first_names: Sequence[str], second: Sequence[str], second_names: Sequence[str]
) -> Axis:
    """One axis of two; an entry of both has the name that it has in the first."""
    known = set(first)
    names = ["" if text in known else name for text, name in zip(second, second_names, strict=True)]
    return group_by_content([*first, *second], [*first_names, *names])


def _without_contradictions(both: Interactions, bins: int) -> Interactions:
    """The table without pairs whose value is further from its bin, or bound, than a bin is wide.

    Args:
        both: the binned rows, then the values; each pair at most once in either part.
        bins: how many rows are of the first part.
    """
    pairs = both.compound_index * len(both.targets) + both.target_index
    _, first, second = np.intersect1d(pairs[:bins], pairs[bins:], assume_unique=True, return_indices=True)
    second = second + bins
    lower, upper = (side[first] for side in both.bounds())
    value, width = both.values[second], np.float32(both.quantity.bin_width or 0.0)
    distance = np.maximum(np.maximum(lower - value, value - upper), 0)
    apart = np.sort(np.flatnonzero(distance > width))
    refused = [_refusal(both, first[one], value[one], (lower[one], upper[one])) for one in apart]
    keep = np.ones(len(both), dtype=np.bool_)
    keep[first[apart]] = keep[second[apart]] = False
    note = (
        f"{len(first):,} pairs have a bin and a value, {int((distance == 0).sum()):,} of them inside the "
        f"bin; {len(apart):,} pairs left out, whose value is more than {width:g} away from it."
    )
    logger.info("%s: %s", both.name, note)
    whole = dataclasses.replace(both, notes=(*both.notes, note), rejections=(*both.rejections, *refused))
    return whole.select(keep)


def _refusal(
    both: Interactions, row: np.int64, value: np.float32, bounds: tuple[np.float32, np.float32]
) -> Rejection:
    compound = both.compound_names[both.compound_index[row]]
    target = both.target_names[both.target_index[row]]
    return Rejection(
        row=int(row),
        text=f"{compound}, {target}"[:200],
        code="CONTRADICTORY",
        reason=f"the value {value:g} is far from the bin, {bounds[0]:g} to {bounds[1]:g}.",
    )
