"""Single files of weights that a user brings, kept in the data folder under their content."""

from __future__ import annotations

import functools
import secrets
import shutil
from pathlib import Path
from typing import Final

from hyperpcm.encoders.weights.model_files import record_of
from hyperpcm.errors import ConfigError, DataUnavailableError, disk_full_as_error
from hyperpcm.public_files.download import locked
from hyperpcm.public_files.folder import data_folder

__all__ = ["keep_file", "kept_file"]

_DIGITS: Final = 64


def keep_file(file: Path) -> str:
    """Copy a file into the data folder, where `kept_file` finds it; nothing happens if it is there.

    Returns:
        Its content: the sha256, 64 hex digits.

    Raises:
        ConfigError: there is no such file, or it cannot be read.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    try:
        content = record_of(file).sha256
    except OSError as error:
        raise ConfigError(f"{file}: this file of weights cannot be read ({error.strerror}).") from None
    kept = _place(content)
    with locked(kept):
        if not kept.is_file():
            partial = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}.part")
            try:
                with disk_full_as_error(kept):
                    shutil.copyfile(file, partial)
                    partial.replace(kept)
            finally:
                partial.unlink(missing_ok=True)
    return content


def kept_file(content: str, encoder: str) -> Path:
    """Find the file with a content, verified.

    Args:
        content: its sha256.
        encoder: name of the encoder that runs on it, for messages.

    Raises:
        ConfigError: ``content`` is no sha256.
        DataUnavailableError: it is not on this machine, or damaged.
    """
    if len(content) != _DIGITS or set(content) - set("0123456789abcdef"):
        raise ConfigError(f"encoder {encoder!r}: content must be the sha256 of a file, not {content[:80]!r}.")
    kept = _place(content)
    bring = f"Bring it here and run: hyperpcm encoders fetch {encoder} --from FILE"
    try:
        state = kept.stat()
    except OSError:
        raise DataUnavailableError(
            f"the weights of {encoder} with the content {content[:12]}… are not on this machine. {bring}"
        ) from None
    if _sha256(kept, state.st_size, state.st_mtime_ns) != content:
        raise DataUnavailableError(
            f"{kept}: these weights of {encoder} are damaged. Remove the file. {bring}"
        )
    return kept


@functools.lru_cache(maxsize=16)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    """Digest of a file in this state."""
    return record_of(path).sha256


def _place(content: str) -> Path:
    return data_folder() / "weights" / "files" / content
