"""Means over targets of a few-shot curve, how sure they are, and how far they lie from another method's."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.evaluation.few_shot.curves import METRICS

__all__ = ["WORSE_BY", "PairedDifference", "curve_record", "paired_difference", "worse_share"]

Floats = npt.NDArray[np.float64]

WORSE_BY: Final = 0.05
"""A target got worse when its Spearman correlation fell by more than this."""

RESAMPLES: Final = 2000


@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two methods over the targets that both have, with its 95 % interval.

    Attributes:
        mean: one minus other; nan where no target has both.
        low: lower end; nan for fewer than two targets.
        high: upper end.
        n_targets: over how many targets.
    """

    mean: float
    low: float
    high: float
    n_targets: int


def paired_difference(
    one: Floats, other: Floats, *, seed: int = 0, resamples: int = RESAMPLES
) -> PairedDifference:
    """Compare two methods target by target: percentile bootstrap over targets.

    Targets are drawn with replacement, each with both of its numbers. Targets of one family resemble each
    other, so the interval is somewhat too narrow.

    Args:
        one: a number for each target [t]; nan where there is none.
        other: the same for the other method [t].
        seed: of the resampling; equal seeds and targets give equal intervals.
        resamples: how often.

    Raises:
        LabelError: unequal lengths.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Example:
        >>> paired_difference(np.array([0.5, 0.7, np.nan]), np.array([0.4, 0.6, 0.9])).n_targets
        2
    """
    if one.shape != other.shape:
        raise LabelError(f"{one.size} and {other.size} targets cannot be compared in pairs.")
    difference = one - other
    difference = difference[~np.isnan(difference)]
    n = difference.size
    if n < 2:
        return PairedDifference(float(difference.mean()) if n else math.nan, math.nan, math.nan, n)
    low, high = np.quantile(_drawn(n, resamples, seed) @ difference / n, (0.025, 0.975))
    return PairedDifference(float(difference.mean()), float(low), float(high), n)


@lru_cache(maxsize=4)  # a summary asks for the same few hundreds of times
def _drawn(n: int, resamples: int, seed: int) -> Floats:
    """How often each target is drawn [resamples, t]; times the differences it is the sum of each resample."""
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


def worse_share(spearman: Floats, zero_shot: Floats, by: float = WORSE_BY) -> float:
    """Share of targets whose rank correlation is lower than zero-shot by more than ``by``; nan for none.

    Args:
        spearman: of each target [t]; nan where there is none.
        zero_shot: the same without measured compounds [t].
        by: how much counts.
    """
    difference = spearman - zero_shot
    difference = difference[~np.isnan(difference)]
    return float(np.mean(difference < -by)) if difference.size else math.nan


def curve_record(
    curve: Mapping[int, Mapping[str, Floats]],
    zero_shot: Mapping[int, Mapping[str, Floats]],
    reference: Mapping[int, Mapping[str, Floats]] | None,
    default: Mapping[int, Mapping[str, Floats]] | None = None,
    *,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """One adapter's entry in a results file: k → means, their errors, differences.

    Args:
        curve: k → metric → one number for each target [t].
        zero_shot: the same of the zero-shot scores, on the same targets.
        reference: the same of the method to compare with; None leaves that comparison out.
        default: the same of the adapter that is used where nobody chooses; likewise.
        seed: of the bootstrap.

    Returns:
        For each k: each metric with ``<metric>_se`` (standard error over targets); ``n_targets`` that have k
        measured compounds, ``n_targets_correlated`` of them with labels that vary, ``n_targets_classified``
        with both classes; ``worse_share``; ``to_none``, ``to_reference`` and ``to_default``: for each metric
        the paired difference ``[mean, low, high]``.
    """
    record: dict[str, dict[str, Any]] = {}
    for k, found in curve.items():
        entry: dict[str, Any] = {}
        for metric in METRICS:
            entry[metric], entry[f"{metric}_se"] = _mean_and_error(found[metric])
        entry["n_targets"] = _count(found["mse"])
        entry["n_targets_correlated"] = _count(found["spearman"])
        entry["n_targets_classified"] = _count(found["auroc"])
        entry["worse_share"] = worse_share(found["spearman"], zero_shot[k]["spearman"])
        entry["to_none"] = _differences(found, zero_shot[k], seed)
        if reference is not None:
            entry["to_reference"] = _differences(found, reference[k], seed)
        if default is not None:
            entry["to_default"] = _differences(found, default[k], seed)
        record[str(k)] = entry
    return record


def _differences(
    found: Mapping[str, Floats], other: Mapping[str, Floats], seed: int
) -> dict[str, list[float]]:
    compared = {metric: paired_difference(found[metric], other[metric], seed=seed) for metric in METRICS}
    return {metric: [one.mean, one.low, one.high] for metric, one in compared.items()}


def _mean_and_error(values: Floats) -> tuple[float, float]:
    """Mean and its standard error over the targets that have a number; nan where there are too few."""
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if known.size else math.nan
    return mean, float(known.std(ddof=1) / math.sqrt(known.size)) if known.size > 1 else math.nan


def _count(values: Floats) -> int:
    return int(np.count_nonzero(~np.isnan(values)))
