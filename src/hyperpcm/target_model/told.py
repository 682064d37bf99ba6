"""What is told beside a score: title, interval, domain and nearest known target, as columns and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hyperpcm.datasets.interactions import Quantity
    from hyperpcm.datasets.output import Column
    from hyperpcm.target_model.model import TargetModel
    from hyperpcm.target_model.scores import Intervals

__all__ = ["INTERVAL_COLUMNS", "interval_columns", "nearest_target", "score_title", "told_interval"]

INTERVAL_COLUMNS: Final[dict[str, type]] = {"lower": float, "upper": float, "level": float, "domain": str}
"""Columns of a table with intervals, in its files."""


def score_title(quantity: Quantity) -> str:
    """What stands above a column of scores."""
    if quantity.kind == "binary":
        return "probability active"
    return f"{quantity.name} [{quantity.unit}]" if quantity.unit else quantity.name


def interval_columns(intervals: Intervals) -> dict[str, Column]:
    """Return the columns of `INTERVAL_COLUMNS` for all rows."""
    return {
        "lower": intervals.lower,
        "upper": intervals.upper,
        "level": [None if verdict is None else intervals.level for verdict in intervals.verdicts],
        "domain": list(intervals.verdicts),
    }


def told_interval(intervals: Intervals | None, row: int) -> dict[str, Any]:
    """Return the values of `INTERVAL_COLUMNS` for one row as JSON values; empty where there are none."""
    if intervals is None:
        return {}
    return {
        "lower": float(intervals.lower[row]),
        "upper": float(intervals.upper[row]),
        "level": intervals.level,
        "domain": intervals.verdicts[row],
    }


def nearest_target(target: TargetModel) -> dict[str, Any] | None:
    """Return the known target nearest to a compiled one, and the error there (JSON values).

    Args:
        target: as compiled.

    Returns:
        Its name, its alignment similarity, and the root mean squared error of held-out rows of targets as
        near, None where no calibration tells it; None where the model aligns nothing.
    """
    domain = target.provenance.get("domain", {})
    if "nearest_target" not in domain:
        return None
    similarity, calibration = float(domain["nearest_similarity"]), target.calibration
    error = None if calibration is None else calibration.error_at("target", similarity)
    return {"name": domain["nearest_target"], "similarity": similarity, "error": error}
