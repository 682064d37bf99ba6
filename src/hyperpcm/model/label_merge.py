"""Labels of overlays beside those that a memory holds: appended where they are new, else merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.model.overlay import Overlay

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["Conflict", "MergedLabels", "merged_labels"]


@dataclasses.dataclass(frozen=True)
class Conflict:
    """A pair that was measured more than once.

    Attributes:
        sequence: of the target.
        smiles: of the compound.
        values: what was measured, that of the memory first.
        known: whether the first of them is of the memory.
        kept: the label of the pair now; None where the values contradict each other, and it has none.
    """

    sequence: str
    smiles: str
    values: tuple[float, ...]
    known: bool
    kept: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class MergedLabels:
    """What the labels of overlays make of a memory.

    Attributes:
        rows: memory row of each label that is appended, int32 [a].
        columns: landmark compound of it, int32 [a].
        values: all labels, those of the memory first, float32 [n + a].
        conflicts: pairs that were measured more than once.
    """

    rows: npt.NDArray[np.int32]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    conflicts: tuple[Conflict, ...]


def merged_labels(
    model: HyperPCM, overlays: Sequence[Overlay], targets: Mapping[str, int], compounds: Mapping[str, int]
) -> MergedLabels:
    """Return the labels of a memory with those of overlays, by the rule of `merge_repeats`.

    A memory does not tell bounds from values, so its labels count as exact ones, which beat bounds. Where
    labels of two classes stand against each other, that of the memory stays.

    Args:
        model: without overlays.
        overlays: whose labels are added.
        targets: row of each sequence.
        compounds: column of each SMILES.
    """
    known_rows, known_columns = model.memory_rows.cpu().numpy(), model.memory_columns.cpu().numpy()
    values = model.memory_values.cpu().numpy().copy()
    rows = np.concatenate([_of(targets, one.sequences)[one.rows] for one in overlays])
    columns = np.concatenate([_of(compounds, one.compounds)[one.columns] for one in overlays])
    width = max(len(compounds), 1)
    pairs, known_pairs = rows * width + columns, known_rows.astype(np.int64) * width + known_columns
    again = np.flatnonzero(np.isin(known_pairs, pairs))
    given = np.concatenate([one.values for one in overlays])
    table = Interactions(
        name="memory",
        quantity=dataclasses.replace(model.quantity, bin_width=None),
        compounds=tuple(compounds),
        targets=tuple(targets),
        compound_names=tuple(compounds),
        target_names=tuple(targets),
        compound_index=np.concatenate([known_columns[again].astype(np.int64), columns]),
        target_index=np.concatenate([known_rows[again].astype(np.int64), rows]),
        values=np.concatenate([values[again], given]),
        relations=np.concatenate([np.full(len(again), EXACT, np.int8), *(one.relations for one in overlays)]),
    )
    merged = merge_repeats(table)
    kept = dict(
        zip(
            (merged.target_index * width + merged.compound_index).tolist(),
            merged.values.tolist(),
            strict=True,
        )
    )
    for label in again:
        values[label] = kept.get(int(known_pairs[label]), values[label])
    known = set(known_pairs[again].tolist())
    appended = [pair for pair in dict.fromkeys(pairs.tolist()) if pair in kept and pair not in known]
    at = np.array(appended, dtype=np.int64)
    return MergedLabels(
        rows=(at // width).astype(np.int32),
        columns=(at % width).astype(np.int32),
        values=np.concatenate([values, np.array([kept[pair] for pair in appended], dtype=np.float32)]),
        conflicts=_conflicts(table, width, kept, known),
    )


def _of(places: Mapping[str, int], contents: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.array([places[content] for content in contents], dtype=np.int64)


def _conflicts(
    table: Interactions, width: int, kept: Mapping[int, float], known: set[int]
) -> tuple[Conflict, ...]:
    """The pairs of a table that it holds more than once, in order."""
    found: dict[int, list[float]] = {}
    for pair, value in zip(
        (table.target_index * width + table.compound_index).tolist(), table.values.tolist(), strict=True
    ):
        found.setdefault(pair, []).append(value)
    return tuple(
        Conflict(
            sequence=table.targets[pair // width],
            smiles=table.compounds[pair % width],
            values=tuple(values),
            known=pair in known,
            kept=kept.get(pair, values[0] if pair in known else None),
        )
        for pair, values in found.items()
        if len(values) > 1
    )
