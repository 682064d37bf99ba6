"""The contract of a baseline: fit on training rows, choose on validation rows, score any rows of the table.

Axis name used in this package:
    n  rows (interactions) asked for        w  places of the fingerprint        d  width of a feature block
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import ClassVar, TypeAlias, final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import ConfigError, LabelError, SplitError

__all__ = ["Baseline", "BaselineInputs", "Rows"]

Rows: TypeAlias = npt.NDArray[np.int64]
"""Row numbers of the table of interactions, int64 [n]."""


@dataclasses.dataclass(frozen=True, eq=False)
class BaselineInputs:
    """What baselines see of the compounds and targets of one table, computed once for all splits of it.

    None of it depends on a label, so that using it for every row leaks nothing.

    Attributes:
        interactions: the table; its two axes index everything below.
        compound_counts: Morgan counts, uint8 [n_compounds, w].
        compound_descriptors: physico-chemical descriptors, float32 [n_compounds, d].
        target_features: composition features, float32 [n_targets, d].
        target_similarity: alignment similarity in [0, 1], symmetric, float32 [n_targets, n_targets].

    Raises:
        LabelError: an array whose shape contradicts the axes of the table.
    """

    interactions: Interactions
    compound_counts: npt.NDArray[np.uint8]
    compound_descriptors: npt.NDArray[np.float32]
    target_features: npt.NDArray[np.float32]
    target_similarity: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        compounds, targets = len(self.interactions.compounds), len(self.interactions.targets)
        for name, rows in (
            ("compound_counts", compounds),
            ("compound_descriptors", compounds),
            ("target_features", targets),
            ("target_similarity", targets),
        ):
            shape = getattr(self, name).shape
            if len(shape) != 2 or shape[0] != rows:
                raise LabelError(f"{name} has the shape {shape}; {rows} rows are expected.")
        if self.target_similarity.shape[1] != targets:
            raise LabelError(
                f"target_similarity has the shape {self.target_similarity.shape}; it must be square."
            )


class Baseline(ABC):
    """A rival without a hypernetwork; abstract. A concrete one keeps what `fit` learns until the next `fit`.

    Labels are `Interactions.point`: the value, the centre of its bin, or the bound of a censored value;
    0 and 1 for a binary quantity, whose scores are then estimates of the probability of 1.
    """

    name: ClassVar[str]
    """Name in results files and in the registry."""

    def __init__(self) -> None:
        self._inputs: BaselineInputs | None = None

    @final
    def fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, *, seed: int) -> None:
        """Learn from the training rows; use the validation rows only to choose settings or when to stop.

        Args:
            inputs: the table and its features.
            train: rows to learn from.
            valid: rows to choose by, none of them in ``train``.
            seed: of all random choices, 0 or more; equal seeds give equal scores.

        Raises:
            SplitError: one of the two is empty, or a row number is not one of the table.
        """
        self._inputs = inputs
        self._fit(inputs, checked_rows(inputs, train, "train"), checked_rows(inputs, valid, "valid"), seed)

    @final
    def refit(self, rows: Rows, *, seed: int) -> None:
        """Learn once more, with the settings that `fit` has chosen, from other rows of the same table.

        Those rows are usually training and validation together: once everything is chosen, nothing is left
        to hold rows back for. Scores of validation rows say nothing afterwards.

        Args:
            rows: to learn from.
            seed: of all random choices, that of `fit`.

        Raises:
            RuntimeError: `fit` was not called before.
            SplitError: no rows, or a row number that the table does not have.
        """
        if self._inputs is None:
            raise RuntimeError(f"baseline {self.name!r} was asked to learn again before it was fitted.")
        self._refit(self._inputs, checked_rows(self._inputs, rows, "refit"), seed)

    @final
    def predict(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Score rows of the table that was fitted on: float32 [n], finite, in units of the label.

        A score depends on its own row only, not on which others are asked for (but for rounding).

        Raises:
            RuntimeError: `fit` was not called before.
            SplitError: a row number that the table does not have.
        """
        if self._inputs is None:
            raise RuntimeError(f"baseline {self.name!r} was asked for scores before it was fitted.")
        if len(rows) == 0:
            return np.empty(0, dtype=np.float32)
        scores = self._predict(self._inputs, checked_rows(self._inputs, rows, "asked-for"))
        return np.asarray(scores, dtype=np.float32)

    @abstractmethod
    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        """Do the work of `fit` with checked rows."""

    @abstractmethod
    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        """Do the work of `refit` with checked rows; everything that `_fit` has chosen stays."""

    @abstractmethod
    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        """Do the work of `predict` with checked rows, at least one."""


def checked_rows(inputs: BaselineInputs, rows: Rows, what: str) -> Rows:
    """Rows as int64, after checking that there are some and that the table has them.

    Raises:
        SplitError: none, or one outside the table.
    """
    chosen = np.asarray(rows)
    if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
        raise SplitError(f"the {what} rows are empty or not a list of row numbers.")
    if chosen.min() < 0 or chosen.max() >= len(inputs.interactions):
        raise SplitError(
            f"the {what} rows run from {chosen.min()} to {chosen.max()}; "
            f"the table has {len(inputs.interactions)} rows."
        )
    return chosen.astype(np.int64)


def squared_error(labels: npt.NDArray[np.floating], scores: npt.NDArray[np.floating]) -> float:
    """Mean squared error: what baselines choose their settings by (for classes it is the Brier score)."""
    difference = labels.astype(np.float64) - scores.astype(np.float64)
    return float(np.mean(difference * difference))


def count_setting(option: str, value: object, least: int = 1) -> int:
    """A setting that counts something, after checking that it does.

    Raises:
        ConfigError: not a whole number, or below ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{option} is {value!r}; give a whole number of at least {least}.")
    return int(value)


def share_setting(option: str, value: object, most: float = 1.0) -> float:
    """A setting that is a positive number of limited size, after checking that it is.

    Raises:
        ConfigError: not a number, not above 0, or above ``most``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        raise ConfigError(f"{option} is {value!r}; give a number above 0 and at most {most:g}.")
    return float(value)
