"""Figures about whether to believe a score: errors by distance from the known, and what intervals held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hyperpcm.evaluation.report.figures import Chart
from hyperpcm.evaluation.report.theme import FIRST, MUTED, SECOND, draw_svg
from hyperpcm.evaluation.report.words import count, decimals, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["coverage_chart", "error_by_similarity"]


def error_by_similarity(
    table: Sequence[Mapping[str, float]], kind: str, measure: str, overall: float
) -> Chart | None:
    """Error of test rows in parts by the similarity of the nearest known compound or target.

    Args:
        table: as the run keeps it: ``from``, ``to``, ``rows`` and ``rmse`` of each part, the farthest first.
        kind: ``compound`` or ``target``.
        measure: what the similarity is called.
        overall: root mean squared error of all test rows.
    """
    if len(table) < 2:
        return None
    middles = [(one["from"] + one["to"]) / 2 for one in table]
    errors = [one["rmse"] for one in table]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for one in table:
            axes.plot([one["from"], one["to"]], [one["rmse"]] * 2, color=FIRST, linewidth=5, alpha=0.35)
        axes.plot(middles, errors, color=FIRST, marker="o", markersize=5)
        axes.axhline(overall, color=MUTED, linewidth=1.2, linestyle=(0, (3, 3)), label="all test rows")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"{measure} similarity of the nearest known {kind}")
        axes.set_ylabel("root mean squared error")
        figure.legend(loc="outside upper left")

    first, last = table[0], table[-1]
    rows = [int(one["rows"]) for one in table]
    caption = (
        f"Error by how near the nearest known {kind} is; each bar spans one of {len(table)} parts of the "
        f"test rows ({count(min(rows))} to {count(max(rows))} rows)."
    )
    says = (
        f"{caption} From {decimals(first['rmse'], 2)} up to a similarity of {decimals(first['to'], 2)} to "
        f"{decimals(last['rmse'], 2)} from {decimals(last['from'], 2)} on."
    )
    return Chart(draw_svg(f"error-{kind}", draw), says, caption)


def coverage_chart(levels: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Share of the test labels inside intervals of each level, against the level.

    Args:
        levels: ``level`` and ``held`` of each.
    """
    if len(levels) < 2:
        return None
    asked = [float(one["level"]) for one in levels]
    held = [float(one["held"]) for one in levels]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)), label="as promised")
        axes.plot(asked, held, color=SECOND, marker="o", markersize=5, label="test labels")
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        axes.set_xlabel("level of the interval")
        axes.set_ylabel("share of labels inside")
        figure.legend(loc="outside upper left", ncols=2)

    told = ", ".join(
        f"{percent(one['held'])} at {100 * one['level']:g} %"
        for one in levels
        if one["level"] in (0.5, 0.8, 0.9)
    )
    caption = "What intervals hold against what they promise; below the dashed line they are too narrow."
    return Chart(draw_svg("coverage", draw, height=360), f"{caption} Held: {told}.", caption)
