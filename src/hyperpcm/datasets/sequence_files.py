"""Reading a list of proteins: FASTA, or a table with a column of sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hyperpcm.datasets.columns import find_column, listed
from hyperpcm.datasets.input_files import PARQUET_MAGIC, ReadLimits, open_text, read_head
from hyperpcm.datasets.table import DELIMITERS, RawTable, raw_table_parts
from hyperpcm.errors import InvalidSequenceError, Rejection, TableError
from hyperpcm.protein import read_fasta, validate_sequence

__all__ = ["ProteinList", "protein_parts"]

_ROLES: Final = ("sequence", "target")


class ProteinList(NamedTuple):
    """Some proteins of a file, one for each row or record of it.

    Attributes:
        sequences: validated; ``None`` where a rejection says why there is none.
        names: what the file calls each; empty where it does not say.
        rejections: rows that cannot be used; ``row`` is the position in ``sequences``.
    """

    sequences: list[str | None]
    names: list[str]
    rejections: list[Rejection]


def protein_parts(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    limits: ReadLimits | None = None,
    rows: int = 1024,
) -> Iterator[ProteinList]:
    """The proteins of a FASTA, CSV, TSV or Parquet file, each also as ``.gz``, piece by piece.

    What the file is decides its content: a table has a first line that names a column of sequences. A FASTA
    file is read whole, since its names are compared with each other; a table is not.

    Args:
        path: the file.
        columns: of a table, the columns of the roles ``sequence`` and ``target`` where names do not tell.
        limits: how much a table may hold.
        rows: most rows of one piece.

    Raises:
        TableError: the file cannot be read, holds nothing, or is a table in which no column holds sequences.
    """
    path, limits = Path(path), limits or ReadLimits()
    if _is_table(path, columns, limits):
        yield from _table_parts(path, columns, limits, rows)
        return
    whole = _from_fasta(path)
    for start in range(0, len(whole.sequences), rows):
        stop = start + rows
        refused = [one for one in whole.rejections if start <= one.row < stop]
        yield ProteinList(
            whole.sequences[start:stop],
            whole.names[start:stop],
            [Rejection(one.row - start, one.text, one.code, one.reason) for one in refused],
        )


def _is_table(path: Path, columns: Mapping[str, str] | None, limits: ReadLimits) -> bool:
    if read_head(path, limits).startswith(PARQUET_MAGIC) or columns:
        return True
    with open_text(path, limits) as stream:
        sample = stream.read(65_536)
    first = next((line for line in sample.splitlines() if line.strip()), "")
    if first.startswith((">", ";")):
        return False
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if len(names) > 1 and find_column("sequence", list(dict.fromkeys(names)), path):
            return True
    return path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".tab"))


def _from_fasta(path: Path) -> ProteinList:
    records = read_fasta(path)
    size = len(records.targets) + len(records.rejections)
    if not size:
        raise TableError(f"{path}: no rows: the file holds no sequence.")
    refused = {one.row: one for one in records.rejections}
    accepted = iter(records.targets)
    sequences: list[str | None] = []
    names = []
    for row in range(size):
        target = None if row in refused else next(accepted)
        sequences.append(None if target is None else target.sequence)
        names.append(refused[row].text if target is None else target.name)
    return ProteinList(sequences, names, list(records.rejections))


def _table_parts(
    path: Path, columns: Mapping[str, str] | None, limits: ReadLimits, rows: int
) -> Iterator[ProteinList]:
    chosen: dict[str, str] = {}

    def choose(header: tuple[str, ...]) -> list[str]:
        given = dict(columns or {})
        if set(given) - set(_ROLES):
            raise TableError(
                f"{path}: a list of proteins has the roles sequence and target, not {listed([*given])}."
            )
        for role in ("target", "sequence"):  # beside a "target_id", a "target" is a sequence
            if role in given:
                if given[role] and given[role] not in header:
                    raise TableError(f"{path}: no column {given[role]!r}. Its columns are {listed(header)}.")
                name: str | None = given[role] or None
            else:
                taken = {*chosen.values(), *given.values()}
                name = find_column(role, [name for name in header if name not in taken], path)
            if name:
                chosen[role] = name
        if "sequence" not in chosen:
            raise TableError(
                f"{path}: no column holds sequences. Its columns are {listed(header)}. "
                "Say which: --column sequence=NAME."
            )
        return list(chosen.values())

    for table in raw_table_parts(path, choose=choose, limits=limits, rows=rows):
        yield _judged(table, chosen)


def _judged(table: RawTable, chosen: Mapping[str, str]) -> ProteinList:
    """The validated sequences of some rows of a table."""
    names = [name or "" for name in table.columns[chosen["target"]]] if "target" in chosen else None
    found = ProteinList([], names or [""] * len(table), [])
    for row, text in enumerate(table.columns[chosen["sequence"]]):
        try:
            found.sequences.append(validate_sequence(text or "").sequence)
        except InvalidSequenceError as error:
            found.sequences.append(None)
            reason = f"{table.where(row)}: {error.reason}"
            found.rejections.append(
                Rejection(row, (found.names[row] or text or "")[:200], error.code, reason)
            )
    return found
