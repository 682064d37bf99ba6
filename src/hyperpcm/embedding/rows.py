"""The rows of a file as an encoder takes them: standardised compounds or validated sequences, in batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hyperpcm.datasets.compound_files import CompoundList, compound_parts
from hyperpcm.datasets.sequence_files import protein_parts
from hyperpcm.encoders.base import Side
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import Rejection

__all__ = ["Rows", "read_rows"]

BATCH: Final = 1024
"""Rows read at a time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file, in its order.

    Attributes:
        start: position of the first of them in the file, from 0.
        names: what the file calls each; its number, from 1, where it does not say.
        texts: what an encoder takes; ``None`` where the row cannot be used.
        rejections: why not; ``row`` counts through the whole file.
    """

    start: int
    names: list[str]
    texts: list[str | None]
    rejections: list[Rejection]


def read_rows(
    path: Path, side: Side, workers: Workers, *, columns: Mapping[str, str] | None = None
) -> Iterator[Rows]:
    """Read a file in batches; a row that cannot be used keeps its place.

    Args:
        path: compounds or proteins, in any form that `compound_parts` and `protein_parts` take.
        side: which of them.
        workers: who standardises compounds.
        columns: of a table, the columns of roles where names do not tell.

    Raises:
        TableError: the file cannot be read or holds no row.
    """
    start = 0
    for rows in _parts(path, side, workers, columns):
        names = [name or str(start + row + 1) for row, name in enumerate(rows.names)]
        refused = [dataclasses.replace(one, row=one.row + start) for one in rows.rejections]
        yield Rows(start, names, rows.texts, refused)
        start += len(names)


def _parts(path: Path, side: Side, workers: Workers, columns: Mapping[str, str] | None) -> Iterator[Rows]:
    if side == "compound":
        yield from workers.map(_standardised, compound_parts(path, columns=columns, rows=BATCH))
        return
    for part in protein_parts(path, columns=columns, rows=BATCH):
        yield Rows(0, part.names, part.sequences, part.rejections)


def _standardised(part: CompoundList) -> Rows:
    """Standardise some compounds; what the reader said of a row goes before what follows from it."""
    from hyperpcm.chem import standardise_all

    compounds, rejections = standardise_all(part.smiles)
    refused = {one.row: one for one in rejections} | {one.row: one for one in part.rejections}
    texts = [None if compound is None else compound.smiles for compound in compounds]
    return Rows(0, part.names, texts, [refused[row] for row in sorted(refused)])
