"""Reading a list of compounds: SMILES files, tables with a column of SMILES, and SD files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from hyperpcm.chem.molblock import smiles_of_molblock
from hyperpcm.datasets.columns import find_column, listed
from hyperpcm.datasets.input_files import PARQUET_MAGIC, ReadLimits, bounded_lines, open_text, read_head
from hyperpcm.datasets.table import DELIMITERS, raw_table_parts
from hyperpcm.errors import InvalidSmilesError, Rejection, TableError

__all__ = ["CompoundList", "compound_parts", "count_compounds", "is_table", "read_compounds"]

_PART = 65_536
_RECORD_END = "$$$$"
_TABLE_END = "M  END"
_HEADERS = ("smiles", "canonical_smiles", "isomeric_smiles")


class CompoundList(NamedTuple):
    """Compounds as they stand in a file, one for each row or record of it.

    Attributes:
        smiles: the SMILES text, not judged yet; ``None`` where a rejection says that there is none.
        names: what the file calls each compound; empty where it does not say.
        rejections: rows and records without a SMILES; ``row`` is the position in ``smiles``.
    """

    smiles: list[str | None]
    names: list[str]
    rejections: list[Rejection]


def read_compounds(
    path: Path | str, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> CompoundList:
    """The compounds of a ``.smi``, CSV, TSV, Parquet or SD file, each also as ``.gz``.

    What the file is decides its content: Parquet and SD files by their marks, a table by a first line that
    names a column of SMILES; anything else has a SMILES at the start of each line and, after white space,
    perhaps a name. A broken record of an SD file keeps its place and is rejected.

    Args:
        path: the file.
        columns: of a table, the columns of the roles ``smiles`` and ``compound_id`` where names do not tell.
        limits: how much the file may hold.

    Raises:
        TableError: the file cannot be read, holds nothing, or is a table in which no column holds SMILES.
    """
    found = CompoundList([], [], [])
    for part in compound_parts(path, columns=columns, limits=limits, rows=_PART):
        start = len(found.smiles)
        found.smiles.extend(part.smiles)
        found.names.extend(part.names)
        found.rejections.extend(dataclasses.replace(one, row=one.row + start) for one in part.rejections)
    return found


def compound_parts(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    rows: int = 1024,
) -> Iterator[CompoundList]:
    """The same compounds piece by piece, so that no more than a piece of the file is in memory.

    Args:
        path: as in `read_compounds`.
        columns: as in `read_compounds`.
        limits: as in `read_compounds`.
        rows: most rows of one piece; its rejections count from its own first row.

    Raises:
        TableError: as `read_compounds`; what is wrong further down is found when its piece is read.
    """
    path, limits = Path(path), limits or ReadLimits()
    form = _form(path, columns, limits)
    if form == "table":
        yield from _table_parts(path, columns, limits, rows)
    else:
        records = _sdf_records if form == "sdf" else _smi_lines
        yield from _collected(records(path, limits), path, rows)


def count_compounds(
    path: Path, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> int:
    """Return the number of rows or records of a file of compounds; no structure is looked at.

    Counting ends one row after ``limits.max_rows``.

    Args:
        path: as in `read_compounds`.
        columns: as in `read_compounds`.
        limits: as in `read_compounds`.

    Raises:
        TableError: as `read_compounds`.
    """
    limits = limits or ReadLimits()
    number, most = 0, limits.max_rows
    if _form(path, columns, limits) == "sdf":
        with open_text(path, limits) as stream:
            is_open = False
            for line in bounded_lines(stream, path, limits):
                is_end = line.rstrip() == _RECORD_END
                number += is_end
                is_open = not is_end and (is_open or bool(line.strip()))
                if number > most:
                    return number
        return number + is_open
    endless = dataclasses.replace(limits, max_rows=1 << 62)  # a table of more rows would be an error
    for part in compound_parts(path, columns=columns, limits=endless, rows=_PART):
        number += len(part.smiles)
        if number > most:
            return most + 1
    return number


def is_table(path: Path, columns: Mapping[str, str] | None = None) -> bool:
    """Whether `read_compounds` reads a file as a table, which may hold other columns too.

    Raises:
        TableError: the file cannot be read.
    """
    return _form(path, columns, ReadLimits()) == "table"


def _form(
    path: Path, columns: Mapping[str, str] | None, limits: ReadLimits
) -> Literal["table", "sdf", "smi"]:
    if read_head(path, limits).startswith(PARQUET_MAGIC):
        return "table"
    with open_text(path, limits) as stream:
        sample = stream.read(65_536)
    if _looks_like_sdf(sample):
        return "sdf"
    return "table" if columns or _looks_like_table(sample, path) else "smi"


def _looks_like_sdf(sample: str) -> bool:
    lines = sample.splitlines()
    return any(line.rstrip() in (_RECORD_END, _TABLE_END) for line in lines) or (
        len(lines) > 3 and lines[3].rstrip().endswith(("V2000", "V3000"))
    )


def _looks_like_table(sample: str, path: Path) -> bool:
    """Whether the first line names a column of SMILES, or the file says that it is a table."""
    first = next((line for line in sample.splitlines() if line.strip()), "")
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if len(names) > 1 and find_column("smiles", list(dict.fromkeys(names)), path):
            return True
    return path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".tab"))


def _table_parts(
    path: Path, columns: Mapping[str, str] | None, limits: ReadLimits, rows: int
) -> Iterator[CompoundList]:
    chosen: dict[str, str] = {}

    def choose(header: tuple[str, ...]) -> list[str]:
        given = dict(columns or {})
        if set(given) - {"smiles", "compound_id"}:
            raise TableError(
                f"{path}: a list of compounds has the roles smiles and compound_id, not {listed([*given])}."
            )
        for role in ("smiles", "compound_id"):
            if role in given:
                if given[role] and given[role] not in header:
                    raise TableError(f"{path}: no column {given[role]!r}. Its columns are {listed(header)}.")
                name: str | None = given[role] or None
            else:
                name = find_column(role, [name for name in header if name not in chosen.values()], path)
            if name:
                chosen[role] = name
        if "smiles" not in chosen:
            raise TableError(
                f"{path}: no column holds SMILES. Its columns are {listed(header)}. "
                "Say which: --column smiles=NAME."
            )
        return list(chosen.values())

    for table in raw_table_parts(path, choose=choose, limits=limits, rows=rows):
        names = table.columns[chosen["compound_id"]] if "compound_id" in chosen else [""] * len(table)
        rejections = [
            Rejection(row, (names[row] or "")[:200], "EMPTY", f"{table.where(row)}: the SMILES is empty.")
            for row, text in enumerate(table.columns[chosen["smiles"]])
            if text is None
        ]
        yield CompoundList(list(table.columns[chosen["smiles"]]), [name or "" for name in names], rejections)


def _collected(
    entries: Iterator[tuple[str | None, str, str, str]], path: Path, rows: int
) -> Iterator[CompoundList]:
    """Gather (SMILES, name, code, reason) of at most so many entries at a time."""
    empty = True
    while some := list(islice(entries, rows)):
        empty = False
        yield CompoundList(
            [smiles for smiles, _, _, _ in some],
            [name for _, name, _, _ in some],
            [
                Rejection(row, name[:200], code, reason)
                for row, (smiles, name, code, reason) in enumerate(some)
                if smiles is None
            ],
        )
    if empty:
        raise TableError(f"{path}: no rows: the file holds no compound.")


def _smi_lines(path: Path, limits: ReadLimits) -> Iterator[tuple[str | None, str, str, str]]:
    with open_text(path, limits) as stream:
        for number, line in enumerate(bounded_lines(stream, path, limits), start=1):
            smiles, _, name = (
                line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
            )
            if smiles and not (number == 1 and smiles.lower() in _HEADERS):
                yield smiles, name.strip(), "", ""


def _sdf_records(path: Path, limits: ReadLimits) -> Iterator[tuple[str | None, str, str, str]]:
    """Each record of an SD file; a missing last ``$$$$`` is forgiven, one between two records is not."""
    with open_text(path, limits) as stream:
        lines, start, number = list[str](), 1, 0
        for number, line in enumerate(bounded_lines(stream, path, limits), start=1):
            if line.rstrip() == _RECORD_END:
                yield _sdf_entry(lines, start)
                lines, start = [], number + 1
            else:
                lines.append(line.rstrip("\r\n"))
                if len(lines) > 1_000_000:
                    raise TableError(f"{path}: the record at line {start} has more than a million lines.")
        if any(line.strip() for line in lines):
            yield _sdf_entry(lines, start)


def _sdf_entry(lines: list[str], start: int) -> tuple[str | None, str, str, str]:
    name = lines[0].strip() if lines else ""
    ends = [place for place, line in enumerate(lines) if line.rstrip() == _TABLE_END]
    if len(ends) > 1:
        reason = f"two structures without {_RECORD_END} between them."
        return None, name, "PARSE", f"record at line {start}: {reason}"
    try:
        block = "\n".join(lines[: ends[0] + 1] if ends else lines) + "\n"
        return smiles_of_molblock(block), name, "", ""
    except InvalidSmilesError as error:
        return None, name, error.code, f"record at line {start}: {error.reason}"
