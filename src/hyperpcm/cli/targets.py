"""Which target is meant: a FASTA file, one record of it, a sequence as it stands, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.errors import InputError, InvalidSequenceError

if TYPE_CHECKING:
    from hyperpcm.protein import FastaRecords, Target

__all__ = ["read_target", "target_file"]

_NAMED = 8  # records listed where one has to be chosen


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
    from hyperpcm.protein import Target, parse_fasta, read_fasta, validate_sequence

    path = target_file(given)
    if given == "-":
        found = _chosen(parse_fasta(sys.stdin.read()), record, "standard input")
    elif path is not None:
        found = _chosen(read_fasta(path), record, given)
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


def _chosen(records: FastaRecords, record: str | None, source: str) -> Target:
    """The record that was asked for, or the only one."""
    refused = [one for one in records.rejections if record in (None, one.text)]
    fitting = [one for one in records.targets if record in (None, one.name)]
    if len(fitting) == 1 and (record is not None or not refused):
        return fitting[0]
    if not fitting and refused:
        raise InvalidSequenceError(refused[0].code, f"{source}: {refused[0].reason}")
    names = [one.name or "(no name)" for one in records.targets]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
    if not names:
        raise InputError(f"{source}: holds no sequence.")
    if not fitting:
        raise InputError(f"{source}: holds no record {record!r}. It holds {shown}.")
    raise InputError(
        f"{source}: holds {len(names) + len(refused):,} records ({shown}). Choose one: --record NAME."
    )
