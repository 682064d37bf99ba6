"""How far scores may be off, and where in the domain they lie, as the command line tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.errors import ConfigError, Rejection
from hyperpcm.target_model.told import interval_notes, probability_notes

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console
    from hyperpcm.target_model import Intervals, Scores, TargetModel

__all__ = [
    "Level",
    "abstained",
    "check_domain",
    "check_level",
    "domain_in_words",
    "interval_cells",
    "interval_header",
    "tell_intervals",
    "tell_probabilities",
]

Level = Annotated[float, typer.Option(help="Share of the labels that intervals hold, in hundredths.")]
"""Option of commands that give intervals; 0.8 by default."""
_PLACES: Final = {"inside": "inside the", "edge": "at the edge of the", "outside": "outside the"}


def check_level(targets: Sequence[TargetModel], level: float) -> None:
    """Refuse a level that a calibrated target has no intervals of, before the work.

    Raises:
        ConfigError: there are none.
    """
    import numpy as np

    for target in targets:
        if target.calibration is not None:
            target.calibration.half_widths(np.zeros(0, dtype=np.float32), level)


def check_domain(target: TargetModel) -> None:
    """Refuse to abstain where nothing tells what lies outside the domain.

    Raises:
        ConfigError: the model was not calibrated.
    """
    if target.calibration is None:
        reason = target.provenance.get("model", {}).get("no_intervals", "it was never calibrated.")
        raise ConfigError(
            f"--abstain: this model does not know what lies outside its domain: {reason} Leave --abstain out "
            "to rank all compounds."
        )


def tell_intervals(console: Console, target: TargetModel) -> None:
    """Say what the intervals of a target rest on, or why there are none."""
    for note in interval_notes(target):
        console.note(note)


def tell_probabilities(console: Console, target: TargetModel) -> None:
    """Say what the probabilities of a target rest on, or why they were not calibrated."""
    for note in probability_notes(target):
        console.note(note)


def abstained(target: TargetModel, scores: Scores) -> dict[int, Rejection]:
    """Return a rejection for each row outside the domain; none where the model was not calibrated."""
    intervals, calibration = scores.intervals, target.calibration
    if intervals is None or calibration is None:
        return {}
    rmse = calibration.held_out.get("verdicts", {}).get("outside", {}).get("rmse")
    told = "" if rmse is None else f"; such held-out rows were off by {rmse:.2f} (root mean square)"
    return {
        row: Rejection(
            row,
            scores.smiles[row] or "",
            "ABSTAINED",
            f"it is outside the model's domain: an error of {intervals.difficulty[row]:.2f} is to be expected"
            f"{told}.",
        )
        for row, verdict in enumerate(intervals.verdicts)
        if verdict == "outside"
    }


def interval_header(intervals: Intervals | None) -> list[str]:
    """Return the heads of the columns of `interval_cells`."""
    return [] if intervals is None else [f"{100 * intervals.level:g} % interval", "domain"]


def interval_cells(intervals: Intervals | None, row: int) -> list[str]:
    """Return the interval and the verdict of one row as a terminal shows them."""
    if intervals is None:
        return []
    return [f"{intervals.lower[row]:.2f} – {intervals.upper[row]:.2f}", intervals.verdicts[row] or ""]


def domain_in_words(intervals: Intervals | None, row: int) -> str:
    """Return where in the domain one row lies, as a page says it; nothing where that is not known."""
    verdict = None if intervals is None else intervals.verdicts[row]
    return "" if verdict is None else f"{_PLACES[verdict]} model's domain"
