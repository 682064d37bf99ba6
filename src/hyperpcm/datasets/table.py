"""A table as it stands in a file: named columns of text or nothing, and where each row was found.

CSV and TSV are read here, Parquet in `parquet_input`; what a file is decides its content, not its name.
Nothing is
interpreted: ``NA``, ``N`` and ``None`` stay the texts they are (``N`` is ammonia), only an empty cell is
    ``None``.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from hyperpcm.datasets.columns import check_header, listed
from hyperpcm.datasets.input_files import PARQUET_MAGIC, ReadLimits, bounded_lines, open_text, read_head
from hyperpcm.errors import TableError

__all__ = [
    "DELIMITERS",
    "FORMULA_START",
    "RawTable",
    "raw_table_parts",
    "read_raw_table",
    "sniff_delimiter",
]

DELIMITERS: Mapping[str, str] = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may separate cells, and how messages call it."""

FORMULA_START = re.compile(r"'*(?:\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n])")
"""Start of a text that a spreadsheet would run as a formula, after any number of apostrophes. Our own tables
carry one apostrophe more there than the text has; the reader takes one off."""

_SAMPLE = 65_536
Chooser = Callable[[tuple[str, ...]], Collection[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class RawTable:
    """Columns of text as read from one file.

    Attributes:
        path: the file.
        header: names of all its columns, in order.
        columns: the chosen columns, one list [n] each; an empty cell is ``None``.
        lines: 1-based line at which each row starts (CSV), or number of the row (Parquet) [n].
        delimiter: what separates cells; empty for Parquet.
    """

    path: Path
    header: tuple[str, ...]
    columns: Mapping[str, Sequence[str | None]]
    lines: Sequence[int]
    delimiter: str

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def where(self, row: int) -> str:
        """How a message calls the 0-based ``row``: its line, or its number in a Parquet file."""
        return f"{'line' if self.delimiter else 'row'} {self.lines[row]}"


def read_raw_table(
    path: Path,
    *,
    choose: Chooser | None = None,
    delimiter: str | None = None,
    limits: ReadLimits | None = None,
) -> RawTable:
    """The columns of the CSV, TSV or Parquet file at ``path``, each also as ``.gz``.

    Args:
        path: the file; its name does not matter.
        choose: given all column names, returns those to read; ``None`` reads every column.
        delimiter: what separates cells, instead of finding out.
        limits: how much the file may hold.

    Raises:
        TableError: the file is missing, empty, without rows, not UTF-8, damaged, too large, or its rows do
            not fit its header; the message says at which line.
    """
    limits = limits or ReadLimits()
    path = Path(path)
    if read_head(path, limits).startswith(PARQUET_MAGIC):
        from hyperpcm.datasets.parquet_input import read_parquet_columns

        header, columns, rows = read_parquet_columns(path, choose=choose, limits=limits)
        return RawTable(path, header, columns, range(1, rows + 1), "")
    return next(_delimited_parts(path, choose, delimiter, limits, limits.max_rows + 1))


def raw_table_parts(
    path: Path, *, choose: Chooser | None = None, limits: ReadLimits | None = None, rows: int = 1024
) -> Iterator[RawTable]:
    """The same table piece by piece, so that no more than a piece of it is in memory.

    Args:
        path: the file; its name does not matter.
        choose: given all column names, returns those to read; ``None`` reads every column.
        limits: how much the file may hold.
        rows: most rows of one piece.

    Raises:
        TableError: as `read_raw_table`; what is wrong with a row is found when its piece is read.
    """
    limits = limits or ReadLimits()
    path = Path(path)
    if not read_head(path, limits).startswith(PARQUET_MAGIC):
        yield from _delimited_parts(path, choose, None, limits, rows)
        return
    from hyperpcm.datasets.parquet_input import parquet_column_parts

    start = 1
    for header, columns in parquet_column_parts(path, choose=choose, limits=limits, rows=rows):
        size = max((len(column) for column in columns.values()), default=0)
        yield RawTable(path, header, columns, range(start, start + size), "")
        start += size


def sniff_delimiter(sample: str, path: Path, *, whole: bool) -> str:
    """What separates the cells of ``sample``: comma, semicolon, tab or bar.

    A delimiter that divides the header and every row into the same number of cells (two or more) is taken,
    the one with most cells if there are several; if none does, the one that fits most rows, and reading
    names the line that does not fit. A single column has tabs if the file is called ``.tsv``, else commas.

    Args:
        sample: the first characters of the file.
        path: for messages.
        whole: whether the sample is the whole file; otherwise its last line is cut off and not looked at.

    Raises:
        TableError: two delimiters fit equally well.
    """
    if not whole and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    fits: dict[str, tuple[bool, int, int]] = {}
    for delimiter in DELIMITERS:
        rows, clean = _parse_sample(sample, delimiter, whole)
        width = len(rows[0]) if rows else 0
        if width >= 2:
            matching = sum(len(row) == width for row in rows)
            consistent = clean and matching == len(rows)
            fits[delimiter] = (consistent, width if consistent else matching, width)
    is_tsv = path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
    if not fits:
        return "\t" if is_tsv else ","
    best = max(fits.values())
    chosen = [delimiter for delimiter, fit in fits.items() if fit == best]
    if len(chosen) > 1 and "\t" in chosen and is_tsv:
        chosen = ["\t"]
    if len(chosen) > 1:
        names = " and ".join(DELIMITERS[delimiter] for delimiter in chosen)
        raise TableError(
            f"{path}: {names} both divide the lines into {best[2]} cells. Put names and texts that hold one "
            "of them in double quotes, or say which separates cells (delimiter)."
        )
    return chosen[0]


def _parse_sample(sample: str, delimiter: str, whole: bool) -> tuple[list[list[str]], bool]:
    """Rows that are not blank, and whether the sample could be parsed to its end."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True):
            if row:
                rows.append(row)
    except csv.Error as error:
        return rows, not whole and "unexpected end" in str(error)
    return rows, True


def _delimited_parts(
    path: Path, choose: Chooser | None, delimiter: str | None, limits: ReadLimits, rows: int
) -> Iterator[RawTable]:
    """Pieces of at most so many rows of a CSV or TSV file."""
    with open_text(path, limits) as stream:
        sample = stream.read(_SAMPLE)
        delimiter = delimiter or sniff_delimiter(sample, path, whole=len(sample) < _SAMPLE)
    with open_text(path, limits) as stream:
        records = _records(bounded_lines(stream, path, limits), delimiter, path, limits)
        _, names = next(records, (0, []))
        header = check_header([_without_apostrophe(name) for name in names], path)
        wanted = list(header) if choose is None else [name for name in header if name in set(choose(header))]
        places = [header.index(name) for name in wanted]
        count = 0
        while lines_and_cells := _gathered(
            islice(records, rows), places, len(header), path, delimiter, limits
        ):
            lines, cells = lines_and_cells
            count += len(lines)
            if count > limits.max_rows:
                raise TableError(f"{path}: more than {limits.max_rows:,} rows. Split it, or raise max_rows.")
            yield RawTable(path, header, dict(zip(wanted, cells, strict=True)), lines, delimiter)
    if not count:
        raise TableError(f"{path}: no rows: there is a header ({listed(header)}) and nothing below it.")


def _gathered(
    records: Iterator[tuple[int, list[str]]],
    places: Sequence[int],
    width: int,
    path: Path,
    delimiter: str,
    limits: ReadLimits,
) -> tuple[list[int], list[list[str | None]]] | None:
    """The lines and the chosen cells, by column, of some records; None when there are none."""
    lines: list[int] = []
    columns: list[list[str | None]] = [[] for _ in places]
    appends = [(place, column.append) for place, column in zip(places, columns, strict=True)]
    known: dict[str, str | None] = {"": None}  # equal cells (a sequence in many rows) share one text
    for line, row in records:
        if len(row) != width:
            raise _ragged(path, line, row, width, delimiter)
        for place, append in appends:
            cell = row[place]
            if cell not in known:
                if len(cell) > limits.max_cell:
                    raise _malformed(path, line, "field larger", limits)
                known[cell] = _without_apostrophe(cell)
            append(known[cell])
        lines.append(line)
    return (lines, columns) if lines else None


def _without_apostrophe(cell: str) -> str:
    """The text of a cell before it was made harmless for spreadsheets."""
    return cell[1:] if cell.startswith("'") and FORMULA_START.match(cell) else cell


def _records(
    lines: Iterator[str], delimiter: str, path: Path, limits: ReadLimits
) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not a blank line, with the line at which it starts."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise _malformed(path, start, str(error), limits) from error


def _malformed(path: Path, line: int, message: str, limits: ReadLimits) -> TableError:
    if "field larger" in message:
        return TableError(
            f"{path}: line {line} holds a cell of more than {limits.max_cell:,} characters, or a double "
            "quote opens there and is not closed. Close the quote or shorten the cell."
        )
    if "unexpected end" in message:
        return TableError(
            f"{path}: line {line}: a double quote opens and is not closed. Close it, or write it twice."
        )
    return TableError(
        f"{path}: line {line}: text stands beside a cell in double quotes ({message}). Quote the whole "
        "cell, write a quote within it twice, or close the quote of the line before."
    )


def _ragged(path: Path, line: int, row: list[str], width: int, delimiter: str) -> TableError:
    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
    name = DELIMITERS.get(delimiter, repr(delimiter))
    message = f"{path}: line {line} has {cells} where the header has {width} (separated by {name})."
    text = delimiter.join(row)
    other = [name for sign, name in DELIMITERS.items() if sign != delimiter and text.count(sign) == width - 1]
    if other and width > 1:
        return TableError(
            f"{message} That line seems to be separated by {other[0]}. Use one separator throughout."
        )
    return TableError(
        f"{message} Add or remove cells there; a text that holds the separator stands in double quotes."
    )
