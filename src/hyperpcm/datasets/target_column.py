"""The sequence of each row of a user's table: from its own column, or by identifier from a FASTA file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hyperpcm.datasets.columns import Columns, listed, plain_name
from hyperpcm.datasets.table import RawTable
from hyperpcm.datasets.units import Problems
from hyperpcm.errors import InvalidSequenceError, TableError
from hyperpcm.protein import read_fasta, validate_sequence

__all__ = ["TargetColumn", "read_targets", "the_same_target"]

_NAME_LENGTH = 20


@dataclasses.dataclass(frozen=True, slots=True)
class TargetColumn:
    """Targets of a table's rows.

    Attributes:
        sequences: validated sequence of each row [n]; empty where the row is among ``problems``.
        problems: why a row has no target.
        notes: what was found remarkable.
    """

    sequences: Sequence[str]
    problems: Problems
    notes: tuple[str, ...]


def read_targets(table: RawTable, columns: Columns, fasta: Path | None) -> TargetColumn:
    """The validated sequence of each row; a row without one takes it from the FASTA file by its identifier.

    Raises:
        TableError: one identifier stands for two different sequences, or the FASTA file cannot be used.
    """
    nothing: list[None] = [None] * len(table)
    texts = table.columns[columns.names["sequence"]] if "sequence" in columns.names else nothing
    names = table.columns[columns.names["target"]] if "target" in columns.names else nothing
    library = _Library(fasta)
    judged: dict[str, str | InvalidSequenceError] = {}
    sequences = [""] * len(table)
    problems: Problems = {}
    for row, (text, name) in enumerate(zip(texts, names, strict=True)):
        if text is None or not text.strip():
            found = library.find(name)
        else:
            found = judged.get(text) or judged.setdefault(text, _judge(text))
        if isinstance(found, InvalidSequenceError):
            problems[row] = (found.code, found.reason)
        else:
            sequences[row] = found
    _refuse_names(table, columns, sequences)
    _refuse_conflicts(table, names, sequences, library)
    return TargetColumn(sequences, problems, library.notes())


def the_same_target(table: RawTable, columns: Columns, sequence: str) -> TargetColumn:
    """The same target for each row.

    A name cannot be compared with a sequence: that there is one is among the notes.

    Raises:
        TableError: a column tells the rows of several targets apart, or has the sequence of another one.
    """
    names: dict[str, None] = {}
    for role in ("target", "sequence"):
        texts = table.columns[columns.names[role]] if role in columns.names else []
        different = list(dict.fromkeys(text.strip() for text in texts if text and text.strip()))
        if len(different) > 1:
            raise TableError(
                f"{table.path}: column {columns.names[role]!r} names {len(different):,} targets "
                f"({listed([text[:_NAME_LENGTH] for text in different], 3)}), where measurements of one are "
                f"expected. Keep the rows of that one; or, if that is no column of targets, say "
                f"--column {role}=."
            )
        for text in different:
            found = _judge(text)
            if found == sequence:
                continue
            if not isinstance(found, InvalidSequenceError) and len(found) >= _NAME_LENGTH:
                raise TableError(
                    f"{table.path}: column {columns.names[role]!r} has another sequence "
                    f"({found[:_NAME_LENGTH]}…, {len(found):,} residues) than the target of the model "
                    f"({sequence[:_NAME_LENGTH]}…, {len(sequence):,} residues). If measurements on it are to "
                    f"count nevertheless, say --column {role}=."
                )
            names[text] = None
    notes = []
    if names:
        said = listed([text[:_NAME_LENGTH] for text in names])
        notes.append(f"The rows name their target {said}; a name does not tell whether it is the model's.")
    return TargetColumn([sequence] * len(table), {}, tuple(notes))


def _judge(text: str) -> str | InvalidSequenceError:
    try:
        return validate_sequence(text).sequence
    except InvalidSequenceError as error:
        return error


class _Library:
    """Sequences of a FASTA file by identifier, also by the parts of ``sp|P00533|EGFR_HUMAN``."""

    def __init__(self, fasta: Path | None) -> None:
        self._path = fasta
        self._known: dict[str, str | InvalidSequenceError] = {}
        self._absent: dict[str, None] = {}
        if fasta is None:
            return
        records = read_fasta(fasta)
        parts: dict[str, set[str]] = {}
        for target in records.targets:
            for part in target.name.split("|"):
                parts.setdefault(part, set()).add(target.sequence)
        self._known.update({part: next(iter(found)) for part, found in parts.items() if len(found) == 1})
        for rejection in records.rejections:
            if rejection.code != "DUPLICATE":
                reason = f"its record in {fasta.name} cannot be used ({rejection.reason.rstrip('.')})"
                for part in (rejection.text, *rejection.text.split("|")):
                    self._known.setdefault(part, InvalidSequenceError(rejection.code, reason))
        self._known.update({target.name: target.sequence for target in records.targets})
        self._known.pop("", None)
        if not self._known:
            raise TableError(f"{fasta}: no record with a name and a usable sequence.")

    def get(self, name: str) -> str | None:
        """The sequence of that identifier, if the file has a usable one."""
        found = self._known.get(name)
        return found if isinstance(found, str) else None

    def find(self, name: str | None) -> str | InvalidSequenceError:
        """The sequence of that identifier, or why there is none."""
        plain = (name or "").strip()
        if self._path is None or not plain:
            return InvalidSequenceError("EMPTY", "there is no sequence")
        if plain in self._known:
            return self._known[plain]
        self._absent[plain] = None
        return InvalidSequenceError("UNKNOWN_TARGET", f"target {plain[:60]!r} is not in {self._path.name}")

    def notes(self) -> tuple[str, ...]:
        """Which identifiers were looked for in vain."""
        if not self._absent or self._path is None:
            return ()
        absent = list(self._absent)
        return (f"{len(absent):,} targets are not in {self._path.name}: {listed(absent)}.",)


def _refuse_names(table: RawTable, columns: Columns, sequences: Sequence[str]) -> None:
    """Gene names such as EGFR are made of amino-acid letters; a column called "target" may hold either."""
    column = columns.names.get("sequence", "")
    if "sequence" in columns.given or plain_name(column) not in ("target", "protein"):
        return
    if 0 < max(map(len, sequences), default=0) < _NAME_LENGTH:
        raise TableError(
            f"{table.path}: column {column!r} seems to hold names, not sequences: none has "
            f"{_NAME_LENGTH} residues. Give the sequences, or a FASTA file; if these are sequences, "
            f"say --column sequence={column}."
        )


def _refuse_conflicts(
    table: RawTable, names: Sequence[str | None], sequences: Sequence[str], library: _Library
) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        plain = name.strip() if name else ""
        if not plain or not sequences[row]:
            continue
        other = first.setdefault(plain, row)
        if other == row:
            in_file = library.get(plain)
            if in_file is not None and in_file != sequences[row]:
                raise TableError(
                    f"{table.path}: target {plain!r} has at {table.where(row)} another sequence than in the "
                    "FASTA file. Give each sequence an identifier of its own."
                )
        elif sequences[other] != sequences[row]:
            raise TableError(
                f"{table.path}: target {plain!r} has one sequence at {table.where(other)} and another at "
                f"{table.where(row)}. Give each sequence an identifier of its own, or leave the target "
                "column out (--column target=)."
            )
