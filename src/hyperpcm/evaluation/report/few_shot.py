"""The figure of a few-shot summary: how far a few measured compounds carry each method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.errors import TableError
from hyperpcm.evaluation.few_shot import METRICS, all_curves
from hyperpcm.evaluation.few_shot.tables import TITLES, count_key
from hyperpcm.evaluation.report.figures import Chart
from hyperpcm.evaluation.report.theme import FIRST, FOURTH, INK, MUTED, SECOND, THIRD, draw_svg
from hyperpcm.evaluation.report.words import decimals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["few_shot_chart"]

# Colour, marker and dashes together tell the lines apart, so that colour alone never has to.
_STYLES: Final = (
    (INK, "o", "-"),
    (FIRST, "s", "-"),
    (THIRD, "^", "-"),
    (SECOND, "D", "--"),
    (FOURTH, "v", "--"),
    (MUTED, "P", ":"),
    (INK, "X", ":"),
    (FIRST, "*", ":"),
    (THIRD, "<", "-."),
    (SECOND, ">", "-."),
    (FOURTH, "h", "-."),
    (MUTED, "d", "-."),
)


def few_shot_chart(summary: Mapping[str, Any], metric: str = "spearman") -> Chart | None:
    """One metric against the number of measured compounds, a line for each adapter of the main model.

    Rivals stand in the table only: where they are as good, their lines would hide those of the model.

    Steps of k are equally wide. Bars are standard errors over targets. Zero-shot scores are drawn at every k,
    over the targets that have k measured compounds. None where no target has a number.

    Args:
        summary: as `hyperpcm.evaluation.few_shot.summarise` gives it.
        metric: one of `hyperpcm.evaluation.few_shot.METRICS`.

    Raises:
        TableError: no summary, an unknown metric, or more methods than can be told apart.
    """
    if metric not in METRICS:
        raise TableError(f"{metric!r} is not a few-shot metric. Known: {', '.join(METRICS)}.")
    curves = all_curves({**summary, "rivals": {}})
    if len(curves) > len(_STYLES):
        raise TableError(f"{len(curves)} methods are too many for one figure; leave some out.")
    none = summary["adapters"]["none"]
    sizes = [k for k in none if _known(none[k][metric])]
    if not sizes:
        return None
    count = count_key(metric)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for (name, curve), (colour, marker, dashes) in zip(curves.items(), _STYLES, strict=False):
            _line(axes, curve, sizes, metric, name, colour, marker, dashes)
        axes.set_xticks(range(len(sizes)), [f"{k}\n{none[k][count]}" for k in sizes])
        axes.set_xlabel("measured compounds k (below: targets that have so many)")
        axes.set_ylabel(f"{TITLES[metric]}, mean over targets")
        axes.grid(visible=False, axis="x")
        if metric == "mse":
            axes.set_ylim(bottom=0)
        figure.legend(loc="outside upper left", ncols=2)

    last = sizes[-1]
    says = (
        f"{TITLES[metric]} of {len(curves)} methods from {sizes[0]} to {last} measured compounds. "
        + " ".join(
            f"{name}: {decimals(curve[sizes[0]][metric])} to {decimals(curve[last][metric])}."
            for name, curve in curves.items()
            if _known(curve[sizes[0]][metric]) and _known(curve[last][metric])
        )
    )
    caption = (
        f"{TITLES[metric]} on compounds that share no scaffold with the measured ones; the scored compounds "
        "of a target are the same at every k and for every method. Bars: one standard error over targets."
    )
    return Chart(draw_svg(f"few-shot-{metric}", draw, width=560, height=430), says, caption)


def _line(
    axes: Axes,
    curve: Mapping[str, Mapping[str, Any]],
    sizes: list[str],
    metric: str,
    name: str,
    colour: str,
    marker: str,
    dashes: str,
) -> None:
    places = [place for place, k in enumerate(sizes) if _known(curve[k][metric])]
    values = [curve[sizes[place]][metric] for place in places]
    errors = [curve[sizes[place]][f"{metric}_se"] or 0.0 for place in places]
    axes.errorbar(
        places,
        values,
        yerr=[0.0 if math.isnan(error) else error for error in errors],
        color=colour,
        marker=marker,
        markersize=7.5,
        markerfacecolor="none",  # a line that lies on another one stays visible through it
        markeredgewidth=1.6,
        linestyle=dashes,
        linewidth=1.8,
        elinewidth=1,
        label=name,
    )


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
