"""Targets from FASTA, in all the forms in which it is met."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hyperpcm.errors import InputError, InvalidSequenceError, Rejection, TableError
from hyperpcm.protein.sequence import Target, validate_sequence

__all__ = ["FastaRecords", "only_record", "parse_fasta", "read_fasta"]

_MAX_BYTES = 1_000_000_000  # of text, after decompression: all of Swiss-Prot three times over
_MAX_LINE = 1_000_000
_NAMED = 8  # records listed where one has to be chosen


@dataclass(frozen=True, slots=True)
class FastaRecords:
    """What a FASTA text holds.

    Attributes:
        targets: the usable records in their order; one with a name and sequence met before is not repeated.
        rejections: the others; `row` counts records from 0, unusable ones included.
    """

    targets: tuple[Target, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    sequence: str
    line: int


def read_fasta(source: Path | str) -> FastaRecords:
    """Give the records of a FASTA file, gzip-compressed or not (told by content, not by name).

    See `parse_fasta` for the forms that are understood.

    Args:
        source: path of the file.

    Raises:
        TableError: the file cannot be read, is not UTF-8 text, is damaged, or holds more than 1 GB of text.
    """
    path = Path(source)
    try:
        return _records_to_targets(_split(_lines(path)))
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text; perhaps UTF-16 or Latin-1. Save it as UTF-8.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TableError(f"{path}: damaged gzip file ({error}). Copy it again.") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror or error}).") from error


def parse_fasta(text: str) -> FastaRecords:
    """Give the records of a FASTA text.

    A record's name is the first word of its header (``sp|P00533|EGFR_HUMAN`` for UniProt), or empty. Any
    line ends, a byte-order mark, blank lines, lower case and ``;`` comment lines are understood; sequence
    lines before the first header are one record without a name, so that a bare sequence works. Two names
    for one sequence are kept. Rejected, each with a reason: a record whose sequence `validate_sequence`
    refuses (its code), one that repeats name and sequence (``DUPLICATE``), and every record of a name that
    stands for different sequences (``CONFLICT``), as in files that list the chains of a complex.

    Example:
        >>> parse_fasta(">demo first\\nMKT\\nAYI\\n").targets[0].sequence
        'MKTAYI'
    """
    return _records_to_targets(_split(text.splitlines()))


def _lines(path: Path) -> Iterator[str]:
    """Lines of the file, until it proves larger than is accepted."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    size = 0
    with gzip.open(path, "rb") if compressed else path.open("rb") as file:
        while chunk := file.readline(_MAX_LINE + 1):
            size += len(chunk)
            if len(chunk) > _MAX_LINE:
                raise TableError(
                    f"{path}: a line of more than {_MAX_LINE:,} bytes; this is no protein FASTA file."
                )
            if size > _MAX_BYTES:
                raise TableError(f"{path}: more than {_MAX_BYTES:,} bytes of text. Split the file.")
            yield from chunk.decode("utf-8").splitlines()  # old Macintosh line ends stand within a "line"


def _split(lines: Iterable[str]) -> Iterator[_Record]:
    """Headers and sequences as they stand, not judged yet."""
    name, start, parts, open_record = "", 1, list[str](), False
    for number, raw in enumerate(lines, start=1):
        line = raw.lstrip("\ufeff").strip()
        if not line or line.startswith(";"):
            continue
        if line.startswith(">"):
            if open_record:
                yield _Record(name, "".join(parts), start)
            name, start, parts, open_record = (line[1:].split() or [""])[0], number, [], True
        else:
            if not open_record:
                start, open_record = number, True
            parts.append(line)
    if open_record:
        yield _Record(name, "".join(parts), start)


def _records_to_targets(records: Iterable[_Record]) -> FastaRecords:
    accepted: list[tuple[int, _Record, Target]] = []
    rejections: list[Rejection] = []
    sequences: dict[str, set[str]] = {}
    for row, record in enumerate(records):
        try:
            target = validate_sequence(record.sequence, name=record.name)
        except InvalidSequenceError as error:
            rejections.append(_rejection(row, record, error.code, error.reason))
            continue
        accepted.append((row, record, target))
        sequences.setdefault(target.name, set()).add(target.sequence)
    targets: list[Target] = []
    kept: set[str] = set()
    for row, record, target in accepted:
        if target.name and len(sequences[target.name]) > 1:
            reason = f"{target.name!r} stands for two or more different sequences; rename them."
            rejections.append(_rejection(row, record, "CONFLICT", reason))
        elif target.name in kept:
            reason = "the same name and sequence as an earlier record."
            rejections.append(_rejection(row, record, "DUPLICATE", reason))
        else:
            targets.append(target)
            if target.name:
                kept.add(target.name)
    return FastaRecords(tuple(targets), tuple(sorted(rejections, key=lambda one: one.row)))


def _rejection(row: int, record: _Record, code: str, reason: str) -> Rejection:
    return Rejection(row, (record.name or record.sequence)[:200], code, f"line {record.line}: {reason}")


def only_record(
    records: FastaRecords, source: str, record: str | None = None, *, how: str = "Choose one: --record NAME."
) -> Target:
    """Return the record that was asked for, or the only one.

    Args:
        records: of a FASTA text.
        source: what the text is called in messages.
        record: name of the record; None: there is one only.
        how: what to do where there are several, for messages.

    Raises:
        InputError: there is no such record, or several where one is needed.
        InvalidSequenceError: its sequence cannot be used.
    """
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
    raise InputError(f"{source}: holds {len(names) + len(refused):,} records ({shown}). {how}")
