"""One run at a time for each file or folder it writes; the second is told who has the first."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hyperpcm.errors import OutputError

__all__ = ["only_run"]


@contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Hold the lock of what a run writes; the folder that it lies in is made.

    The system gives the lock back when the process ends, however it ends.

    Args:
        path: a file that the run writes, such as its results or, for a run folder, its settings.

    Raises:
        OutputError: another run holds it (the message says which process, where and since when), or the
            folder cannot be written to.
    """
    import filelock

    holder = path.with_name(f".{path.name}.holder")
    # Not bound to a thread: a server takes it in one and gives it back in another.
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise OutputError(
            f"{path}: another run is writing here ({_who(holder)}). Wait for it, or stop it."
        ) from None
    except OSError as error:
        raise OutputError(f"{path}: its folder cannot be written to ({error.strerror}).") from error
    try:
        mine = {
            "process": os.getpid(),
            "machine": platform.node(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        with contextlib.suppress(OSError):
            holder.write_text(json.dumps(mine), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()  # the file stays: who removes a lock file takes it from whoever is opening it


def _who(holder: Path) -> str:
    try:
        record = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {record['process']} on {record['machine']}, since {record['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
