"""Mean labels of compounds and targets as columns, made so that training sees what a test row will see."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import BaselineInputs, Rows
from hyperpcm.baselines.means import means_of

__all__ = ["FOLDS", "cold_axes", "fold_of_rows", "label_means"]

Integers = npt.NDArray[np.int64]

FOLDS: Final = 5
"""Parts that the training rows are divided into: a mean of a training row leaves its own part out."""


def cold_axes(inputs: BaselineInputs, train: Rows, valid: Rows) -> tuple[bool, bool]:
    """Whether most validation rows have a compound, and whether most have a target, that training lacks."""
    table = inputs.interactions
    axes = (table.compound_index, table.target_index)
    compounds, targets = (bool(np.mean(~np.isin(axis[valid], axis[train])) > 0.5) for axis in axes)
    return compounds, targets


def fold_of_rows(axis: Integers, rows: Rows, *, whole: bool, seed: int, folds: int = FOLDS) -> Integers:
    """Put rows into folds at random: whole compounds or targets together, or each row by itself.

    Args:
        axis: compound or target of every row of the table.
        rows: those to divide.
        whole: rows of one compound or target stay together.
        seed: of the random choice.
        folds: how many there are.

    Returns:
        The fold of each of ``rows``, int64 [n].
    """
    random = np.random.default_rng(seed)
    unit = axis[rows] if whole else np.arange(len(rows))
    names, unit = np.unique(unit, return_inverse=True)
    return random.permutation(len(names))[unit] % folds


def label_means(
    inputs: BaselineInputs, train: Rows, new_axes: tuple[bool, bool], *, seed: int
) -> npt.NDArray[np.float32]:
    """Two columns for every row of the table: mean label of its compound, and of its target.

    A row outside training gets the means of all training labels. A training row gets means without its own
    fold, and the folds are drawn in the way in which rows to score are new: where most of those have a
    target that training lacks, whole targets are left out together; the same for compounds; rows one by
    one where neither is new. An axis that is new therefore has the global mean everywhere, and the other
    one the mean over what was not left out. With both axes new, a mean leaves out the fold of the compound
    and the fold of the target.

    Args:
        inputs: the table.
        train: training rows.
        new_axes: whether compounds, and whether targets, of rows to score are new: as `cold_axes` says.
        seed: of the folds.

    Returns:
        Float32 [rows of the table, 2]; the global mean of the training labels where there are none.
    """
    table = inputs.interactions
    axes, sizes = (table.compound_index, table.target_index), (len(table.compounds), len(table.targets))
    labels = table.point()[train].astype(np.float64)
    middle = float(labels.mean())
    columns = np.empty((len(table), 2), dtype=np.float32)
    for column, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
        columns[:, column] = means_of(labels, axis[train], size)[axis]
    folds = [
        fold_of_rows(axis, train, whole=True, seed=seed)
        for axis, new in zip(axes, new_axes, strict=True)
        if new
    ] or [fold_of_rows(axes[0], train, whole=False, seed=seed)]
    for part in itertools.product(range(FOLDS), repeat=len(folds)):
        matches = np.array([fold == number for fold, number in zip(folds, part, strict=True)])
        asked, rest = train[matches.all(axis=0)], ~matches.any(axis=0)
        for column, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
            columns[asked, column] = means_of(labels[rest], axis[train[rest]], size, middle)[axis[asked]]
    return columns
