"""Jobs as the server sees them: submitted with their files, followed, and done by the worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from hyperpcm.errors import BusyError, UnknownIdError, disk_full_as_error
from hyperpcm.web.answers import Job, JobKind
from hyperpcm.web.compiled import is_id
from hyperpcm.web.jobs.outcome import JobFolder
from hyperpcm.web.jobs.store import JobStore
from hyperpcm.web.jobs.worker import JobWorker
from hyperpcm.web.settings import WebSettings

__all__ = ["JobBoard"]

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

    def get(self, id: str) -> Job:
        """Return a job.

        Raises:
            UnknownIdError: there is none of this id.
        """
        if not is_id(id):
            raise UnknownIdError("there is no job of this id.")
        return self.store.get(id)

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


def _link(source: Path, place: Path) -> None:
    """One file under two names where the disk can do that, so that the job keeps what others remove."""
    with contextlib.suppress(OSError):
        os.link(source, place)
        return
    shutil.copyfile(source, place)
