"""Rows that could not be used, for people and for files. People count rows from 1."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.tables import shortened
from hyperpcm.errors import Rejection

__all__ = [
    "RejectionLog",
    "all_rejections",
    "as_record",
    "by_reason",
    "check_rejections",
    "in_words",
    "name_rejections",
    "rejection_log",
    "write_rejections",
]

_LISTED: Final = 20  # refused rows named on stderr
_EXAMPLES: Final = 3  # rows shown for each reason
_SCHEMA: Final[dict[str, type]] = {"row": int, "text": str, "code": str, "reason": str}


def as_record(rejection: Rejection) -> dict[str, Any]:
    """The rejection as JSON values; ``row`` is 1 for the first row below a header."""
    return {
        "row": rejection.row + 1,
        "text": rejection.text,
        "code": rejection.code,
        "reason": rejection.reason,
    }


def in_words(rejection: Rejection) -> str:
    """The rejection as one line."""
    text = shortened(printable(rejection.text), 60)
    return f"row {rejection.row + 1}, '{text}': {rejection.code}: {printable(rejection.reason)}"


def by_reason(rejections: Sequence[Rejection]) -> list[str]:
    """Lines that count the rows refused for each reason, the most frequent first, with examples."""
    groups: dict[str, list[Rejection]] = collections.defaultdict(list)
    for one in rejections:
        groups[one.code].append(one)
    lines = []
    for code, found in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines.append(f"- {code}: {len(found):,}")
        lines += [f"    {shortened(printable(one.reason), 160)}" for one in found[:_EXAMPLES]]
        if len(found) > _EXAMPLES:
            lines.append(f"    … and {len(found) - _EXAMPLES:,} more (--rejected FILE.csv holds all)")
    return lines


def all_rejections(read: Sequence[Rejection], scored: Sequence[Rejection]) -> dict[int, Rejection]:
    """The refused rows by number; what the reader of a file said goes before what followed from it.

    Args:
        read: of the reader.
        scored: of the scores.
    """
    found = {one.row: one for one in scored} | {one.row: one for one in read}
    return dict(sorted(found.items()))


def name_rejections(
    console: Console, rejections: Mapping[int, Rejection], total: int, out: Path | None
) -> None:
    """Name the first rows that cannot be scored on stderr, and where all of them are."""
    if not rejections:
        return
    console.error(f"{len(rejections):,} of {total:,} rows cannot be scored:")
    for one in list(rejections.values())[:_LISTED]:
        console.error(f"  {in_words(one)}")
    if len(rejections) > _LISTED:
        where = f"; all are in {out}" if out is not None else "; --out FILE.csv holds all"
        console.error(f"  … and {len(rejections) - _LISTED:,} more{where}")


def check_rejections(path: Path, *, overwrite: bool, inputs: Sequence[Path]) -> None:
    """Refuse a file that `write_rejections` could not write at the end of the work.

    Raises:
        OutputError: the file may not be written, is one of the inputs, or its name has another ending.
    """
    from hyperpcm.datasets.output import TableWriter

    TableWriter(path, _SCHEMA, overwrite=overwrite, inputs=inputs)


def write_rejections(path: Path, rejections: Sequence[Rejection], *, overwrite: bool) -> None:
    """Write one row for each rejection, as `as_record` has them.

    Raises:
        OutputError: the file may not be written.
        DiskFullError: no space is left.
    """
    from hyperpcm.datasets.output import TableWriter

    records = [as_record(one) for one in rejections]
    with TableWriter(path, _SCHEMA, overwrite=overwrite) as writer:
        writer.write({name: [record[name] for record in records] for name in _SCHEMA})


class RejectionLog:
    """Counts the refused rows of a file of any length; keeps the first of them, and hands all to a writer."""

    def __init__(self, write: Callable[[Sequence[Rejection]], None] | None = None) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.first: list[Rejection] = []
        self._write = write

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Take note of refused rows."""
        self.counts.update(one.code for one in rejections)
        self.first += rejections[: max(0, _LISTED - len(self.first))]
        if self._write is not None:
            self._write(rejections)

    def tell(self, console: Console, total: int | None, verb: str) -> None:
        """Name the first on stderr, with the number of all; `total` rows were read, None where unknown."""
        refused = self.counts.total()
        if not refused:
            return
        console.error(f"{refused:,}{'' if total is None else f' of {total:,}'} rows cannot be {verb}:")
        for one in self.first:
            console.error(f"  {in_words(one)}")
        if refused > len(self.first):
            reasons = ", ".join(f"{code} {count:,}" for code, count in self.counts.most_common())
            more = f"{refused - len(self.first):,} more"
            console.error(f"  … and {more} (--rejected FILE.csv holds all). By reason: {reasons}.")


@contextlib.contextmanager
def rejection_log(
    path: Path | None, *, overwrite: bool, inputs: Sequence[Path] = ()
) -> Iterator[RejectionLog]:
    """A log that also writes one row for each rejection to a file, if one is named, as they come.

    Raises:
        OutputError: the file may not be written.
        DiskFullError: no space is left.
    """
    if path is None:
        yield RejectionLog()
        return
    from hyperpcm.datasets.output import TableWriter

    with TableWriter(path, _SCHEMA, overwrite=overwrite, inputs=inputs) as writer:

        def write(rejections: Sequence[Rejection]) -> None:
            records = [as_record(one) for one in rejections]
            writer.write({name: [record[name] for record in records] for name in _SCHEMA})

        yield RejectionLog(write)
