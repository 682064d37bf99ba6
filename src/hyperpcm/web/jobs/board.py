"""Jobs as the server sees them: submitted with their files, followed, and done by the worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from hyperpcm.errors import BusyError, InputError, UnknownIdError, disk_full_as_error
from hyperpcm.screening import FILTERS
from hyperpcm.target_model import TargetModel
from hyperpcm.web.answers import Job, JobKind
from hyperpcm.web.compiled import is_id
from hyperpcm.web.jobs.outcome import JobFolder
from hyperpcm.web.jobs.store import JobStore
from hyperpcm.web.jobs.worker import JobWorker
from hyperpcm.web.settings import WebSettings

__all__ = ["JobBoard", "check_screen"]

_LOOK_S: Final = 0.4  # between two looks at a job that is followed
_QUIET_S: Final = 15.0  # without news after which a sign of life is given


class JobBoard:
    """The jobs of one server.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings, self._watchers = settings, 0
        self._uploads = settings.work / "uploads"
        shutil.rmtree(self._uploads, ignore_errors=True)  # of requests that an end of the server cut off
        for folder in (self._uploads, settings.work / "jobs"):
            folder.mkdir(parents=True, exist_ok=True)
        self.store = JobStore(settings.work / "jobs.sqlite")
        self.worker = JobWorker(settings)

    def new_upload(self) -> Path:
        """Return the path of a file for an upload."""
        return self._uploads / uuid.uuid4().hex

    def submit(
        self,
        kind: JobKind,
        title: str,
        settings: Mapping[str, Any],
        *,
        target: Path | None = None,
        upload: Path | None = None,
    ) -> Job:
        """Add a job with its files.

        Args:
            kind: what is done.
            title: for people.
            settings: JSON values.
            target: file of the compiled target that is asked; it is copied.
            upload: as from `new_upload`; it is moved.

        Raises:
            BusyError: as many wait or run as are taken.
        """
        id = uuid.uuid4().hex
        folder = JobFolder.of(self._settings.work, id)
        folder.path.mkdir()
        try:
            with disk_full_as_error(folder.path):
                if target is not None:
                    _link(target, folder.target)
                if upload is not None:
                    upload.replace(folder.upload)
            return self.store.submit(id, kind, title, settings, most_open=self._settings.limits.max_jobs)
        except BaseException:
            folder.remove()
            raise

    def submit_screen(
        self,
        model: TargetModel,
        id: str,
        target: Path,
        upload: Path | None,
        *,
        file_name: str,
        settings: Mapping[str, Any],
    ) -> Job:
        """Add a screen of an upload, or of the library of the server.

        Args:
            model: the target.
            id: of it.
            target: file of it.
            upload: as from `new_upload`; None: the library.
            file_name: what the upload is called by whoever sent it.
            settings: ``columns``, ``top``, ``only`` and ``level``.

        Raises:
            BusyError: as many wait or run as are taken.
        """
        library = self._settings.library
        what = (file_name or "uploaded compounds") if upload is not None or library is None else library.name
        name = model.name or f"a target of {len(model.sequence):,} residues"
        about = {
            "library": upload is None,
            "file_name": file_name[:200],
            "target_id": id,
            "target": name,
        }
        title = f"{what[:100]} on {name[:100]}"
        return self.submit("screen", title, {**settings, **about}, target=target, upload=upload)

    def submit_panel(self, targets: int) -> Job:
        """Add the job that compiles all known targets, or return the one that does.

        Args:
            targets: how many there are.

        Raises:
            BusyError: as many wait or run as are taken.
        """
        running = self.store.open_of("panel")
        return running or self.submit("panel", f"Compile all {targets:,} known targets", {})

    def get(self, id: str) -> Job:
        """Return a job.

        Raises:
            UnknownIdError: there is none of this id.
        """
        if not is_id(id):
            raise UnknownIdError("there is no job of this id.")
        return self.store.get(id)

    def sent(self, id: str) -> tuple[dict[str, Any], str]:
        """Return the settings of a job, and what was pasted for it; empty where that is not kept.

        Raises:
            UnknownIdError: there is none of this id.
        """
        self.get(id)
        settings, pasted = self.store.settings(id), ""
        if settings.get("pasted"):
            with contextlib.suppress(OSError):
                pasted = JobFolder.of(self._settings.work, id).upload.read_text(encoding="utf-8")
        return settings, pasted

    def watch(self, id: str) -> AsyncIterator[Job | None]:
        """Return the states of a job as they come, until its end; None where nothing happened for a while.

        Raises:
            UnknownIdError: there is none of this id.
            BusyError: too many are followed already.
        """
        first = self.get(id)
        if self._watchers >= self._settings.limits.max_watchers:
            raise BusyError("too many follow jobs at the moment. Ask for the job itself instead.", 5)
        return self._states(first)

    async def _states(self, job: Job) -> AsyncIterator[Job | None]:
        self._watchers += 1
        try:
            yield job
            told = time.monotonic()
            while not job.is_final:
                await asyncio.sleep(_LOOK_S)
                try:
                    found = await anyio.to_thread.run_sync(self.store.get, job.id)
                except UnknownIdError:  # removed as an old one meanwhile
                    return
                if found.version != job.version:
                    job, told = found, time.monotonic()
                    yield job
                elif time.monotonic() - told > _QUIET_S:
                    told = time.monotonic()
                    yield None
        finally:
            self._watchers -= 1


def check_screen(settings: WebSettings, upload: Path | None, top: int, only: Sequence[str]) -> None:
    """Refuse a screen that cannot be, before its target is compiled.

    Raises:
        InputError: too many hits, a filter that is not known, or there is no library.
    """
    most = settings.limits.max_hits
    if not 1 <= top <= most:
        raise InputError(f"top: a number from 1 to {most:,}, not {top:,}.")
    if unknown := [name for name in only if name not in FILTERS]:
        raise InputError(f"only: there is no filter {unknown[0][:50]!r}; there are {', '.join(FILTERS)}.")
    if upload is None and settings.library is None:
        raise InputError("this server has no library; upload a file of compounds.")


def _link(source: Path, place: Path) -> None:
    """One file under two names where the disk can do that, so that the job keeps what others remove."""
    with contextlib.suppress(OSError):
        os.link(source, place)
        return
    shutil.copyfile(source, place)
