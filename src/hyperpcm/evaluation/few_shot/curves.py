"""How good the scores of each target are after 0, 1, 2, 4, … measured compounds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm import metrics
from hyperpcm.datasets.few_shot import Adapter, FewShotTask
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import LabelError
from hyperpcm.evaluation.few_shot.draws import Draw

__all__ = ["METRICS", "Curves", "FewShotInputs", "measure_curves"]

Floats32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

METRICS: Final = ("mse", "spearman", "pearson", "auroc")
"""What is measured on the query compounds of one target."""

Curves: TypeAlias = Mapping[str, Mapping[int, Mapping[str, Floats]]]
"""Adapter → k → metric → one number for each target [t]; nan where the target does not support it."""


@dataclasses.dataclass(frozen=True, eq=False)
class FewShotInputs:
    """What tasks are made of, on the axes of one table.

    Attributes:
        interactions: the table.
        zero_shot: a model's scores of the rows of the table, float32 [n]; nan for rows that are in no task.
        additive: the same of the additive model.
        counts: Morgan counts, uint8 [n_compounds, w].
        training_mean: mean label of the training rows.

    Raises:
        LabelError: a binary table, or scores that are not one for each row.
    """

    interactions: Interactions
    zero_shot: Floats32
    additive: Floats32
    counts: npt.NDArray[np.uint8]
    training_mean: float

    def __post_init__(self) -> None:
        table = self.interactions
        if table.quantity.kind != "regression":
            raise LabelError(
                f"{table.name}: {table.quantity.name} has two classes; few-shot curves need measured numbers."
            )
        for name in ("zero_shot", "additive"):
            if getattr(self, name).shape != (len(table),):
                raise LabelError(
                    f"{table.name}: {name} has the shape {getattr(self, name).shape}; "
                    f"one score for each of {len(table)} rows is expected."
                )

    def task(self, draw: Draw) -> FewShotTask:
        """The task of a draw with all its measured compounds.

        Raises:
            LabelError: a score that is needed is not finite.
        """
        table, support, query = self.interactions, draw.support, draw.query
        return FewShotTask(
            target=draw.target,
            support=table.compound_index[support],
            query=table.compound_index[query],
            labels=table.point()[support],
            zero_shot_support=self.zero_shot[support],
            zero_shot_query=self.zero_shot[query],
            additive_support=self.additive[support],
            additive_query=self.additive[query],
            counts_support=self.counts[table.compound_index[support]],
            counts_query=self.counts[table.compound_index[query]],
            training_mean=self.training_mean,
        )


def measure_curves(
    inputs: FewShotInputs,
    draws: Sequence[Draw],
    adapters: Iterable[Adapter],
    sizes: Sequence[int],
    *,
    progress: Callable[[int], None] | None = None,
) -> tuple[npt.NDArray[np.int64], Curves]:
    """Measure every adapter on the query compounds of every target, at every k that the target has.

    A number is the mean over the draws of a target that have k measured compounds. Which draws count depends
    on compounds and labels alone, so all adapters are compared on the same ones.

    Args:
        inputs: what tasks are made of.
        draws: of all targets.
        adapters: the methods, each with a name of its own.
        sizes: numbers of measured compounds.
        progress: is called with the number of draws done.

    Returns:
        The targets [t], ascending, and their curves. ``mse`` in squared units of the label; ``spearman``
        and ``pearson`` in [-1, 1], nan where all labels of the query are equal and 0 where only the scores
        are; ``auroc`` nan without a threshold or with one class.

    Raises:
        LabelError: a score that is not finite, or not one for each compound.
    """
    chosen = list(adapters)
    targets = np.unique(np.array([draw.target for draw in draws], dtype=np.int64))
    shape = (len(targets), len(METRICS))
    sums = {(one.name, k): np.zeros(shape) for one in chosen for k in sizes}
    counts = {key: np.zeros(shape) for key in sums}
    judge = _Judge(inputs.interactions)
    for number, draw in enumerate(draws):
        task, place = inputs.task(draw), int(np.searchsorted(targets, draw.target))
        for k in sizes:
            if k > len(draw.support):
                continue
            shorter = task.first(k)
            for one in chosen:
                found = judge(draw, one.name, one.scores(shorter, seed=draw.number))
                known = ~np.isnan(found)
                sums[one.name, k][place, known] += found[known]
                counts[one.name, k][place] += known
        if progress is not None:
            progress(number + 1)
    curves: dict[str, dict[int, dict[str, Floats]]] = {one.name: {} for one in chosen}
    for (name, k), total in sums.items():
        count = counts[name, k]
        means = np.divide(total, count, out=np.full(shape, math.nan), where=count > 0)
        curves[name][k] = {metric: means[:, column] for column, metric in enumerate(METRICS)}
    return targets, curves


class _Judge:
    """Compares scores with the labels of a draw's query."""

    def __init__(self, interactions: Interactions) -> None:
        self._name = interactions.name
        self._labels = interactions.point().astype(np.float64)
        with_classes = interactions.quantity.active_at is not None
        nothing = np.zeros(len(interactions), dtype=np.bool_)
        self._active = interactions.is_active() if with_classes else nothing
        self._known = interactions.activity_is_known() if with_classes else nothing

    def __call__(self, draw: Draw, adapter: str, scores: npt.NDArray[np.floating]) -> Floats:
        """The metrics in the order of `METRICS`, nan where one does not apply."""
        values = np.asarray(scores, dtype=np.float64)
        if values.shape != draw.query.shape or not np.isfinite(values).all():
            raise LabelError(
                f"{self._name}: adapter {adapter!r} gave scores of shape {values.shape} for "
                f"{len(draw.query)} compounds of target {draw.target}, or scores that are not finite."
            )
        labels, known = self._labels[draw.query], self._known[draw.query]
        spearman = pearson = math.nan
        if labels.min() < labels.max():
            constant = values.min() == values.max()
            spearman = 0.0 if constant else metrics.spearman(labels, values)
            pearson = 0.0 if constant else metrics.pearson(labels, values)
        auroc = metrics.auroc(self._active[draw.query][known], values[known]) if known.any() else math.nan
        return np.array([metrics.mse(labels, values), spearman, pearson, auroc])
