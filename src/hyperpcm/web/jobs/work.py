"""What jobs do: the library's own functions, on files of the job's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hyperpcm.checkpoint import load_target_model, read_archive, save_target_model
from hyperpcm.datasets.compound_files import count_compounds
from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.locking import only_run
from hyperpcm.datasets.output import TableWriter
from hyperpcm.errors import InputError
from hyperpcm.protein import Target
from hyperpcm.screening import LibraryIndex, Panel, Screened, StateFolder, StructureFilter, backing_of_hits
from hyperpcm.screening.hits_file import write_hits
from hyperpcm.screening.resumable import resumable_screen
from hyperpcm.web.answers import JobKind
from hyperpcm.web.jobs.outcome import JobFolder
from hyperpcm.web.jobs.results import REFUSED_COLUMNS
from hyperpcm.web.jobs.store import ClaimedJob
from hyperpcm.web.panels import panel_folder
from hyperpcm.web.served import ServedModel, target_id
from hyperpcm.web.settings import WebSettings

__all__ = ["WORK", "Work", "build_panel", "screen"]

Progress = Callable[[int, int | None], None]
Work = Callable[[WebSettings, ClaimedJob, JobFolder, Progress], Mapping[str, Any]]


def screen(
    settings: WebSettings, job: ClaimedJob, folder: JobFolder, progress: Progress
) -> Mapping[str, Any]:
    """Screen what was uploaded, or the library of the server, and write the hits.

    Raises:
        InputError: the file cannot be used, or has more rows than are accepted.
    """
    asked, started = job.settings, time.monotonic()
    library, total = _library(settings, asked, folder)
    target = load_target_model(folder.target)
    name = target.name or "target"
    panel = Panel([target], [name])
    seals = {name: read_archive(folder.target).sha256}
    progress(0, total)
    with only_run(folder.state):
        found, state = resumable_screen(
            library,
            panel,
            seals,
            folder.state,
            top=int(asked["top"]),
            only=StructureFilter(asked["only"]),
            columns=asked["columns"],
            progress=lambda done: progress(done, total),
            checkpoint_seconds=settings.limits.checkpoint_seconds,
        )
        level = float(asked["level"])
        backing = backing_of_hits(found.hits, {name: target}.get, level=level)
        write_hits(folder.hits, found.hits, panel.quantity, backing=backing, overwrite=True)
        _write_refused(folder.rejected, state)
    folder.tidy()
    seconds = round(time.monotonic() - started, 2)
    return _screened(found) | {"target_id": asked["target_id"], "seconds": seconds}


def _library(settings: WebSettings, asked: Mapping[str, Any], folder: JobFolder) -> tuple[Path, int]:
    """What is screened, and its number of rows."""
    if asked["library"]:
        if settings.library is None:
            raise InputError("this server has no library any more; upload a file.")
        return settings.library, LibraryIndex.open(settings.library).rows
    if not folder.upload.exists():
        raise InputError("what was uploaded is not here any more; upload it again.")
    most = settings.limits.max_rows
    limits = ReadLimits(max_uncompressed=20 * settings.limits.max_body, max_rows=most)
    total = count_compounds(folder.upload, columns=asked["columns"], limits=limits)
    if total > most:
        raise InputError(f"{folder.upload}: holds {total:,} rows, and this server takes up to {most:,}.")
    return folder.upload, total


def _screened(found: Screened) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "scored": found.scored,
        "rejected": dict(found.refused),
        "hits": sum(map(len, found.hits.values())),
        "resumed": found.resumed,
    }


def _write_refused(path: Path, state: StateFolder) -> None:
    refused = list(state.refused())
    with TableWriter(path, REFUSED_COLUMNS, overwrite=True) as writer:
        columns: dict[str, list[object]] = {
            "row": [one.row + 1 for one in refused],
            "text": [one.text for one in refused],
            "code": [one.code for one in refused],
            "reason": [one.reason for one in refused],
        }
        writer.write(columns)


def build_panel(
    settings: WebSettings, _job: ClaimedJob, _folder: JobFolder, progress: Progress
) -> Mapping[str, Any]:
    """Compile all known targets of the model; those that are compiled already are kept."""
    served, started = ServedModel(settings.model), time.monotonic()
    place = panel_folder(settings.work, served.id)
    place.mkdir(parents=True, exist_ok=True)
    model, kept = served.model, 0
    names = list(zip(model.memory_names, model.memory_sequences, strict=True))
    for done, (name, sequence) in enumerate(names, start=1):
        path = place / f"{target_id(served.id, sequence, name)}.hpcm"
        if path.exists():
            kept += 1
        else:
            save_target_model(served.compile(Target(sequence, name, ())), path)
        progress(done, len(names))
    return {"targets": len(names), "kept": kept, "seconds": round(time.monotonic() - started, 2)}


WORK: Final[Mapping[JobKind, Work]] = MappingProxyType({"screen": screen, "panel": build_panel})
"""What does the jobs of each kind."""
