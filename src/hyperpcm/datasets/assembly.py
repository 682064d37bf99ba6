"""Put the columns of a raw file together into `Interactions`: standardise, group by content, count."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import standardise_all
from hyperpcm.datasets.grouping import Axis, group_by_content
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.errors import InvalidSequenceError, LabelError, Rejection
from hyperpcm.protein import validate_sequence
from hyperpcm.public_files.pinned import Progress

__all__ = ["Measurements", "assemble"]

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Measurements:
    """The rows of a raw file, pointing into its lists of compounds and targets.

    Attributes:
        compound: int64 [n], position in the list of SMILES.
        target: int64 [n], position in the list of sequences.
        values: float [n].
        relations: int8 [n].
        folds: published folds, int64 [n] each.
        year: int16 [n], if known.
    """

    compound: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    values: npt.NDArray[np.floating]
    relations: npt.NDArray[np.int8]
    folds: Mapping[str, npt.NDArray[np.int64]] = dataclasses.field(default_factory=dict)
    year: npt.NDArray[np.int16] | None = None


def assemble(
    name: str,
    quantity: Quantity,
    smiles: Mapping[str, str],
    sequences: Mapping[str, str],
    rows: Measurements,
    *,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Interactions:
    """The table of ``rows``, whose axes are standardised and grouped by content; repeats are not merged.

    Args:
        name: of the table.
        quantity: what its values mean.
        smiles: raw SMILES by identifier, in the order that ``rows.compound`` counts.
        sequences: raw sequences by identifier, in the order that ``rows.target`` counts.
        rows: the measurements.
        notes: what the reader has to say already.
        progress: called with a stage, compounds done and compounds in all.

    Returns:
        The table. A compound or target that cannot be read becomes a `Rejection` (its ``row`` is the position
        in the list it stands in), and its rows are left out and counted in the notes.

    Raises:
        LabelError: no row is left.
    """

    def report(done: int) -> None:
        if progress is not None:
            progress("standardising compounds", done, len(smiles))

    compounds, rejections = standardise_all(tuple(smiles.values()), progress=report)
    compound_axis = group_by_content(
        [None if one is None else one.smiles for one in compounds], tuple(smiles)
    )
    target_axis, refused_targets = _target_axis(sequences)
    rejections += refused_targets

    compound_index = compound_axis.index[rows.compound]
    target_index = target_axis.index[rows.target]
    keep = (compound_index >= 0) & (target_index >= 0)
    if not keep.any():
        raise LabelError(f"{name}: none of {len(keep):,} rows has both a readable compound and target.")
    notes = [
        *notes,
        *_counts(compound_axis, len(smiles), "compound"),
        *_counts(target_axis, len(sequences), "target"),
    ]
    if not keep.all():
        notes.append(
            f"{(~keep).sum():,} of {len(keep):,} rows left out: their compound or target is unreadable."
        )
    for note in notes:
        logger.info("%s: %s", name, note)
    return Interactions(
        name=name,
        quantity=quantity,
        compounds=compound_axis.content,
        targets=target_axis.content,
        compound_names=compound_axis.names,
        target_names=target_axis.names,
        compound_index=compound_index[keep],
        target_index=target_index[keep],
        values=rows.values[keep].astype(np.float32),
        relations=rows.relations[keep],
        year=None if rows.year is None else rows.year[keep],
        folds={key: fold[keep] for key, fold in rows.folds.items()},
        rejections=tuple(rejections),
        notes=tuple(notes),
    )


def _target_axis(sequences: Mapping[str, str]) -> tuple[Axis, list[Rejection]]:
    valid: list[str | None] = []
    rejections: list[Rejection] = []
    for place, (name, sequence) in enumerate(sequences.items()):
        try:
            valid.append(validate_sequence(sequence, name=name).sequence)
        except InvalidSequenceError as error:
            valid.append(None)
            rejections.append(Rejection(place, f"{name}: {sequence}"[:200], error.code, error.reason))
    return group_by_content(valid, tuple(sequences)), rejections


def _counts(axis: Axis, given: int, what: str) -> list[str]:
    refused = int((axis.index < 0).sum())
    notes = [f"{refused:,} of {given:,} {what}s are unreadable."] if refused else []
    content = "structures" if what == "compound" else "sequences"
    if len(axis.content) < given - refused:
        notes.append(f"{given - refused:,} {what} identifiers are {len(axis.content):,} {content}.")
    return notes
