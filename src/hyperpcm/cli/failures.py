"""From an exception to a message and an exit code.

0     done
1     the training diverged, or a bug of ours
2     something that the user can mend: arguments, files, settings, data that cannot be had
3     a model file that cannot be used
4     done but for some shards of a screen, which are named
5     no space on the disk
75    stopped by a signal after a checkpoint; --resume goes on
130   stopped with Ctrl-C
141   whoever read our output has closed it
"""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from typing import Final

from hyperpcm.cli.console import Console
from hyperpcm.errors import HyperpcmError, TrainingStoppedError

__all__ = ["BROKEN_PIPE", "BUG", "DISK_FULL", "INTERRUPTED", "explain"]

BUG: Final = 1
DISK_FULL: Final = 5
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


def explain(error: BaseException, console: Console) -> int:
    """Say on stderr what went wrong, and return the exit code."""
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    if console.debug:
        console.error("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, KeyboardInterrupt):
        console.error("stopped.")
        return INTERRUPTED
    if isinstance(error, TrainingStoppedError):
        console.error(str(error))
        return error.exit_code
    if isinstance(error, HyperpcmError):
        console.error(f"error: {error}")
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        console.error(f"error: {error.filename or 'standard output'}: no space left on the disk.")
        return DISK_FULL
    if isinstance(error, MemoryError):
        console.error("error: not enough memory for this. Give fewer rows at a time, or a larger machine.")
        return BUG
    console.error(f"this is a bug in hyperpcm: {type(error).__name__}: {error}{_place(error)}")
    if not console.debug:
        console.error("Please report it with what `hyperpcm --debug …` prints for the same command.")
    return BUG


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
