"""Reading a user's own table of measurements into `Interactions`.

No row is dropped silently: what cannot be used is a `Rejection` that names the line; what was guessed,
converted or merged is a note.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import standardise_all
from hyperpcm.datasets.columns import Columns, guess_columns
from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.labels import Kind, Labels, no_labels, read_labels
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.datasets.table import DELIMITERS, RawTable, read_raw_table
from hyperpcm.datasets.target_column import read_targets, the_same_target
from hyperpcm.datasets.tidy_folder import read_tidy_folder
from hyperpcm.datasets.units import Problems
from hyperpcm.errors import (
    InputError,
    InvalidSequenceError,
    InvalidSmilesError,
    LabelError,
    Rejection,
    TableError,
)

__all__ = ["read_table"]

logger = logging.getLogger(__name__)

_SMILES, _TARGET, _LABEL = "smiles", "sequence", "value"


def read_table(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    targets: Path | str | None = None,
    only_target: str | None = None,
    quantity: str | None = None,
    unit: str | None = None,
    active_at: float | None = None,
    kind: Kind | None = None,
    values: bool = True,
    merge: bool = True,
    strict: bool = False,
    delimiter: str | None = None,
    limits: ReadLimits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Interactions:
    """The measurements of a CSV, TSV or Parquet file (each also as ``.gz``), one row of it for each.

    Columns are recognised by their names. Needed are SMILES, sequences (or identifiers and a FASTA file) and
    values or class labels; a relation, a unit, a year and names are used where there are any. Concentrations
    become -log10(M), on which higher is stronger, so that ``>10000 nM`` is ``<5``. Values on other scales
    stay as they are.

    Args:
        path: the table; what the file is decides its content, not its name. Or a folder of three tables
            (`hyperpcm.datasets.tidy_folder`).
        columns: the column of a role (see `hyperpcm.datasets.columns.ROLES`) where its name does not tell;
            an empty name says that no column plays the role.
        targets: FASTA file with the sequences of the identifiers in the target column.
        only_target: the sequence that all rows were measured on; no column of targets is needed then.
        quantity: what the values are (``Kd``, ``pKi``, ``KIBA score``) where the column's name does not tell.
        unit: unit of values for which the table does not tell one.
        active_at: values of at least this, on the scale of the labels, are active.
        kind: ``regression`` or ``binary``; otherwise told by the values.
        values: whether values are read; otherwise every label is 0, and no row is refused for its value.
        merge: whether repeated measurements of a pair become one row (`hyperpcm.datasets.merge_repeats`).
        strict: whether the first unusable row raises instead of becoming a rejection.
        delimiter: what separates cells, instead of finding out.
        limits: how much the file may hold.
        progress: is called with the number of different SMILES standardised so far.

    Returns:
        The usable rows in their order. ``rejections`` count rows from 0 below the header and name the line.

    Raises:
        TableError: the file cannot be read as a table, a column is missing or ambiguous, one target
            identifier has two sequences, or no row can be used.
        LabelError: units or numbers are ambiguous, or no value can be used.
        InvalidSmilesError: with ``strict``, the first unusable row has an unusable SMILES.
        InvalidSequenceError: with ``strict``, the first unusable row has an unusable target.
    """
    path = Path(path)
    assigned: list[Columns] = []

    def choose(header: tuple[str, ...]) -> Sequence[str]:
        assigned.append(
            guess_columns(
                header,
                path,
                given=columns,
                quantity=quantity,
                kind=kind,
                sequence_needed=targets is None,
                target_needed=only_target is None,
                value_needed=values,
            )
        )
        return tuple(assigned[0].names.values())

    if path.is_dir():
        tidy = read_tidy_folder(path, limits=limits)
        table, folds = tidy.table, tidy.folds
        chosen = choose(table.header)
        table = dataclasses.replace(table, columns={name: table.columns[name] for name in chosen})
    else:
        table, folds = read_raw_table(path, choose=choose, delimiter=delimiter, limits=limits), {}
    roles = assigned[0]
    notes = [_origin_note(table, roles)]
    if folds:
        notes.append(f"Fold columns: {', '.join(folds)}.")
    if values:
        labels = read_labels(table, roles, quantity=quantity, unit=unit, active_at=active_at, kind=kind)
    else:
        labels = no_labels(len(table))
    rows = _Rows(table, roles, notes)
    rows.refuse(labels.problems, _LABEL)
    if only_target is not None:
        found = the_same_target(table, roles, only_target)
    else:
        found = read_targets(table, roles, Path(targets) if targets is not None else None)
    notes.extend((*labels.notes, *found.notes))
    rows.refuse(found.problems, _TARGET)
    compounds = _compounds(rows, progress)
    rows.finish(labels, strict=strict)
    interactions = _assemble(rows, labels, compounds, found.sequences, folds)
    for note in interactions.notes:
        logger.info("%s: %s", interactions.name, note)
    return _merged(interactions, rows, strict=strict) if merge else interactions


class _Rows:
    """The rows of a table while it is found out which can be used."""

    def __init__(self, table: RawTable, roles: Columns, notes: list[str]) -> None:
        self.table, self.roles, self.notes = table, roles, notes
        self.usable = np.ones(len(table), dtype=np.bool_)
        self.blank = _blank_rows(table)
        self.usable[self.blank] = False
        self._problems: dict[int, tuple[str, str, str]] = {}
        if len(self.blank):
            notes.append(f"{len(self.blank):,} rows without any content were skipped.")

    @property
    def kept(self) -> npt.NDArray[np.int64]:
        """Positions of the rows that can be used so far."""
        return np.flatnonzero(self.usable)

    def text(self, role: str, row: int) -> str:
        """The cell of a row that plays the role, or nothing."""
        column = self.roles.names.get(role)
        return (self.table.columns[column][row] or "") if column else ""

    def refuse(self, problems: Problems, role: str) -> None:
        """Note why rows cannot be used; the first reason of a row stands."""
        for row, (code, reason) in problems.items():
            if self.usable[row]:
                self.usable[row] = False
                self._problems[row] = (role, code, reason)

    def rejections(self) -> list[Rejection]:
        """One for each row that cannot be used, in order."""
        ordered = sorted(self._problems.items())
        return [
            Rejection(row, self._shown(role, row), code, f"{self.table.where(row)}: {reason.rstrip('.')}.")
            for row, (role, code, reason) in ordered
        ]

    def _shown(self, role: str, row: int) -> str:
        twin = {_TARGET: "target", _LABEL: "label"}.get(role, role)
        return (self.text(role, row) or self.text(twin, row))[:200]

    def finish(self, labels: Labels, *, strict: bool) -> None:
        """Raise if no row is left, or with ``strict`` if one was refused; else count the refused."""
        if strict and self._problems:
            self._raise_first()
        if not self.usable.any():
            self._raise_none_left(labels)
        if self._problems:
            counts = collections.Counter(code for _, code, _ in self._problems.values())
            parts = ", ".join(f"{count:,} {code}" for code, count in counts.most_common())
            self.notes.append(f"{len(self._problems):,} of {len(self.table):,} rows cannot be used: {parts}.")

    def _raise_first(self) -> NoReturn:
        row = min(self._problems)
        role, code, reason = self._problems[row]
        message = f"{self.table.path}: {self.table.where(row)}: {reason}"
        if role == _SMILES:
            raise InvalidSmilesError(code, message)
        raise InvalidSequenceError(code, message) if role == _TARGET else LabelError(f"{code}: {message}")

    def _raise_none_left(self, labels: Labels) -> NoReturn:
        path, total = self.table.path, len(self.table)
        groups = collections.Counter((role, code) for role, code, _ in self._problems.values())
        parts = []
        for (role, code), count in groups.most_common(3):
            row = min(row for row, found in self._problems.items() if found[:2] == (role, code))
            parts.append(
                f"{count:,} × {code} ({self.table.where(row)}: {self._problems[row][2].rstrip('.')})"
            )
        reasons = "; ".join(parts) or "all are blank"
        if labels.problems.keys() >= set(range(total)) and self._problems:
            name = self.roles.names.get("value") or self.roles.names["label"]
            raise LabelError(
                f"{path}: column {name!r} was found, and none of its {total:,} cells is usable: {reasons}."
            )
        error: type[InputError] = TableError
        only = {role for role, _ in groups}
        where = f" column {self.roles.names[_SMILES]!r} was found, and" if only == {_SMILES} else ""
        raise error(f"{path}:{where} none of the {total:,} rows can be used: {reasons}.")


def _origin_note(table: RawTable, roles: Columns) -> str:
    kind = (
        f"cells separated by {DELIMITERS.get(table.delimiter, repr(table.delimiter))}"
        if table.delimiter
        else "Parquet"
    )
    return f"{len(table):,} rows read ({kind}). {roles.describe()}"


def _blank_rows(table: RawTable) -> npt.NDArray[np.int64]:
    columns = list(table.columns.values())
    return np.array(
        [row for row, cells in enumerate(zip(*columns, strict=True)) if not any(cells)], dtype=np.int64
    )


def _compounds(rows: _Rows, progress: Callable[[int], None] | None) -> list[str]:
    """Standardised SMILES of each row (empty if unusable); each different text is read once."""
    column = rows.table.columns[rows.roles.names[_SMILES]]
    texts: dict[str, str] = {}
    for row in rows.kept:
        texts.setdefault(column[row] or "", "")
    compounds, rejected = standardise_all(list(texts), progress=progress)
    bad = {rejection.row: (rejection.code, rejection.reason) for rejection in rejected}
    reasons = {text: bad[place] for place, text in enumerate(texts) if place in bad}
    for text, compound in zip(texts, compounds, strict=True):
        texts[text] = compound.smiles if compound is not None else ""
    rows.refuse(
        {int(row): reasons[text] for row in rows.kept if (text := column[row] or "") in reasons}, _SMILES
    )
    return [texts.get(text or "", "") for text in column]


def _assemble(
    rows: _Rows,
    labels: Labels,
    compounds: list[str],
    sequences: Sequence[str],
    folds: Mapping[str, npt.NDArray[np.int64]],
) -> Interactions:
    kept = rows.kept
    smiles, compound_index, compound_names = _axis(rows, kept, compounds, "compound_id", "compound")
    targets, target_index, target_names = _axis(rows, kept, sequences, "target", "target")
    return Interactions(
        name=re.sub(r"(\.(csv|tsv|tab|txt|parquet|gz))+$", "", rows.table.path.name) or rows.table.path.name,
        quantity=labels.quantity,
        compounds=smiles,
        targets=targets,
        compound_names=compound_names,
        target_names=target_names,
        compound_index=compound_index,
        target_index=target_index,
        values=labels.values[kept].astype(np.float32),
        relations=labels.relations[kept],
        year=_years(rows, kept),
        folds={name: fold[kept] for name, fold in folds.items()},
        rejections=tuple(rows.rejections()),
        notes=tuple(rows.notes),
    )


def _axis(
    rows: _Rows, kept: npt.NDArray[np.int64], content: Sequence[str], role: str, what: str
) -> tuple[tuple[str, ...], npt.NDArray[np.int64], tuple[str, ...]]:
    """Unique contents in order of first appearance, the place of each row's [n], and their display names."""
    places: dict[str, int] = {}
    names: list[dict[str, None]] = []
    index = np.empty(len(kept), np.int64)
    for position, row in enumerate(kept):
        place = index[position] = places.setdefault(content[row], len(places))
        if place == len(names):
            names.append({})
        if name := rows.text(role, row).strip():
            names[place][name] = None
    shown = tuple("|".join(known) or f"{what} {place}" for place, known in enumerate(names, start=1))
    return tuple(places), index, shown


