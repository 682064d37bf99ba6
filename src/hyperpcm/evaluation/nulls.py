"""The rows of the nulls: every baseline fitted and scored on one fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.evaluation.measure import result_row
from hyperpcm.evaluation.results import ResultRow

__all__ = ["Fittable", "HasInteractions", "run_nulls"]

Rows = npt.NDArray[np.int64]


class HasInteractions(Protocol):
    """Whatever baselines are fitted on: it holds the table that the rows of a split point at."""

    @property
    def interactions(self) -> Interactions:
        """The table."""


Inputs = TypeVar("Inputs", bound=HasInteractions, contravariant=True)


class Fittable(Protocol[Inputs]):
    """Something that is fitted on training rows and scores rows, such as every baseline of this package."""

    @property
    def name(self) -> str:
        """What its row in the results is called."""

    def fit(self, inputs: Inputs, train: Rows, valid: Rows, *, seed: int) -> None:
        """Learn from the training rows, choose by the validation rows."""

    def refit(self, rows: Rows, *, seed: int) -> None:
        """Learn once more, from these rows, what was chosen."""

    def predict(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Score rows of the table it was fitted on."""


def run_nulls(
    inputs: Inputs,
    split: Split,
    baselines: Iterable[Fittable[Inputs]],
    *,
    seed: int = 0,
    refit: bool = False,
    progress: Callable[[str], None] | None = None,
) -> list[ResultRow]:
    """Fit each baseline on the training side of a fold and evaluate it on the test side.

    The validation side serves as it does for a model: to choose settings, to stop early, to set the MCC
    threshold.

    Args:
        inputs: the table and its features.
        split: the fold.
        baselines: unfitted; each is left fitted on this fold.
        seed: of all random choices.
        refit: learn once more from training and validation rows before the test side is scored.
        progress: is called with the name of each baseline before it is fitted.

    Returns:
        One row each, in the order given. ``seconds`` is the wall-clock time of fitting and scoring,
        ``peak_mb`` the peak memory of the whole process so far (see `measure.peak_memory_mb`).
    """
    rows = []
    for baseline in baselines:
        if progress is not None:
            progress(baseline.name)
        start = time.perf_counter()
        baseline.fit(inputs, split.train, split.valid, seed=seed)
        valid_scores = baseline.predict(split.valid)
        if refit:
            baseline.refit(split.seen, seed=seed)
        test_scores = baseline.predict(split.test)
        seconds = time.perf_counter() - start
        rows.append(
            result_row(
                inputs.interactions,
                split,
                baseline.name,
                valid_scores,
                test_scores,
                seed=seed,
                seconds=seconds,
            )
        )
    return rows
