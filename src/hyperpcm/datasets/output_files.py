"""Files that appear whole or not at all, and never over something that must stay."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from hyperpcm.errors import OutputError, disk_full_as_error

__all__ = ["Closes", "atomic_file", "check_output", "finish", "remove_unfinished"]


_SUFFIX: Final = ".part"


class Closes(Protocol):
    """Something that writes what it still holds when it is closed."""

    def close(self) -> None:
        """Write the rest."""


def check_output(path: Path, *, overwrite: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Refuse a path that could not be written at the end of the work; call it before the work starts.

    Args:
        path: where a table or another file shall go.
        overwrite: whether a file that is there may be replaced.
        inputs: files that are being read, and must not be replaced even then.

    Raises:
        OutputError: the path exists, is a folder or one of the inputs; its folder is missing or read-only.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path}: this is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist. Create it first.")
    if path.exists():
        if any(given.exists() and given.samefile(path) for given in map(Path, inputs)):
            raise OutputError(f"{path}: this file is read from. Write to another one.")
        if not overwrite:
            raise OutputError(
                f"{path}: exists already. Choose another name, or allow it to be replaced (--overwrite)."
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: the folder {path.parent} cannot be written to. Choose another one.")


@contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A binary file that appears at ``path`` whole when the block ends, and not at all if it raises.

    It is written beside ``path`` under a name of its own, flushed to the disk and renamed.

    Raises:
        OutputError: as `check_output`.
        DiskFullError: no space is left; what was at ``path`` before is still there.
    """
    check_output(path, overwrite=overwrite)
    with disk_full_as_error(path):
        try:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_SUFFIX)
        except PermissionError as error:
            raise OutputError(
                f"{path}: the folder {path.parent} cannot be written to ({error.strerror})."
            ) from error
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(_usual_mode(path))
            check_output(path, overwrite=overwrite)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def remove_unfinished(path: Path) -> None:
    """Remove what `atomic_file` wrote beside a path when its process was killed.

    Args:
        path: that no other process writes.
    """
    if path.parent.is_dir():
        for left in path.parent.iterdir():
            if left.name.startswith(_prefix(path)) and left.name.endswith(_SUFFIX):
                left.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    """How the name of a file begins that is not yet at ``path``."""
    return f".{path.name[:80]}."


def _usual_mode(path: Path) -> int:
    """Permissions of the file that is replaced, or those a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def finish(opened: contextlib.ExitStack, sink: Closes | None, error: BaseException | None) -> None:
    """Close a sink and the files under it, which then get their names; after an error they are removed.

    Args:
        opened: holds the files, as from `atomic_file`.
        sink: what writes into them; None where there is none.
        error: what ended the work early; it is raised again.
    """
    with opened:
        if error is not None:
            with contextlib.suppress(Exception):
                if sink is not None:
                    sink.close()
            raise error
        if sink is not None:
            sink.close()