def _years(rows: _Rows, kept: npt.NDArray[np.int64]) -> npt.NDArray[np.int16] | None:
    """The year of each kept row, or ``None`` if not all have one: the others would lie at no time."""
    name = rows.roles.names.get("year")
    if name is None:
        return None
    years = np.zeros(len(kept), np.int16)
    missing = []
    for position, row in enumerate(kept):
        found = re.fullmatch(r"(1[89]\d\d|20\d\d)(?:\.0*|-\d\d?-\d\d?.*)?", rows.text("year", row).strip())
        if found:
            years[position] = int(found[1])
        else:
            missing.append(int(row))
    if not missing:
        return years
    rows.notes.append(
        f"Column {name!r} is not used: {len(missing):,} usable rows have no year from 1800 to 2099 "
        f"(first: {rows.table.where(missing[0])})."
    )
    return None


def _merged(interactions: Interactions, rows: _Rows, *, strict: bool) -> Interactions:
    """One row for each pair; rejections made by merging then count the table's rows and name the line.

    Raises:
        LabelError: pairs contradict themselves, and no other is left or ``strict`` is asked for.
    """
    merged = merge_repeats(interactions)
    before = len(interactions.rejections)
    moved = []
    for rejection in merged.rejections[before:]:
        row = int(rows.kept[rejection.row])
        moved.append(
            Rejection(row, rejection.text, rejection.code, f"{rows.table.where(row)}: {rejection.reason}")
        )
    if moved and (strict or not len(merged)):
        raise LabelError(f"{rows.table.path}: {moved[0].reason}")
    return dataclasses.replace(merged, rejections=(*merged.rejections[:before], *moved))
