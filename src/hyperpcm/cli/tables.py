"""Tables as plain aligned text: readable on a terminal, stable in a pipe."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Container, Sequence

from hyperpcm.cli.console import printable

__all__ = ["aligned", "byte_count", "display_width", "shortened", "terminal_width"]

_GAP = "  "
_NARROWEST = 12


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Container[str] = (),
    flexible: str | None = None,
    width: int | None = None,
) -> str:
    """Rows under a header in columns of equal width, without a final line break.

    Args:
        header: names of the columns.
        rows: cells; control characters in them are written out.
        right: names of columns aligned to the right.
        flexible: the column whose cells are shortened where the table is wider than ``width``.
        width: columns of the screen; ``None`` for no limit.
    """
    cells = [[printable(cell) for cell in row] for row in [header, *rows]]
    widths = [max(display_width(row[place]) for row in cells) for place in range(len(header))]
    if flexible is not None and width is not None:
        place = list(header).index(flexible)
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        if excess > 0:
            limit = max(widths[place] - excess, min(_NARROWEST, widths[place]))
            for row in cells:
                row[place] = shortened(row[place], limit)
            widths[place] = max(display_width(row[place]) for row in cells)
    lines = []
    for row in cells:
        padded = []
        for name, cell, size in zip(header, row, widths, strict=True):
            space = " " * (size - display_width(cell))
            padded.append(space + cell if name in right else cell + space)
        lines.append(_GAP.join(padded).rstrip())
    return "\n".join(lines)


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; ``None`` where it is a file or a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def display_width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(char) else wide.get(unicodedata.east_asian_width(char), 1) for char in text
    )


def shortened(text: str, width: int) -> str:
    """The text, or its start and ``…`` where it is wider than ``width``."""
    if display_width(text) <= width:
        return text
    kept = text
    while kept and display_width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def byte_count(size: int) -> str:
    """A number of bytes for people, in powers of ten."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} B"
