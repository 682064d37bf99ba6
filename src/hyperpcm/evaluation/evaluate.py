"""The metrics of one model on some rows of a table, as they stand in a results file."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm import metrics
from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.errors import LabelError

__all__ = ["Metrics", "choose_threshold", "evaluate_scores"]

Metrics: TypeAlias = dict[str, "float | int | Metrics | None"]
"""Metrics by name; None where one does not apply or cannot be computed."""

Rows: TypeAlias = npt.NDArray[np.int64]

_MIN_LABELS = 10  # labels that a target needs to count in the per-target means


def evaluate_scores(
    interactions: Interactions, rows: Rows, scores: npt.ArrayLike, *, threshold: float | None = None
) -> Metrics:
    """All metrics of some scores: the ``metrics`` object of a results file, and a few more.

    Errors and correlations compare with `Interactions.point` (a censored label counts as its bound) and
    are None for a binary quantity. Classification metrics are None for a quantity without a threshold;
    they leave out rows whose class their relation or bin leaves open. ``per_target`` holds means over
    targets with 10 labels or more that are not all equal (``n_targets``), and from ``auroc`` on over those
    with both classes (``n_targets_auroc``); which targets count depends on labels alone.

    Args:
        interactions: the table.
        rows: which rows were scored [n].
        scores: one for each of them [n], higher is stronger; in units of the label for a regression.
        threshold: scores of at least this much are called active, for MCC; chosen on validation rows with
            `choose_threshold`. None leaves MCC out.

    Returns:
        ``mse``, ``rmse``, ``mae``, ``interval_mae`` (distance to the bin, or to the bound of a censored
        label; None where all labels are points), ``r2``, ``ci``, ``rm2``, ``pearson``, ``spearman``,
        ``auroc``, ``auprc``, ``mcc``, ``ef1`` (enrichment in the top 1 %), ``bedroc`` (α = 20),
        ``n_classified`` and ``per_target`` with ``n_targets``, ``pearson``, ``spearman``, ``mse``, ``ci``,
        ``auroc``, ``n_targets_auroc``, ``bedroc``, ``mcc`` and ``roc_enrichment_0.5`` (at 0.5 % false
        positives), ``_1``, ``_2``, ``_5``; for a binary quantity also ``brier``, ``log_loss`` and ``ece``
        over ten bins, which are None where a score is no probability.

    Raises:
        LabelError: not one finite score for each row, a row the table does not have, or a threshold that is
            not a number.
    """
    chosen = interactions.select(rows)
    values = _checked(chosen, scores)
    if threshold is not None and math.isnan(threshold):
        raise LabelError("the threshold for MCC is not a number; give None where none could be chosen.")
    labels = chosen.point()
    found: Metrics = {name: None for name in (*_REGRESSION, "interval_mae", *_CLASSIFICATION, "mcc")}
    if chosen.quantity.kind == "regression":
        found |= {name: function(labels, values) for name, function in _REGRESSION.items()}
        if (chosen.is_binned() | (chosen.relations != EXACT)).any():
            found["interval_mae"] = metrics.interval_mae(*chosen.bounds(), values)
    active, known = _classes(chosen)
    if known.any():
        found |= {name: function(active[known], values[known]) for name, function in _CLASSIFICATION.items()}
        if threshold is not None:
            found["mcc"] = metrics.mcc(active[known], values[known] >= threshold)
    if chosen.quantity.kind == "binary":
        found |= dict.fromkeys(_PROBABILITIES)
        if ((values >= 0) & (values <= 1)).all():
            found |= {name: function(active, values) for name, function in _PROBABILITIES.items()}
    found["n_classified"] = int(known.sum())
    found["per_target"] = _per_target(chosen, labels, values, active, known, threshold)
    return _without_nan(found)


def choose_threshold(interactions: Interactions, rows: Rows, scores: npt.ArrayLike) -> float | None:
    """The score from which on a compound is called active: the one with the best MCC on these rows.

    Choose it on the validation rows and hand it to `evaluate_scores` for the test rows.

    Args:
        interactions: the table.
        rows: validation rows [n]; those whose class is not known are left out.
        scores: one for each of them [n].

    Returns:
        The threshold in units of the score; None where the quantity has none or the rows hold one class only.

    Raises:
        LabelError: not one finite score for each row.
    """
    chosen = interactions.select(rows)
    values = _checked(chosen, scores)
    active, known = _classes(chosen)
    best = metrics.best_mcc_threshold(active[known], values[known]).threshold
    return None if math.isnan(best) else best


_REGRESSION = {
    "mse": metrics.mse,
    "rmse": metrics.rmse,
    "mae": metrics.mae,
    "r2": metrics.r2,
    "ci": metrics.concordance_index,
    "rm2": metrics.rm2,
    "pearson": metrics.pearson,
    "spearman": metrics.spearman,
}
_CLASSIFICATION = {
    "auroc": metrics.auroc,
    "auprc": metrics.auprc,
    "ef1": metrics.enrichment_factor,
    "bedroc": metrics.bedroc,
}
_PROBABILITIES = {
    "brier": metrics.brier_score,
    "log_loss": metrics.log_loss,
    "ece": metrics.expected_calibration_error,
}


def _checked(chosen: Interactions, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (len(chosen),):
        raise LabelError(f"{chosen.name}: scores have the shape {values.shape} for {len(chosen)} rows.")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise LabelError(f"{chosen.name}: score {bad[0]} is {values[bad[0]]} ({len(bad)} are not finite).")
    return values


def _classes(chosen: Interactions) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether each row is active, and whether that is known; never known without a threshold."""
    if chosen.quantity.active_at is None:
        nothing = np.zeros(len(chosen), dtype=np.bool_)
        return nothing, nothing
    return chosen.is_active(), chosen.activity_is_known()


def _per_target(
    chosen: Interactions,
    labels: npt.NDArray[np.float32],
    values: npt.NDArray[np.float64],
    active: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
    threshold: float | None,
) -> Metrics:
    """Means over targets; classes come from the rows whose class is known."""
    regression = metrics.per_target(labels, values, chosen.target_index, min_labels=_MIN_LABELS)
    classes = metrics.per_target(
        labels[known],
        values[known],
        chosen.target_index[known],
        active[known],
        min_labels=_MIN_LABELS,
        threshold=threshold,
    )
    n_classes = classes.n_targets("auroc")
    if chosen.quantity.kind == "binary":
        found: Metrics = dict.fromkeys(("pearson", "spearman", "mse", "ci"))
        found["n_targets"] = n_classes
    else:
        names = {"pearson": "pearson", "spearman": "spearman", "mse": "mse", "ci": "concordance_index"}
        found = {name: regression.mean(metric) for name, metric in names.items()}
        found["n_targets"] = regression.n_targets("pearson")
    found |= {"auroc": classes.mean("auroc"), "n_targets_auroc": n_classes}
    return found | {name: classes.mean(name) for name in ("bedroc", "mcc", *metrics.ROC_ENRICHMENT)}


def _without_nan(found: Metrics) -> Metrics:
    """The same with None for every number that is not finite."""
    cleaned: Metrics = {}
    for name, value in found.items():
        if isinstance(value, dict):
            cleaned[name] = _without_nan(value)
        else:
            cleaned[name] = None if isinstance(value, float) and not math.isfinite(value) else value
    return cleaned
