"""Read Davis and KIBA in the raw layout of DeepDTA: a plain-text matrix, two JSON lists, JSON folds.

Rows of the matrix stand in the order of ``ligands_can.txt``, columns in that of ``proteins.txt``; ``nan``
is no measurement. Folds are lists of positions among the measured cells, counted row by row. The pickled
copies of the same matrices are never read.

Source: Öztürk et al. 2018, Bioinformatics 34:i821.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.assembly import Measurements, assemble
from hyperpcm.datasets.interactions import BELOW, EXACT, Interactions
from hyperpcm.datasets.records import DATASETS
from hyperpcm.errors import Rejection, TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["TargetTexts", "read_davis", "read_kiba", "read_layout"]

# Source: Davis et al. 2011: 10 µM was the highest concentration tested; it stands for "no binding seen".
_DAVIS_FLOOR_NM = 10_000.0


@dataclasses.dataclass(frozen=True)
class TargetTexts:
    """The targets of a file as they are to be read.

    Attributes:
        sequences: by name, in the order of the file; those to be left out are missing.
        rejections: why.
        notes: one sentence for each thing that was changed.
    """

    sequences: Mapping[str, str]
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()


def read_davis(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The Davis set: pKd of every compound against every target, repeats not merged.

    Kd in nM becomes pKd = 9 - log10(Kd); Kd = 10,000 nM becomes ``<`` 5. The published folds are in
    ``folds["published"]``: -1 test, 0 to 4 the parts of the cross-validation.

    Args:
        files: ``affinities``, ``compounds``, ``targets``, ``test_fold`` and ``train_folds`` of the catalog.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: a file that is not in the layout described above.
    """
    return read_layout("davis", files, progress)


def read_kiba(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The KIBA set: one score for each measured cell, repeats not merged.

    Args:
        files: as for `read_davis`.
        progress: as for `read_davis`.

    Raises:
        TableError: a file that is not in the layout described above.
    """
    return read_layout("kiba", files, progress)


def read_layout(
    name: str,
    files: Mapping[str, Path],
    progress: Progress | None = None,
    *,
    targets: Callable[[Mapping[str, str]], TargetTexts] = TargetTexts,
) -> Interactions:
    """A set in the layout of DeepDTA, repeats not merged.

    Args:
        name: of the set in the catalog; values of one that is made of Davis are Kd in nM.
        files: as for `read_davis`.
        progress: as for `read_davis`.
        targets: what is made of the targets of the file.

    Raises:
        TableError: a file that is not in this layout.
    """
    smiles, given = _texts_by_name(files["compounds"]), _texts_by_name(files["targets"])
    matrix = _matrix(files["affinities"], (len(smiles), len(given)))
    compound, target = np.nonzero(~np.isnan(matrix))
    values = matrix[compound, target]
    missing = matrix.size - len(values)
    published = _published_folds(files["test_fold"], files["train_folds"], len(values))
    found = targets(given)
    place = {one: number for number, one in enumerate(found.sequences)}
    places = np.array([place.get(one, -1) for one in given], dtype=np.int64)[target]
    keep = places >= 0
    compound, target, values, published = compound[keep], places[keep], values[keep], published[keep]
    relations = np.full(len(values), EXACT, dtype=np.int8)
    notes = list(found.notes)
    if name.startswith("davis"):
        if (values <= 0).any():
            raise TableError(f"{files['affinities']}: a Kd that is not positive has no logarithm.")
        relations[values >= _DAVIS_FLOOR_NM] = BELOW
        values = 9.0 - np.log10(values)
        notes.append(
            f"{(relations == BELOW).sum():,} of {len(values):,} rows are Kd = 10,000 nM, read as '< 5'."
        )
    if missing:
        notes.append(f"{missing:,} of {matrix.size:,} cells of the matrix hold no measurement.")
    rows = Measurements(compound, target, values, relations, {"published": published})
    table = assemble(
        name, DATASETS[name].quantity, smiles, found.sequences, rows, notes=notes, progress=progress
    )
    return dataclasses.replace(table, rejections=(*found.rejections, *table.rejections))


def _texts_by_name(path: Path) -> dict[str, str]:
    """A JSON object of texts, in the order of the file."""
    found = _json(path)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise TableError(f"{path}: a JSON object of identifier and text is expected.")
    return found


def _matrix(path: Path, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    try:
        matrix = np.loadtxt(path, dtype=np.float64, ndmin=2, comments=None)
    except ValueError as error:
        raise TableError(
            f"{path}: a matrix of numbers, separated by blanks or tabs, is expected: {error}."
        ) from error
    if matrix.shape != shape:
        raise TableError(
            f"{path}: {matrix.shape[0]} × {matrix.shape[1]} numbers for {shape[0]} × {shape[1]} names."
        )
    if np.isinf(matrix).any():
        raise TableError(f"{path}: an infinite value in row {int(np.nonzero(np.isinf(matrix))[0][0]) + 1}.")
    return matrix


def _published_folds(test: Path, train: Path, rows: int) -> npt.NDArray[np.int64]:
    """-1 (test) or the number of the cross-validation part, for each of ``rows`` measured cells."""
    parts = [_json(test), *_list_of(_json(train), train)]
    folds = np.full(rows, -2, dtype=np.int64)
    for number, part in enumerate(parts, start=-1):
        where = _positions(part, test if number < 0 else train)
        if len(where) and (where.min() < 0 or where.max() >= rows):
            raise TableError(f"{train.parent}: a fold names cell {where.max()} of {rows} measured ones.")
        if (folds[where] != -2).any() or len(np.unique(where)) != len(where):
            raise TableError(f"{train.parent}: a cell is in two folds, or twice in one.")
        folds[where] = number
    if (folds == -2).any():
        raise TableError(f"{train.parent}: {(folds == -2).sum()} of {rows} measured cells are in no fold.")
    return folds


def _positions(part: object, path: Path) -> npt.NDArray[np.int64]:
    try:
        return np.asarray(_list_of(part, path), dtype=np.int64).reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        raise TableError(f"{path}: a list of whole numbers is expected ({error}).") from error


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TableError(f"{path}: it is not JSON ({error}).") from error


def _list_of(found: object, path: Path) -> list[object]:
    if not isinstance(found, list):
        raise TableError(f"{path}: a JSON list is expected, not {type(found).__name__}.")
    return found
