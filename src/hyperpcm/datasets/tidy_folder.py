"""A folder of three tidy tables, joined into one: compounds, targets, and the interactions that name them.

``compounds`` holds compound_id and smiles, ``targets`` target_id and sequence, ``interactions`` compound_id,
target_id and a value, and what else describes a row (relation, unit, year). Each is a Parquet, CSV or TSV
file of that name. Columns of whole numbers whose name begins with ``fold`` (-1: in no part, or the test
part), and columns of true and false, are fold columns; they may stand in any of the three tables.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.columns import ROLES, listed
from hyperpcm.datasets.input_files import ReadLimits
from hyperpcm.datasets.table import RawTable, read_raw_table
from hyperpcm.errors import TableError

__all__ = ["TidyFolder", "join_tables", "read_tidy_folder"]

_ENDINGS = (".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz")
_KEYS = {"compounds": ("compound_id", "smiles"), "targets": ("target_id", "sequence")}
_DISPLAYED = ("chembl_id", "uniprot", "name")
_FOLD = re.compile(r"-1|\d{1,9}")


@dataclasses.dataclass(frozen=True)
class TidyFolder:
    """The joined table.

    Attributes:
        table: one row for each interaction; columns compound_id, smiles, target_id, sequence and those of the
            interactions.
        folds: fold columns by name, int64 [n].
        ignored: columns that play no part.
    """

    table: RawTable
    folds: Mapping[str, npt.NDArray[np.int64]]
    ignored: tuple[str, ...]


def read_tidy_folder(folder: Path, *, limits: ReadLimits | None = None) -> TidyFolder:
    """The three tables of ``folder`` as one.

    Raises:
        TableError: a table or a column is missing, an identifier stands twice or is named and not there, or
            one fold column stands in two tables.
    """
    files = {name: _file_of(folder, name) for name in ("compounds", "targets", "interactions")}
    return join_tables(folder, files, limits)


def _file_of(folder: Path, name: str) -> Path:
    for ending in _ENDINGS:
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise TableError(
        f"{folder}: a folder of measurements holds compounds, targets and interactions, each as "
        f"{', '.join(_ENDINGS)}; there is no {name}{_ENDINGS[0]}. Or name a single table."
    )


def join_tables(folder: Path, files: Mapping[str, Path], limits: ReadLimits | None = None) -> TidyFolder:
    """The files ``compounds``, ``targets`` and ``interactions`` as one table, called ``folder``.

    Raises:
        TableError: as for `read_tidy_folder`.
    """
    rows = read_raw_table(files["interactions"], limits=limits)
    columns: dict[str, Sequence[str | None]] = {}
    folds: dict[str, npt.NDArray[np.int64]] = {}
    ignored: list[str] = []
    for part, (key, content) in _KEYS.items():
        side = read_raw_table(files[part], limits=limits)
        _need(side, (key, content))
        _need(rows, (key,))
        place = _places(side, rows, key)
        shown = next((name for name in _DISPLAYED if name in side.columns), key)
        columns[key] = [side.columns[shown][one] for one in place]
        columns[content] = [side.columns[content][one] for one in place]
        _add_folds(folds, ignored, side, place, skip={key, content, shown}, used=())
    everything = np.arange(len(rows))
    _add_folds(folds, ignored, rows, everything, skip={"compound_id", "target_id"}, used=tuple(columns))
    columns |= {
        name: column for name, column in rows.columns.items() if name not in folds and name not in columns
    }
    table = RawTable(folder, tuple(columns), columns, rows.lines, rows.delimiter)
    return TidyFolder(table, folds, tuple(name for name in ignored if name not in columns))


def _need(table: RawTable, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise TableError(
            f"{table.path}: there is no column {listed(missing)}. Its columns are {listed(table.header)}."
        )


def _places(side: RawTable, rows: RawTable, key: str) -> npt.NDArray[np.int64]:
    """The row of ``side`` that each interaction names, int64 [n]."""
    place: dict[str | None, int] = {}
    for row, identifier in enumerate(side.columns[key]):
        if identifier is None or identifier in place:
            what = "no identifier" if identifier is None else f"{identifier!r}, which another row has, too"
            raise TableError(f"{side.path}: {side.where(row)} has {what} in column {key!r}.")
        place[identifier] = row
    found = np.array([place.get(identifier, -1) for identifier in rows.columns[key]], dtype=np.int64)
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise TableError(
            f"{rows.path}: {rows.where(row)} names the {key} {rows.columns[key][row]!r}, which "
            f"{side.path.name} does not hold ({int((found < 0).sum()):,} such rows)."
        )
    return found


def _add_folds(
    folds: dict[str, npt.NDArray[np.int64]],
    ignored: list[str],
    table: RawTable,
    place: npt.NDArray[np.int64],
    *,
    skip: set[str],
    used: tuple[str, ...],
) -> None:
    """Put the fold columns of one table beside the others; the names of its other columns are listed."""
    for name, column in table.columns.items():
        if name in skip or name in used or name in ROLES:
            continue
        codes = _fold_codes(name, column)
        if codes is None:
            ignored.append(name)
        elif name in folds:
            raise TableError(
                f"{table.path}: the fold column {name!r} stands in another table, too. Rename one."
            )
        else:
            folds[name] = codes[place]


def _fold_codes(name: str, column: Sequence[str | None]) -> npt.NDArray[np.int64] | None:
    """The numbers of a fold column, int64; None for any other column."""
    distinct = set(column)
    if distinct <= {"true", "false", "True", "False"}:
        return np.array([text in ("true", "True") for text in column], dtype=np.int64)
    numbered = name.lower().startswith("fold") and all(text and _FOLD.fullmatch(text) for text in distinct)
    return np.array([int(text or -1) for text in column], dtype=np.int64) if numbered else None
