"""Which target is meant: a FASTA file, one record of it, a sequence as it stands, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.protein import Target

__all__ = ["read_target", "target_file"]


def read_target(given: str, *, record: str | None = None, name: str | None = None) -> Target:
    """The one target that is meant.

    Args:
        given: path of a FASTA file, ``-`` for FASTA on standard input, or an amino-acid sequence.
        record: name of the record, where the FASTA holds several.
        name: what to call the target instead of what its record says.

    Raises:
        InputError: no such file, or no record or several where one is needed.
        TableError: the file cannot be read.
        InvalidSequenceError: the sequence cannot be used.
    """
    from hyperpcm.protein import Target, only_record, parse_fasta, read_fasta, validate_sequence

    path = target_file(given)
    if given == "-":
        found = only_record(parse_fasta(sys.stdin.read()), "standard input", record)
    elif path is not None:
        found = only_record(read_fasta(path), given, record)
    elif record is not None or _looks_like_a_path(given):
        raise InputError(f"{given}: there is no such file. Give a FASTA file or an amino-acid sequence.")
    else:
        found = validate_sequence(given)
    return found if name is None else Target(found.sequence, name, found.changes)


def target_file(given: str | None) -> Path | None:
    """The FASTA file that is meant, if it is one and not a sequence."""
    try:
        return Path(given) if given is not None and Path(given).is_file() else None
    except (OSError, ValueError):  # a sequence of thousands of letters, or a NUL in it, is no name of a file
        return None


def _looks_like_a_path(given: str) -> bool:
    return any(sign in given for sign in "/\\.") and len(given) < 1000
