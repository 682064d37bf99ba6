"""A screen from its library to its hits, going on where it was stopped, refused where its library changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hyperpcm.encoders.parallel import default_processes
from hyperpcm.errors import InputError
from hyperpcm.screening.filters import StructureFilter
from hyperpcm.screening.library_index import LibraryIndex
from hyperpcm.screening.panel import Panel
from hyperpcm.screening.screen import CHECKPOINT_S, Screened, screen_library
from hyperpcm.screening.screen_state import StateFolder, screen_job

__all__ = ["resumable_screen"]


def resumable_screen(
    library: Path,
    panel: Panel,
    seals: Mapping[str, str],
    work: Path,
    *,
    top: int,
    only: StructureFilter,
    columns: Mapping[str, str] | None = None,
    processes: int | None = None,
    precision: str = "float32",
    progress: Callable[[int], None] | None = None,
    checkpoint_seconds: float = CHECKPOINT_S,
) -> tuple[Screened, StateFolder]:
    """Screen a library, or go on with a screen that was stopped.

    Args:
        library: a file of compounds, or the folder of an index.
        panel: the targets.
        seals: sha256 of the file of each target, by its name.
        work: folder of the state; the caller holds it, and removes it once the hits are written.
        top: hits of each target.
        only: which structures may be hits.
        columns: of a table, the columns of roles where names do not tell.
        processes: that prepare compounds; None: as many as suit the encoder.
        precision: of the panel.
        progress: is called with the number of rows done.
        checkpoint_seconds: least time between two states that are written.

    Raises:
        InputError: as `screen_library`; or the library changed while it was screened.
        OutputError: the folder holds the state of another screen.
    """
    is_index = LibraryIndex.is_one(library)
    settings = {"top": top, "only": list(only.names), "columns": dict(columns or {}), "unlike": only.job}
    if precision != "float32":
        settings["precision"] = precision
    read = library / "index.json" if is_index else library
    folder = StateFolder(work, screen_job(read, seals, settings))
    found = screen_library(
        LibraryIndex.open(library) if is_index else library,
        panel,
        folder,
        top=top,
        only=only,
        columns=columns or None,
        processes=default_processes(panel.encoder) if processes is None else processes,
        progress=progress,
        checkpoint_seconds=checkpoint_seconds,
    )
    if screen_job(read, seals, settings) != folder.job:
        raise InputError(
            f"{library}: has changed while it was screened, so no hits are written. Remove {work} "
            "and screen it again."
        )
    return found, folder
