"""A library in batches that are ready to be scored, straight from its file.

What a compound costs is RDKit: of some 190 µs for ECFP, reading its SMILES takes 80, writing the canonical
one 55 and counting 40. Where a row is canonical already, the molecule that was read is counted; else its
canonical SMILES is read as well. A molecule is let go of before the next is read: holding 32 of them makes
all steps a twentieth slower, and holding more is worse.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from hyperpcm.datasets.compound_files import CompoundList, compound_parts
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import InvalidSmilesError, Rejection
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds

__all__ = ["prepared_chunk", "prepared_chunks"]

_TASK: Final = 1024  # rows that a process is given: few enough that processes end together


def prepared_chunks(
    library: Path,
    recipe: CompoundRecipe,
    workers: Workers,
    *,
    rows: int,
    skip: int = 0,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Chunk]:
    """Yield the library in its order, standardised and encoded.

    Args:
        library: in any form that `compound_parts` takes.
        recipe: how compounds are prepared.
        workers: who prepares them.
        rows: of each chunk; the last may have fewer.
        skip: rows at the start that are left out, a multiple of ``rows``; they are read, but neither judged
            nor encoded.
        columns: of a table, the columns of roles where names do not tell.

    Raises:
        TableError: the library cannot be read or holds no compound.
    """
    parts = compound_parts(library, columns=columns, rows=rows)
    numbers = deque[int]()

    def pieces() -> Iterator[CompoundList]:
        for part in _after(parts, skip):
            cut = _pieces(part)
            numbers.append(len(cut))
            yield from cut

    made = workers.map(functools.partial(prepared_chunk, recipe), pieces())
    for first in made:
        yield Chunk.joined([first, *islice(made, numbers.popleft() - 1)])


def _after(parts: Iterator[CompoundList], skip: int) -> Iterator[CompoundList]:
    done = 0
    for part in parts:
        if done >= skip:
            yield part
        done += len(part.smiles)


def _pieces(part: CompoundList) -> list[CompoundList]:
    """Rows cut into what one task is given."""
    return [
        CompoundList(
            part.smiles[start : start + _TASK],
            part.names[start : start + _TASK],
            [
                dataclasses.replace(one, row=one.row - start)
                for one in part.rejections
                if start <= one.row < start + _TASK
            ],
        )
        for start in range(0, len(part.smiles), _TASK)
    ]


def prepared_chunk(recipe: CompoundRecipe, part: CompoundList) -> Chunk:
    """Standardise and encode some rows; what the reader said of a row goes before what follows from it."""
    from rdkit.rdBase import BlockLogs

    from hyperpcm.chem.column import ColumnReader, shown

    refused = {one.row: one for one in part.rejections}
    places, gathering = list[int](), recipe.gathering()
    reader = ColumnReader(stereo=recipe.reads_stereo)

    def take(row: int, text: object) -> None:
        outcome, molecule = reader.read(text)
        if isinstance(outcome, InvalidSmilesError):
            refused[row] = Rejection(row, shown(text), outcome.code, outcome.reason)
        else:
            places.append(row)
            gathering.add(outcome.smiles, molecule)

    with BlockLogs():
        for row, text in enumerate(part.smiles):
            if row not in refused:
                take(row, text)
    smiles = gathering.smiles
    try:
        made = gathering.prepared()
    except InvalidSmilesError:
        places, smiles, made = _one_by_one(recipe, places, smiles, refused)
    names = [part.names[place] for place in places]
    return Chunk(len(part.smiles), places, smiles, names, made, [refused[row] for row in sorted(refused)])


def _one_by_one(
    recipe: CompoundRecipe, places: Sequence[int], smiles: Sequence[str], refused: dict[int, Rejection]
) -> tuple[list[int], list[str], PreparedCompounds]:
    """Prepare those compounds that the encoder can read, and refuse the others."""
    usable = []
    for place, text in zip(places, smiles, strict=True):
        try:
            recipe.prepared([text])
        except InvalidSmilesError as error:
            refused[place] = Rejection(place, text[:200], error.code, error.reason)
        else:
            usable.append((place, text))
    kept = [text for _, text in usable]
    return [place for place, _ in usable], kept, recipe.prepared(kept)
