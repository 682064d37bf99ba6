"""The worker process: takes one job after another and watches over the process that does it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
import time
from multiprocessing.process import BaseProcess
from typing import Final

from hyperpcm.web.jobs.outcome import JobFolder
from hyperpcm.web.jobs.process import is_watched, stand_by
from hyperpcm.web.jobs.store import ATTEMPTS, ClaimedJob, JobStore
from hyperpcm.web.settings import WebSettings

__all__ = ["JobWorker", "run_worker"]

logger = logging.getLogger(__name__)

_IDLE_S: Final = 0.2
_WATCH_S: Final = 0.2
_ALIVE_S: Final = 1.0  # seconds between two signs of life
_MERCY_S: Final = 5.0  # between asking a process to end and ending it
_AGAIN_S: Final = 0.5  # between the end of a worker and the next one


def run_worker(settings: WebSettings) -> None:
    """Do jobs until the server ends or asks for the end; in a process of its own."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which tells us
    store = JobStore(settings.work / "jobs.sqlite")
    ready = _Ready(settings)
    while not ending.is_set() and is_watched():
        job = store.claim()
        if job is None:
            ending.wait(_IDLE_S)
            continue
        JobFolder.of(settings.work, job.id).outcome.unlink(missing_ok=True)
        _watch(settings, store, job, ready.begin(job), ending)
        for id in store.remove_old(settings.limits.kept_jobs):
            JobFolder.of(settings.work, id).remove()
        if not ending.is_set():
            ready = _Ready(settings)
    ready.end()


class _Ready:
    """A process that has loaded what jobs need before there is one: that takes longer than many jobs do.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        context = multiprocessing.get_context("spawn")
        theirs, self._ours = context.Pipe(duplex=False)
        self._process = context.Process(target=stand_by, args=(settings, theirs))
        self._process.start()
        theirs.close()

    def begin(self, job: ClaimedJob) -> BaseProcess:
        """Give it the job; where it has died meanwhile, another one gets it."""
        if not self._process.is_alive():
            return _Ready(self._settings).begin(job)
        with contextlib.suppress(BrokenPipeError):  # it has just died, which is seen to as with any job
            self._ours.send(job)
        self._ours.close()
        return self._process

    def end(self) -> None:
        """End it."""
        _end(self._process)


def _watch(
    settings: WebSettings,
    store: JobStore,
    job: ClaimedJob,
    process: BaseProcess,
    ending: threading.Event,
) -> None:
    """See to the end of a job."""
    folder = JobFolder.of(settings.work, job.id)
    started, alive, reason = time.monotonic(), time.monotonic(), ""
    while process.is_alive():
        process.join(_WATCH_S)
        now = time.monotonic()
        if ending.is_set() or not is_watched():
            reason = "ending"
        elif now - started > settings.limits.job_seconds:
            reason = "time"
        elif now - alive >= _ALIVE_S:
            alive = now
            reason = "cancelled" if store.keep_alive(job.id) else ""
        if reason:
            _end(process)
    _settle(settings, store, job, folder, reason, process.exitcode)


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(_MERCY_S)
    if process.is_alive():
        process.kill()
        process.join()


def _settle(
    settings: WebSettings,
    store: JobStore,
    job: ClaimedJob,
    folder: JobFolder,
    reason: str,
    code: int | None,
) -> None:
    """Write down how a job ended."""
    outcome = folder.read()
    if outcome is not None and outcome.error is None:
        store.finish(job.id, "done", summary=outcome.summary)
    elif reason == "ending":
        store.give_back(job.id)
    elif reason == "cancelled":
        store.finish(job.id, "cancelled")
        folder.tidy(keep_upload=bool(job.settings.get("pasted")))
    elif reason == "time":
        most = settings.limits.job_seconds
        store.finish(
            job.id, "failed", error=f"it took longer than the {most:,.0f} seconds that a job may run."
        )
        folder.tidy(keep_upload=bool(job.settings.get("pasted")))
    elif outcome is not None:
        store.finish(job.id, "failed", error=outcome.error)
        folder.tidy(keep_upload=bool(job.settings.get("pasted")))
    elif store.attempts(job.id) < ATTEMPTS:
        logger.warning("the process of job %s ended with %s; it is begun again", job.id, code)
        store.give_back(job.id, begun=True)
    else:
        store.finish(
            job.id, "failed", error=f"its process was ended {ATTEMPTS} times, perhaps for want of memory."
        )
        folder.tidy(keep_upload=bool(job.settings.get("pasted")))


class JobWorker:
    """The worker process as the server sees it: started again where it was killed.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._ending = threading.Event()
        self._process: BaseProcess | None = None
        self._thread = threading.Thread(target=self._keep, name="job worker", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process and watch over it."""
        self._begin()
        self._thread.start()

    def stop(self) -> None:
        """End the process; its job waits for the next start of the server."""
        self._ending.set()
        if self._process is not None:
            self._process.terminate()
            self._process.join(2 * _MERCY_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._thread.is_alive():
            self._thread.join(2 * _AGAIN_S)

    def _begin(self) -> None:
        self._process = multiprocessing.get_context("spawn").Process(
            target=run_worker, args=(self._settings,), name="hyperpcm jobs"
        )
        self._process.start()

    def _keep(self) -> None:
        while not self._ending.wait(_AGAIN_S):
            if not self.is_alive and not self._ending.is_set():
                logger.warning("the job worker has ended; it is started again")
                self._begin()
