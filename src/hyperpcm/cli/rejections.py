"""Rows that could not be used, for people and for files. People count rows from 1."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hyperpcm.cli.console import printable
from hyperpcm.cli.tables import shortened
from hyperpcm.errors import Rejection

__all__ = ["as_record", "by_reason", "in_words", "write_rejections"]

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
