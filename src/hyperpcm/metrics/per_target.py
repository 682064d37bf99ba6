"""Metrics within each target, and their means: pooled numbers flatter what knows only target means."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics.arrays import Booleans, Floats, Integers, check_classes, check_values, is_constant
from hyperpcm.metrics.classification import auprc, auroc, mcc
from hyperpcm.metrics.enrichment import bedroc, roc_enrichment
from hyperpcm.metrics.ranking import concordance_index
from hyperpcm.metrics.regression import mse, pearson, spearman

__all__ = ["PerTarget", "per_target"]

REGRESSION: Mapping[str, Callable[[Floats, Floats], float]] = MappingProxyType(
    {"mse": mse, "pearson": pearson, "spearman": spearman, "concordance_index": concordance_index}
)
CLASSIFICATION: Mapping[str, Callable[[Booleans, Floats], float]] = MappingProxyType(
    {"auroc": auroc, "auprc": auprc, "bedroc": bedroc}
)
ROC_ENRICHMENT: Mapping[str, float] = MappingProxyType(
    {f"roc_enrichment_{100 * rate:g}": rate for rate in (0.005, 0.01, 0.02, 0.05)}
)
"""Name of the ROC enrichment at each false-positive rate; the number in the name is a percentage."""

_NAMES = (*REGRESSION, *CLASSIFICATION, "mcc", *ROC_ENRICHMENT)


@dataclasses.dataclass(frozen=True, eq=False)
class PerTarget:
    """Metrics of each target that was measured, with the axis t for targets.

    A metric is nan for a target that cannot support it: fewer labels than `min_labels`, labels that are all
    equal, or, from `auroc` on, actives or inactives missing (or classes not given). So which targets
    count depends on the labels alone, never on the scores: all models are compared on the same targets.

    Attributes:
        targets: target_index of each, ascending [t].
        n: number of labels of each [t].
        min_labels: how many labels a target needed to count.
        mse: mean squared error, squared label units [t].
        pearson: linear correlation [t]; 0 where the scores are constant: they order nothing.
        spearman: rank correlation [t]; 0 where the scores are constant.
        concordance_index: share of ordered pairs in the right order [t]; 0.5 is chance.
        auroc: area under the ROC curve [t].
        auprc: average precision [t].
        bedroc: early recognition with α = 20 [t].
        mcc: Matthews correlation of the scores cut at one threshold for all targets [t]; nan without one.
        roc_enrichment: true-positive rate over false-positive rate where the latter is 0.5, 1, 2 and 5 %, by
            name (``roc_enrichment_0.5``, …) [t] each.
    """

    targets: Integers
    n: Integers
    min_labels: int
    mse: Floats
    pearson: Floats
    spearman: Floats
    concordance_index: Floats
    auroc: Floats
    auprc: Floats
    bedroc: Floats
    mcc: Floats
    roc_enrichment: Mapping[str, Floats]

    def mean(self, metric: str) -> float:
        """Mean of one metric over the targets that support it; nan where none does.

        Raises:
            LabelError: there is no such metric.
        """
        values = self._values(metric)
        values = values[~np.isnan(values)]
        return float(values.mean()) if values.size else math.nan

    def n_targets(self, metric: str) -> int:
        """Over how many targets `mean` of this metric runs.

        Raises:
            LabelError: there is no such metric.
        """
        return int(np.count_nonzero(~np.isnan(self._values(metric))))

    def as_dict(self) -> dict[str, dict[str, float | int]]:
        """Mean and number of targets of every metric, by name."""
        return {name: {"mean": self.mean(name), "n_targets": self.n_targets(name)} for name in _NAMES}

    def _values(self, metric: str) -> Floats:
        if metric not in _NAMES:
            raise LabelError(f"{metric!r} is not a metric per target. Known: {', '.join(_NAMES)}.")
        if metric in ROC_ENRICHMENT:
            return self.roc_enrichment[metric]
        values: Floats = getattr(self, metric)
        return values


def per_target(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    target_index: npt.ArrayLike,
    active: npt.ArrayLike | None = None,
    min_labels: int = 10,
    threshold: float | None = None,
) -> PerTarget:
    """Metrics of each target by itself.

    Args:
        labels: measured values [n]; a censored one counts as its stated value.
        scores: predicted values [n], in the unit of the labels (only `mse` depends on the unit).
        target_index: which target each row belongs to, integers [n].
        active: class of each row, 0 or 1 [n]; None leaves the classification metrics nan.
        min_labels: targets with fewer rows do not count.
        threshold: scores of at least this much are called active, for `PerTarget.mcc`.

    Raises:
        LabelError: unequal lengths, a value that is not finite, a class that is not 0 or 1, an index that
            is not an integer, a `min_labels` below 2, or a threshold that is not a number.
    """
    y, s = check_values(labels, scores)
    index = np.asarray(target_index)
    if index.shape != y.shape or not (np.issubdtype(index.dtype, np.integer) or index.size == 0):
        raise LabelError(f"target_index must hold {y.size} integers; it has {index.dtype} {index.shape}.")
    classes = None if active is None else check_classes(active, s)[0]
    if min_labels < 2:
        raise LabelError(f"min_labels is {min_labels}: a correlation needs at least 2 labels.")
    if threshold is not None and math.isnan(threshold):
        raise LabelError("the threshold is not a number; give None where none could be chosen.")
    order = np.argsort(index, kind="stable")
    targets, starts = np.unique(index[order], return_index=True)
    rows_of_target = np.split(order, starts[1:]) if targets.size else []
    columns = {name: np.full(targets.size, np.nan) for name in _NAMES}
    for position, rows in enumerate(rows_of_target):
        if rows.size < min_labels:
            continue
        for name, value in _of_one_target(
            y[rows], s[rows], None if classes is None else classes[rows], threshold
        ).items():
            columns[name][position] = value
    return PerTarget(
        targets=targets.astype(np.int64),
        n=np.array([rows.size for rows in rows_of_target], dtype=np.int64),
        min_labels=min_labels,
        roc_enrichment=MappingProxyType({name: columns.pop(name) for name in ROC_ENRICHMENT}),
        **columns,
    )


def _of_one_target(
    y: Floats, s: Floats, active: Booleans | None, threshold: float | None
) -> dict[str, float]:
    values = {}
    if not is_constant(y):
        values = {name: function(y, s) for name, function in REGRESSION.items()}
        if is_constant(s):
            values["pearson"] = values["spearman"] = 0.0
    if active is not None:
        values |= {name: function(active, s) for name, function in CLASSIFICATION.items()}
        values |= {name: roc_enrichment(active, s, rate) for name, rate in ROC_ENRICHMENT.items()}
        if threshold is not None:
            values["mcc"] = mcc(active, s >= threshold)
    return values
