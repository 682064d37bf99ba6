"""A library in batches that are ready to be scored, straight from its file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hyperpcm.datasets.compound_files import CompoundList, compound_parts
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import InvalidSmilesError, Rejection
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds

__all__ = ["prepared_chunk", "prepared_chunks"]


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
    yield from workers.map(functools.partial(prepared_chunk, recipe), _after(parts, skip))


def _after(parts: Iterator[CompoundList], skip: int) -> Iterator[CompoundList]:
    done = 0
    for part in parts:
        if done >= skip:
            yield part
        done += len(part.smiles)


def prepared_chunk(recipe: CompoundRecipe, part: CompoundList) -> Chunk:
    """Standardise and encode some rows; what the reader said of a row goes before what follows from it."""
    from hyperpcm.chem import standardise_all

    compounds, rejections = standardise_all(part.smiles)
    refused = {one.row: one for one in rejections} | {one.row: one for one in part.rejections}
    kept = {row: one.smiles for row, one in enumerate(compounds) if one is not None and row not in refused}
    places, smiles = list(kept), list(kept.values())
    try:
        made = recipe.prepared(smiles)
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
