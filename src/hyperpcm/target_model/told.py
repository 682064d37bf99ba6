"""What is told beside a score: title, interval, domain and nearest known target, as columns and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hyperpcm.target_model.unlike import UNRELATED_TARGET
from hyperpcm.target_model.unseen import UNSEEN

if TYPE_CHECKING:
    from hyperpcm.datasets.interactions import Quantity
    from hyperpcm.datasets.output import Column
    from hyperpcm.target_model.model import TargetModel
    from hyperpcm.target_model.scores import Intervals

__all__ = [
    "INTERVAL_COLUMNS",
    "interval_columns",
    "interval_notes",
    "nearest_target",
    "probability_notes",
    "score_title",
    "told_interval",
]

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


def interval_notes(target: TargetModel) -> list[str]:
    """Return sentences on what the intervals of a target rest on, or on why there are none."""
    calibration = target.calibration
    if calibration is None:
        reason = target.provenance.get("model", {}).get("no_intervals")
        return [f"No intervals: {reason}"] if reason else []
    held = calibration.held_out
    notes = [
        f"Intervals are calibrated on {held['rows']:,} held-out rows of {held['targets']:,} targets: "
        f"{UNSEEN[held['unseen']]}."
    ]
    nearest = nearest_target(target)
    if nearest is not None and nearest["error"] is not None:
        notes.append(
            f"The nearest known target is {nearest['name']} (alignment similarity "
            f"{nearest['similarity']:.2f}); held-out rows of targets as near as that were off by "
            f"{nearest['error']:.2f} (root mean square)."
        )
    if calibration.nearest_target is not None and calibration.nearest_target < calibration.reach[0]:
        notes.append(
            f"No known target is as near to this one ({calibration.nearest_target:.2f}) as one was to the "
            f"held-out targets ({calibration.reach[0]:.2f} and more): every compound counts as outside the "
            "domain."
        )
    elif calibration.is_unrelated and target.adaptation is None:
        notes.append(
            f"No known target is related to this one: the nearest is as similar "
            f"({calibration.nearest_target:.2f}) as unrelated proteins are (below {UNRELATED_TARGET}). Every "
            "compound counts as outside the domain."
        )
    return notes


def probability_notes(target: TargetModel) -> list[str]:
    """Return sentences on what the probabilities of a target rest on, or on why they are not calibrated."""
    card = target.provenance.get("model", {})
    held, reason = card.get("probabilities"), card.get("no_probabilities")
    if held is not None:
        rows = f"{held['rows']:,} held-out rows of {held['targets']:,} targets: {UNSEEN[held['unseen']]}"
        kept = "as the model gives them; no correction was surely better on"
        return [f"Probabilities are {'calibrated on' if held['share'] > 0 else kept} {rows}."]
    return [] if reason is None else [f"Probabilities are not calibrated: {reason}"]
