"""Every exception that this package raises on purpose, and the record of a refused row.

The tree; the number is the exit code of the command line:

    HyperpcmError                 1
    ├── InputError                2   the user can mend it; safe to show as it is (HTTP 422)
    │   ├── InvalidSmilesError
    │   ├── InvalidSequenceError
    │   ├── TableError                a file that should hold rows
    │   ├── LabelError                values, units, relations, classes
    │   ├── SplitError                a division that cannot be made
    │   ├── ConfigError               a setting: unknown, out of range, contradictory
    │   └── OutputError               a path that may not be written
    ├── DataUnavailableError      2   a catalogued file cannot be had
    │   └── ChecksumError             it was had, and it is not the file that was pinned
    ├── LicenceNotAcceptedError   2   weights whose terms have to be accepted first
    ├── MissingExtraError         2   an optional dependency is not installed
    ├── ModelFileError            3
    │   ├── CorruptModelError         truncated, altered, not a model at all
    │   └── IncompatibleModelError    whole, but of another format version, encoder or data
    ├── UnknownIdError            2   nothing of this id is kept (HTTP 404)
    ├── NotReadyError             2   something has to be done first (HTTP 409)
    ├── BusyError                 2   too much is waiting already (HTTP 429)
    ├── ShardsFailedError         4   some shards of a screen could not be done; the others are
    ├── DiskFullError             5
    ├── DivergedError             1   the training loss is no longer a number
    ├── ProcessLostError          1   one of several processes died
    └── TrainingStoppedError     75   stopped by a signal after a checkpoint (130 for Ctrl-C)

Each message says where, what was found and what to do.
"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "BusyError",
    "ChecksumError",
    "ConfigError",
    "CorruptModelError",
    "DataUnavailableError",
    "DiskFullError",
    "DivergedError",
    "HyperpcmError",
    "IncompatibleModelError",
    "InputError",
    "InvalidSequenceError",
    "InvalidSmilesError",
    "LabelError",
    "MissingExtraError",
    "ModelFileError",
    "NotReadyError",
    "OutputError",
    "ProcessLostError",
    "Rejection",
    "ShardsFailedError",
    "SplitError",
    "TableError",
    "TrainingStoppedError",
    "UnknownIdError",
    "disk_full_as_error",
]


class HyperpcmError(Exception):
    """Base of all deliberate errors; catch this one to catch them all."""

    exit_code: int = 1


class InputError(HyperpcmError):
    """What the user gave cannot be used; the message says how to mend it."""

    exit_code = 2


class InvalidSmilesError(InputError):
    """One SMILES cannot become a compound.

    Attributes:
        code: short machine-readable reason, such as ``PARSE`` or ``TOO_LARGE``.
        reason: one sentence for a person.
    """

    def __init__(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(f"{code}: {reason}")

    def __reduce__(self) -> tuple[type[InvalidSmilesError], tuple[str, str]]:
        """How another process makes it again."""
        return type(self), (self.code, self.reason)


class InvalidSequenceError(InputError):
    """One amino-acid sequence cannot become a target.

    Attributes:
        code: short machine-readable reason, such as ``EMPTY`` or ``BAD_RESIDUE``.
        reason: one sentence for a person.
        position: 1-based residue number, where one residue is to blame.
    """

    def __init__(self, code: str, reason: str, position: int | None = None) -> None:
        self.code, self.reason, self.position = code, reason, position
        super().__init__(f"{code}: {reason}")

    def __reduce__(self) -> tuple[type[InvalidSequenceError], tuple[str, str, int | None]]:
        """How another process makes it again."""
        return type(self), (self.code, self.reason, self.position)


class TableError(InputError):
    """A file that should hold a table cannot be read as one."""


class LabelError(InputError):
    """Values, units, relations or classes that no model can be fitted to."""


class SplitError(InputError):
    """A division into train, validation and test that cannot be made or that leaks."""


class ConfigError(InputError):
    """A setting that is unknown, out of range or contradicts another."""


class OutputError(InputError):
    """A path that may not be written: it exists, or its folder does not or is read-only."""


class DataUnavailableError(HyperpcmError):
    """A catalogued file is neither here nor to be had."""

    exit_code = 2


class ChecksumError(DataUnavailableError):
    """A file arrived, and its sha256 is not the pinned one."""


class LicenceNotAcceptedError(HyperpcmError):
    """Weights whose licence has to be accepted first; the message holds the terms and the command."""

    exit_code = 2


class MissingExtraError(HyperpcmError):
    """An optional dependency is absent; the message holds the exact install command."""

    exit_code = 2

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} is not installed. Run: pip install 'hyperpcm[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """How another process makes it again."""
        return type(self), (self.what, self.extra)


class ModelFileError(HyperpcmError):
    """A model file cannot be used."""

    exit_code = 3


class CorruptModelError(ModelFileError):
    """A model file is truncated, altered, or not a model file."""


class IncompatibleModelError(ModelFileError):
    """A whole model file that this version, encoder or data set does not fit."""


class UnknownIdError(HyperpcmError):
    """A server keeps nothing of this id: it never did, or it was removed."""

    exit_code = 2


class NotReadyError(HyperpcmError):
    """Something that takes long has to be done first; the message says what."""

    exit_code = 2


class BusyError(HyperpcmError):
    """A server has as much to do as it accepts; the same can be asked again later.

    Attributes:
        retry_after: seconds after which it is worth asking again.
    """

    exit_code = 2

    def __init__(self, message: str, retry_after: int = 2) -> None:
        self.message, self.retry_after = message, retry_after
        super().__init__(message)

    def __reduce__(self) -> tuple[type[BusyError], tuple[str, int]]:
        """How another process makes it again."""
        return type(self), (self.message, self.retry_after)


class ShardsFailedError(HyperpcmError):
    """Some shards of a screen could not be done; what the others found is kept."""

    exit_code = 4


class DiskFullError(HyperpcmError):
    """No space was left for a file; nothing half-written carries the final name."""

    exit_code = 5


class DivergedError(HyperpcmError):
    """The training loss became NaN or infinite; the last good checkpoint is kept."""


class ProcessLostError(HyperpcmError):
    """One of several processes died, and the others were ended; checkpoints and stored vectors are kept."""


class TrainingStoppedError(HyperpcmError):
    """Training was stopped by a signal and can be resumed from its checkpoint."""

    def __init__(self, message: str, exit_code: int = 75) -> None:
        self.exit_code = exit_code
        super().__init__(message)


@dataclasses.dataclass(frozen=True, slots=True)
class Rejection:
    """One input row that could not be used. It is reported, never dropped silently.

    Attributes:
        row: 0-based position in what the user gave; readers of files say the line in ``reason``.
        text: the offending text, at most 200 characters of it.
        code: short machine-readable reason, such as ``PARSE``.
        reason: one sentence for a person.
    """

    row: int
    text: str
    code: str
    reason: str


@contextmanager
def disk_full_as_error(path: Path) -> Iterator[None]:
    """Turn the operating system's "no space left" into `DiskFullError` that names the path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"{path}: no space left on the disk. Free some and run the same command again."
            ) from error
        raise
