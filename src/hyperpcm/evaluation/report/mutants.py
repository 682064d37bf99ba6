"""What the report shows of mutants: measured differences to the wild type beside predicted ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.evaluation.report.figures import Chart
from hyperpcm.evaluation.report.inputs import MutantFindings
from hyperpcm.evaluation.report.theme import FIRST, INK, MUTED, SECOND, draw_svg
from hyperpcm.evaluation.report.words import axis_title, count, decimals, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["mutants_view"]

_FIGURES = (
    ("correlation of changes (r)", "pearson"),
    ("rank correlation (ρ)", "spearman"),
    ("mean r within a mutant", "mean_pearson"),
    ("r of random substitutions instead", "random_pearson"),
    ("r among mutants of one protein", "among"),
    ("error of predicted changes (RMSE)", "rmse"),
    ("error of “no change” (RMSE)", "no_change_rmse"),
)


def mutants_view(found: MutantFindings, quantity: Quantity) -> dict[str, Any]:
    """The verdict, the figures side by side, and the plot; without it where there are no differences."""
    sides = [side for side in (("new to the model", found.new), ("known to it", found.known)) if side[1]]
    figures = [figures for _, figures in sides if figures is not None]
    return {
        "says": found.says,
        "verdict": found.verdict,
        "titles": [title for title, _ in sides],
        "lines": [
            ("mutants", [f"{one['mutants']} of {one['proteins']} wild types" for one in figures]),
            ("differences", [count(one["differences"]) for one in figures]),
            *((title, [_figure(one, key) for one in figures]) for title, key in _FIGURES),
            ("sign, where it changes by 0.5 or more", [_signs(one) for one in figures]),
        ],
        "chart": _scatter(found, quantity),
    }


def _figure(figures: Mapping[str, Any], key: str) -> str:
    text = decimals(figures[key], 2)
    interval = figures.get({"pearson": "interval", "among": "among_interval"}.get(key, ""))
    if interval is None:
        return text
    low, high = (decimals(bound, 2) for bound in interval)
    return f"{text} ({low} to {high})"


def _signs(figures: Mapping[str, Any]) -> str:
    return f"{percent(figures['sign_agreement'])} of {count(figures['clear'])}"


def _scatter(found: MutantFindings, quantity: Quantity) -> Chart | None:
    if not len(found.measured):
        return None
    everything = np.concatenate([found.measured, found.predicted])
    margin = 0.04 * float(np.ptp(everything)) or 0.5
    limits = (float(everything.min()) - margin, float(everything.max()) + margin)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for rows, title, colour, marker in (
            (~found.is_new, "mutants known to the model", SECOND, "x"),
            (found.is_new, "new to it", FIRST, "o"),
        ):
            if rows.any():
                axes.scatter(
                    found.measured[rows],
                    found.predicted[rows],
                    s=18,
                    color=colour,
                    marker=marker,
                    alpha=0.6,
                    linewidths=1 if marker == "x" else 0,
                    label=title,
                    zorder=3,
                )
        axes.plot(limits, limits, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set_xlabel(f"measured change of {axis_title(quantity)}")
        axes.set_ylabel("predicted change")
        figure.legend(loc="outside upper left", ncols=2)

    return Chart(
        draw_svg("mutants", draw, height=430),
        f"Measured against predicted changes of {count(len(found.measured))} compounds on mutants.",
        "Label, and score, on the mutant minus that on the wild type. Dashed: prediction equals measurement; "
        "solid: no change is predicted.",
    )
