"""One target with a few measured compounds, and what every method that learns from them is given.

Axis names of this module:
    k  measured compounds (support)     q  compounds to be scored (query)     w  places of the fingerprint
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError

__all__ = ["Adapter", "FewShotTask"]

Floats32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class FewShotTask:
    """A held-out target, the compounds measured on it and those to be scored; no label of the latter.

    Attributes:
        target: position of the target on the axis of the table.
        support: positions of the measured compounds on the axis of the table, int64 [k].
        query: the same for the compounds to be scored, int64 [q].
        labels: of the measured compounds, float32 [k], in units of the quantity.
        zero_shot_support: what a model that never saw the target predicts for the measured compounds,
            float32 [k].
        zero_shot_query: the same for the compounds to be scored, float32 [q].
        additive_support: what is known of the measured compounds from the training targets alone (global mean
            plus effect of the compound), float32 [k].
        additive_query: the same for the compounds to be scored, float32 [q].
        counts_support: Morgan counts of the measured compounds, uint8 [k, w].
        counts_query: the same for the compounds to be scored, uint8 [q, w].
        training_mean: mean label of the training rows.

    Raises:
        LabelError: shapes that contradict each other, or a number that is not finite.
    """

    target: int
    support: Integers
    query: Integers
    labels: Floats32
    zero_shot_support: Floats32
    zero_shot_query: Floats32
    additive_support: Floats32
    additive_query: Floats32
    counts_support: npt.NDArray[np.uint8]
    counts_query: npt.NDArray[np.uint8]
    training_mean: float

    def __post_init__(self) -> None:
        for side, names in _SIDES.items():
            length = len(getattr(self, side))
            for name in names:
                values = getattr(self, name)
                if len(values) != length:
                    raise LabelError(
                        f"few-shot task of target {self.target}: {name} has {len(values)} entries for "
                        f"{length} {side} compounds."
                    )
                if not np.isfinite(values).all():
                    raise LabelError(f"few-shot task of target {self.target}: {name} is not finite.")

    def first(self, k: int) -> FewShotTask:
        """The same task with only the first k measured compounds; the compounds to be scored stay.

        Raises:
            LabelError: k is negative or more than there are.
        """
        if not 0 <= k <= len(self.support):
            raise LabelError(
                f"few-shot task of target {self.target}: {k} measured compounds are asked for; "
                f"there are {len(self.support)}."
            )
        shorter = {name: getattr(self, name)[:k] for name in ("support", *_SIDES["support"])}
        return dataclasses.replace(self, **shorter)


_SIDES = {
    "support": ("labels", "zero_shot_support", "additive_support", "counts_support"),
    "query": ("zero_shot_query", "additive_query", "counts_query"),
}


class Adapter(Protocol):
    """A method that turns a few measured compounds of one target into scores of others.

    An adapter learns from the task alone. What it needs beside it (a trained model, say) is handed to its
    constructor and looked up by the positions that the task holds.
    """

    @property
    def name(self) -> str:
        """What its curve is called in results."""

    @property
    def uses_zero_shot(self) -> bool:
        """Whether its scores depend on the zero-shot scores of the task, or on the model they come from."""

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds.

        Args:
            task: with any number of measured compounds, none included.
            seed: of all random choices, 0 or more; equal seeds give equal scores.

        Returns:
            One finite score for each query compound [q], in units of the label.
        """
