"""Read the published table of Lenselink et al.: a bioactivity in each row, with its year and published folds.

Columns: MID and PID name a compound and a target, Molecule is a SMILES, Protein a sequence, Bioactivity a
pChEMBL value; Year, and the fold columns random, lpo and lcco (0 to 9), are read where they are there.

Source: Lenselink et al. 2017, J Cheminform 9:45.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.assembly import Measurements, assemble
from hyperpcm.datasets.columns import listed
from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.datasets.pickled_frame import is_pickle, read_pickled_frame
from hyperpcm.datasets.records import DATASETS
from hyperpcm.datasets.table import RawTable, read_raw_table
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["check_lenselink", "read_lenselink"]

_NEEDED = ("MID", "Molecule", "PID", "Protein", "Bioactivity")
_FOLDS = ("random", "lpo", "lcco")
_YEARS = (1800, 2099)


def read_lenselink(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The table of Lenselink et al., repeats not merged.

    Args:
        files: ``table`` of the catalog: CSV, TSV, Parquet or a pickled pandas frame.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: the file is not in the layout described above.
        MissingExtraError: a pickled frame, and pandas is not installed.
        LabelError: no row can be used.
    """
    table = _table(files["table"])
    smiles, compound = _named(table, "MID", "Molecule")
    sequences, target = _named(table, "PID", "Protein")
    values = _numbers(table, "Bioactivity")
    notes = []
    folds = {}
    for name in _FOLDS:
        if name in table.columns:
            folds[name] = _whole(table, name, -1, 999)
        else:
            notes.append(f"The fold column {name!r} is not in the table.")
    year = _years(table)
    if year is None and "Year" in table.columns:
        notes.append("Column 'Year' is not used: some rows have none.")
    rows = Measurements(
        compound, target, values, np.full(len(values), EXACT, dtype=np.int8), folds=folds, year=year
    )
    return assemble(
        "lenselink", DATASETS["lenselink"].quantity, smiles, sequences, rows, notes=notes, progress=progress
    )


def check_lenselink(files: Mapping[str, Path]) -> None:
    """Refuse a copy that cannot be read, before it is kept.

    Raises:
        TableError: the file is not in the layout described above.
        MissingExtraError: a pickled frame, and pandas is not installed.
    """
    table = _table(files["table"])
    _numbers(table, "Bioactivity")
    _named(table, "MID", "Molecule")
    _named(table, "PID", "Protein")
    for name in _FOLDS:
        if name in table.columns:
            _whole(table, name, -1, 999)
    _years(table)


def _table(path: Path) -> RawTable:
    table = read_pickled_frame(path) if is_pickle(path) else read_raw_table(path)
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        raise TableError(
            f"{path}: there is no column {listed(missing)}. Its columns are {listed(table.header)}; rename "
            "them to those of the published table."
        )
    return table


def _named(table: RawTable, name: str, content: str) -> tuple[dict[str, str], npt.NDArray[np.int64]]:
    """Content by identifier, and the place of each row's identifier in it, int64 [n]."""
    texts: dict[str, str] = {}
    place: dict[str, int] = {}
    index = np.empty(len(table), dtype=np.int64)
    for row, (identifier, text) in enumerate(zip(table.columns[name], table.columns[content], strict=True)):
        if identifier is None or text is None:
            raise TableError(
                f"{table.path}: {table.where(row)} has no {name if identifier is None else content}."
            )
        if texts.setdefault(identifier, text) != text:
            raise TableError(
                f"{table.path}: {table.where(row)}: {name} {identifier!r} stands for another {content} "
                "than before."
            )
        index[row] = place.setdefault(identifier, len(place))
    return texts, index


def _years(table: RawTable) -> npt.NDArray[np.int16] | None:
    """The year of each row, int16 [n]; None where there is no such column, or some rows have none."""
    if "Year" not in table.columns or None in table.columns["Year"]:
        return None
    return _whole(table, "Year", *_YEARS).astype(np.int16)


def _numbers(table: RawTable, name: str) -> npt.NDArray[np.float64]:
    cells: Sequence[str | None] = table.columns[name]
    values = np.empty(len(cells))
    for row, text in enumerate(cells):
        try:
            values[row] = float(text or "")
        except ValueError as error:
            raise TableError(f"{table.path}: {table.where(row)}: {name} {text!r} is not a number.") from error
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise TableError(f"{table.path}: {table.where(int(bad[0]))}: {name} is not finite.")
    return values


def _whole(table: RawTable, name: str, least: int, most: int) -> npt.NDArray[np.int64]:
    values = _numbers(table, name)
    bad = np.flatnonzero((values != np.floor(values)) | (values < least) | (values > most))
    if bad.size:
        row = int(bad[0])
        raise TableError(
            f"{table.path}: {table.where(row)}: {name} {table.columns[name][row]!r} is not a whole number "
            f"from {least} to {most}."
        )
    return values.astype(np.int64)
