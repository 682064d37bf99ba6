"""Screening: the best compounds of a library of any size for each target of a panel, in one pass.

The library is read, prepared and scored in batches, few of which are in memory at a time. What is found is
written down now and then, so that a screen that was stopped, however, goes on from there: the hits are those
of a screen that no one disturbed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import InputError
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.filters import StructureFilter
from hyperpcm.screening.library import prepared_chunks
from hyperpcm.screening.library_index import LibraryIndex, LoadedIndex
from hyperpcm.screening.panel import Panel
from hyperpcm.screening.screen_state import ScreenState, StateFolder
from hyperpcm.screening.threads import in_threads
from hyperpcm.screening.top import Hit

__all__ = ["CHECKPOINT_S", "Screened", "screen_library", "take_batch"]

Scores = npt.NDArray[np.float32]

BATCH: Final = 1024
"""Rows of the library that are scored at a time."""

CHECKPOINT_S: Final = 30.0
"""Least seconds between two states that are written."""


@dataclass(frozen=True)
class Screened:
    """What became of a library.

    Attributes:
        rows: rows of the library.
        scored: rows that were scored; the others were refused.
        refused: how many rows were refused for each reason, by code.
        hits: the best compounds of each target, the best first, by the target's name.
        resumed: rows that an earlier run had done.
    """

    rows: int
    scored: int
    refused: Mapping[str, int]
    hits: Mapping[str, tuple[Hit, ...]]
    resumed: int


def screen_library(
    library: Path | LibraryIndex | LoadedIndex,
    panel: Panel,
    folder: StateFolder,
    *,
    top: int,
    only: StructureFilter | None = None,
    columns: Mapping[str, str] | None = None,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
    checkpoint_seconds: float = CHECKPOINT_S,
) -> Screened:
    """Find the best compounds of a library for each target.

    The hits are exact: those of sorting all scores, of equal scores the earlier row, each structure once. A
    row that cannot be used is written down with its reason, and costs nothing else.

    Args:
        library: compounds, in any form that `compound_parts` takes, or the index of a library; a loaded
            one on the device of the panel.
        panel: the targets.
        folder: where the state is kept; held by the caller.
        top: hits of each target.
        only: which structures may be hits; None: all.
        columns: of a table, the columns of roles where names do not tell.
        processes: how many prepare compounds; threads that score the compounds of an index.
        progress: is called with the number of rows done.
        checkpoint_seconds: least time between two states.

    Raises:
        TableError: the library cannot be read or holds no compound.
        ConfigError: the index does not hold what the targets read.
        InputError: none of its rows can be scored, or the index is damaged.
        DiskFullError: no space is left for the state; the last one is still there.
        ProcessLostError: one of several processes was killed; the same call goes on from the last state.
    """
    state = folder.read(panel.names, top)
    resumed, accepts = state.rows, (StructureFilter() if only is None else only).accepts
    saved, is_whole = time.monotonic(), True
    try:
        for batch, scores in _scored(library, panel, processes, columns, skip=state.rows):
            is_whole = False
            folder.note_refused(state, batch.rejections)
            take_batch(state, panel.names, batch, scores, accepts)
            is_whole = True
            if progress is not None:
                progress(state.rows)
            if time.monotonic() - saved >= checkpoint_seconds:
                folder.write(state)
                saved = time.monotonic()
    except KeyboardInterrupt:
        if is_whole:  # half a batch would be counted twice; then the last state is gone on from
            folder.write(state)
        raise
    folder.write(state)
    if not state.scored:
        source = library if isinstance(library, Path) else library.path
        raise InputError(f"{source}: none of its {state.rows:,} rows can be scored.")
    hits = {name: tuple(state.tops[name].best()) for name in panel.names}
    return Screened(state.rows, state.scored, dict(state.refused), hits, resumed)


def _scored(
    library: Path | LibraryIndex | LoadedIndex,
    panel: Panel,
    processes: int,
    columns: Mapping[str, str] | None,
    *,
    skip: int,
) -> Iterator[tuple[Chunk, Scores]]:
    """The library with its scores [t, n], from a row on that begins a chunk."""
    if not isinstance(library, Path):
        library.check_serves(panel.recipe)
        yield from in_threads(functools.partial(_read, panel), library.readers(skip=skip), processes)
        return
    with Workers(processes) as workers:
        for chunk in prepared_chunks(library, panel.recipe, workers, rows=BATCH, skip=skip, columns=columns):
            yield chunk, panel.score_prepared(chunk.compounds)


def _read(panel: Panel, read: Callable[[], Chunk]) -> tuple[Chunk, Scores]:
    chunk = read()
    return chunk, panel.score_prepared(chunk.compounds)


def take_batch(
    state: ScreenState,
    names: Sequence[str],
    batch: Chunk,
    scores: Scores,
    accepts: Callable[[str], bool],
) -> None:
    """Offer a batch to each target's list, and count its rows.

    Args:
        state: what was found before; it is brought up to date.
        names: of the targets.
        batch: the rows that follow.
        scores: of its compounds [t, n].
        accepts: whether a structure may be a hit.
    """
    rows = [state.rows + place for place in batch.places]
    for name, values in zip(names, scores, strict=True):
        state.tops[name].offer(values, rows, batch.smiles, batch.names, accepts)
    state.refused.update(one.code for one in batch.rejections)
    state.rows += batch.rows
    state.scored += batch.scored
