"""Grows boosted trees with LightGBM on a feature table that is never held as a whole."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Rows

__all__ = ["LEAST_ROWS", "ReadsRows", "grow", "in_blocks"]

Floats32 = npt.NDArray[np.float32]

_SETTINGS: Final = MappingProxyType(
    {
        "learning_rate": 0.05,
        "num_leaves": 127,
        "min_data_in_leaf": 10,
        "feature_fraction": 0.1,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 2.0,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
)
LEAST_ROWS: Final = 2 * _SETTINGS["min_data_in_leaf"]
"""Training rows below which there is no split."""
_BIN_ROWS: Final = 100_000  # rows at most that decide where bins end; LightGBM warns on stdout of fewer
_READ_BLOCK: Final = 8192  # rows whose features are held at once


class ReadsRows(Protocol):
    """A table that gives the features of any of its rows."""

    def rows(self, rows: Rows) -> Floats32:
        """Features of these rows, float32 [n, d]."""


def grow(
    features: ReadsRows,
    labels: Floats32,
    train: Rows,
    valid: Rows | None,
    *,
    binary: bool = False,
    start: Floats32 | None = None,
    trees: int,
    patience: int = 0,
    threads: int,
    seed: int,
) -> Any:
    """Return a LightGBM booster, stopped early on the validation rows where there are some.

    At most ``trees`` trees of 127 leaves at a learning rate of 0.05, each on 10 % of the columns and 80 % of
    the rows. Deterministic, whatever the number of threads.

    Args:
        features: of every row of the table.
        labels: of every row of the table.
        train: rows to learn from.
        valid: rows that decide when to stop; None: all ``trees`` are grown.
        binary: labels are two classes, and log loss is minimised instead of squared error.
        start: score of every row of the table that the trees are added to; None: a constant.
        trees: at most this many.
        patience: trees without a better validation loss before it stops.
        threads: of LightGBM.
        seed: of the choice of columns and rows.
    """
    import lightgbm

    settings = {
        **_SETTINGS,
        "objective": "binary" if binary else "regression",
        "bin_construct_sample_cnt": min(len(train), _BIN_ROWS),
        "seed": seed,
        "num_threads": threads,
    }

    def table(rows: Rows, reference: Any = None) -> Any:
        started = None if start is None else start[rows].astype(np.float64)
        return lightgbm.Dataset(
            in_blocks(features, rows),
            labels[rows],
            params=settings,
            init_score=started,
            reference=reference,
        )

    data = table(train)
    if valid is None:
        return lightgbm.train(settings, data, trees)
    check = table(valid, reference=data)
    stop = lightgbm.early_stopping(patience, verbose=False)
    return lightgbm.train(settings, data, trees, valid_sets=[check], callbacks=[stop])


def in_blocks(features: ReadsRows, rows: Rows) -> Any:
    """The features of some rows as LightGBM reads them: block by block, and single rows to find bins."""
    import lightgbm

    class Blocks(lightgbm.Sequence):
        batch_size = _READ_BLOCK

        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, asked: int | slice | list[int]) -> npt.NDArray[np.float64]:
            block = features.rows(np.atleast_1d(rows[asked])).astype(np.float64)
            return block if isinstance(asked, (slice, list)) else block[0]

    return Blocks()
