"""Reading a list of compounds: SMILES files, tables with a column of SMILES, and SD files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hyperpcm.chem.molblock import smiles_of_molblock
from hyperpcm.datasets.columns import find_column, listed
from hyperpcm.datasets.input_files import PARQUET_MAGIC, ReadLimits, bounded_lines, open_text, read_head
from hyperpcm.datasets.table import DELIMITERS, read_raw_table
from hyperpcm.errors import InvalidSmilesError, Rejection, TableError

__all__ = ["CompoundList", "read_compounds"]

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
    path, limits = Path(path), limits or ReadLimits()
    if read_head(path, limits).startswith(PARQUET_MAGIC):
        return _from_table(path, columns, limits)
    with open_text(path, limits) as stream:
        sample = stream.read(65_536)
    if _looks_like_sdf(sample):
        found = _collect(_sdf_records(path, limits), path)
    elif columns or _looks_like_table(sample, path):
        return _from_table(path, columns, limits)
    else:
        found = _collect(_smi_lines(path, limits), path)
    return found


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


def _from_table(path: Path, columns: Mapping[str, str] | None, limits: ReadLimits) -> CompoundList:
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

    table = read_raw_table(path, choose=choose, limits=limits)
    names = table.columns[chosen["compound_id"]] if "compound_id" in chosen else [""] * len(table)
    rejections = [
        Rejection(row, (names[row] or "")[:200], "EMPTY", f"{table.where(row)}: the SMILES is empty.")
        for row, text in enumerate(table.columns[chosen["smiles"]])
        if text is None
    ]
    return CompoundList(list(table.columns[chosen["smiles"]]), [name or "" for name in names], rejections)


def _collect(entries: Iterator[tuple[str | None, str, str, str]], path: Path) -> CompoundList:
    """Gather (SMILES, name, code, reason) of each entry."""
    found = CompoundList([], [], [])
    for row, (smiles, name, code, reason) in enumerate(entries):
        found.smiles.append(smiles)
        found.names.append(name)
        if smiles is None:
            found.rejections.append(Rejection(row, name[:200], code, reason))
    if not found.smiles:
        raise TableError(f"{path}: no rows: the file holds no compound.")
    return found


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
