"""The process of one job: limited memory, ends with its parent, leaves its outcome in the job's folder."""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from hyperpcm.errors import HyperpcmError
from hyperpcm.web.jobs.outcome import JobFolder, Outcome
from hyperpcm.web.jobs.store import ClaimedJob, JobStore
from hyperpcm.web.settings import WebSettings

__all__ = ["is_watched", "run_job", "stand_by"]

logger = logging.getLogger(__name__)

_TELL_S: Final = 0.3  # seconds between two writings of the progress
_LOOK_S: Final = 0.5  # seconds between two looks at whether the parent is alive


def stand_by(settings: WebSettings, coming: Connection) -> None:
    """Load what jobs need, then do the one that comes; in a process of its own.

    Args:
        settings: of the server.
        coming: where the worker puts the job.
    """
    _end_with_parent()
    _limit_memory(settings.limits.job_memory)
    with contextlib.suppress(Exception):  # what cannot be loaded is told when there is a job to fail
        importlib.import_module("hyperpcm.web.jobs.work")
    with contextlib.suppress(EOFError):
        run_job(settings, coming.recv())


def run_job(settings: WebSettings, job: ClaimedJob) -> None:
    """Do a job and leave its outcome.

    Args:
        settings: of the server.
        job: as the worker took it.
    """
    folder = JobFolder.of(settings.work, job.id)
    try:
        from hyperpcm.web.jobs.work import WORK  # loads the libraries, within the limits

        summary = WORK[job.kind](
            settings, job, folder, _progress(JobStore(settings.work / "jobs.sqlite"), job)
        )
        folder.write(Outcome(None, summary))
    except HyperpcmError as error:
        folder.write(Outcome(_without_paths(str(error), settings, job, folder), {}))
    except MemoryError:
        folder.write(Outcome("it needs more memory than a job may have. Give fewer rows at a time.", {}))
    except Exception:
        logger.exception("job %s", job.id)
        folder.write(Outcome("a bug in hyperpcm ended it; the log of the server tells more.", {}))


def _without_paths(message: str, settings: WebSettings, job: ClaimedJob, folder: JobFolder) -> str:
    """The message with the name that the user gave in the place of our path."""
    named = str(job.settings.get("file_name") or "the file")
    for path, name in ((folder.upload, named), (folder.target, "the target"), (folder.path, "the job")):
        message = message.replace(str(path), name)
    if settings.library is not None:
        message = message.replace(str(settings.library), "the library")
    return message.replace(str(settings.work), "")


def _progress(store: JobStore, job: ClaimedJob) -> Callable[[int, int | None], None]:
    told = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _TELL_S or done == total:
            told = now
            store.progress(job.id, done, total)

    return tell


def is_watched() -> bool:
    """Return whether the process that started this one lives, also where it ended before this one ran."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()


def _end_with_parent() -> None:
    """A job that nobody watches would write into a folder that another process may have taken up."""

    def look() -> None:
        while is_watched():
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def _limit_memory(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
