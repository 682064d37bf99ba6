"""The figures of a report, each with the sentence that says what it shows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from hyperpcm import metrics
from hyperpcm.datasets.interactions import EXACT, Quantity
from hyperpcm.evaluation.report.inputs import DataSummary, ScoredRows, TrainingCurve
from hyperpcm.evaluation.report.theme import FIRST, INK, MUTED, SECOND, draw_svg
from hyperpcm.evaluation.report.words import (
    axis_title,
    clip,
    count,
    decimals,
    metric_title,
    several,
    value_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = [
    "Chart",
    "class_scores",
    "label_histogram",
    "learning_curve",
    "measured_against_predicted",
    "per_target_histogram",
    "reliability_diagram",
]

_MOST_POINTS = 1500  # beyond that many, cells are counted
_CELLS = 36  # along the axis of labels
_BINS = 40

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Chart:
    """One figure.

    Attributes:
        svg: the drawing.
        says: what it shows, for those who cannot see it.
        caption: how to read it.
    """

    svg: Markup
    says: str
    caption: str


def label_histogram(data: DataSummary) -> Chart | None:
    """How often which label was measured; None where labels are not given or of two classes."""
    if data.labels is None or data.labels.size == 0 or data.quantity.kind == "binary":
        return None
    labels = data.labels.astype(np.float64)
    censored = np.zeros(labels.size, dtype=np.bool_) if data.relations is None else data.relations != EXACT
    edges = np.histogram_bin_edges(labels, bins=_BINS)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        series = [(~censored, "measured value", FIRST), (censored, "only a bound is known", SECOND)]
        shown = [one for one in series if one[0].any()]
        axes.hist(
            [labels[rows] for rows, _, _ in shown],
            bins=edges.tolist(),
            stacked=True,
            label=[title for _, title, _ in shown],
            color=[colour for _, _, colour in shown],
        )
        _threshold(axes, data.quantity)
        axes.set_xlabel(axis_title(data.quantity))
        axes.set_ylabel("interactions")
        axes.grid(visible=False, axis="x")
        _thousands(axes)
        if len(shown) > 1 or data.quantity.active_at is not None:
            _legend(figure)

    share = float(censored.mean())
    says = (
        f"Histogram of {count(labels.size)} labels from {value_text(labels.min())} to "
        f"{value_text(labels.max())}, median {value_text(float(np.median(labels)))}."
    )
    caption = "How often which label was measured."
    if share:
        caption += f" {100 * share:.1f} % of the labels are bounds: the true value lies beyond them."
    return Chart(draw_svg("labels", draw), says, caption)


def learning_curve(training: TrainingCurve) -> Chart | None:
    """Training loss and validation metric by epoch, one above the other; None before the first epoch."""
    if not training.epochs:
        return None
    epochs = [float(line.get("epoch", place)) for place, line in enumerate(training.epochs)]
    loss = _series(training.epochs, "train_loss")
    metric = _series(training.epochs, training.metric)
    title = metric_title(training.metric.removeprefix("valid_"))
    chosen = [place for place, epoch in enumerate(epochs) if epoch == training.best_epoch]

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True)
        panels = [(above, loss, f"training loss ({clip(training.loss, 30)})", FIRST)]
        panels.append((below, metric, f"validation {clip(title, 30)}", SECOND))
        for axes, values, text, colour in panels:
            axes.plot(epochs, values, color=colour, marker="o", markersize=3.5 if len(epochs) <= 60 else 0)
            axes.set_title(text)
            for place in chosen:
                axes.axvline(epochs[place], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
                axes.plot([epochs[place]], [values[place]], color=INK, marker="o", markersize=7, linestyle="")
        below.set_xlabel("epoch")
        _whole_numbers(below.xaxis)

    caption = "Training loss and validation metric of each epoch; they are in different units."
    says = f"Curves of training loss and validation {title} over {count(len(epochs))} epochs."
    if chosen:
        best = f"epoch {training.best_epoch} with validation {title} {decimals(metric[chosen[0]])}"
        caption += f" The weights of {best} were kept (marked)."
        says += f" Chosen: {best}."
    return Chart(draw_svg("learning", draw, height=360), says, caption)


def measured_against_predicted(test: ScoredRows, quantity: Quantity) -> Chart | None:
    """Labels and scores of the test side against each other; None for no rows."""
    if test.labels.size == 0:
        return None
    labels, scores = test.labels.astype(np.float64), test.scores.astype(np.float64)
    low, high = float(min(labels.min(), scores.min())), float(max(labels.max(), scores.max()))
    margin = 0.04 * (high - low) or 0.5
    limits = (low - margin, high + margin)
    dense = labels.size > _MOST_POINTS
    fullest = 0

    def draw(figure: Figure) -> None:
        nonlocal fullest
        axes = figure.add_subplot()
        if dense:
            fullest = _cells(axes, labels, scores, limits)
        else:
            axes.scatter(labels, scores, s=22, color=FIRST, alpha=0.5, linewidths=0, zorder=3)
        axes.plot(limits, limits, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set_xlabel(f"measured {axis_title(quantity)}")
        axes.set_ylabel("predicted")

    svg = draw_svg("scatter", draw, height=430)
    caption = "Dashed: prediction equals measurement."
    if dense:
        caption += f" The stronger the colour, the more rows in a cell (log scale, up to {count(fullest)})."
    if test.relations is not None and (test.relations != EXACT).any():
        share = float((test.relations != EXACT).mean())
        caption += f" {100 * share:.1f} % of the labels are bounds, drawn at the bound."
    says = f"Measured against predicted {clip(quantity.name, 60)} of {count(labels.size)} test rows."
    return Chart(svg, says, caption)


def class_scores(test: ScoredRows) -> Chart | None:
    """Distribution of scores of actives and inactives; None for no rows."""
    if test.labels.size == 0:
        return None
    active = test.labels >= 0.5
    bins = min(_BINS, max(8, round(math.sqrt(test.scores.size))))
    edges = np.histogram_bin_edges(test.scores.astype(np.float64), bins=bins)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for rows, title, colour, style in (
            (active, "active", FIRST, "-"),
            (~active, "inactive", SECOND, "--"),
        ):
            if rows.any():
                shares = np.histogram(test.scores[rows], bins=edges)[0] / rows.sum()
                axes.stairs(shares, edges, color=colour, linewidth=2, linestyle=style, label=title)
        axes.set_xlabel("predicted probability of being active")
        axes.set_ylabel("share of the class")
        axes.set_ylim(bottom=0)
        _legend(figure)

    says = f"Scores of {count(int(active.sum()))} actives and {count(int((~active).sum()))} inactives."
    return Chart(draw_svg("classes", draw), says, "How scores are distributed within each class.")


def reliability_diagram(test: ScoredRows) -> Chart | None:
    """Announced probabilities beside what was seen, before and after calibration; None for no rows."""
    if test.labels.size == 0 or ((test.scores < 0) | (test.scores > 1)).any():
        return None
    active = test.labels >= 0.5
    curve = metrics.reliability_curve(active, test.scores)
    before = None if test.uncalibrated is None else metrics.reliability_curve(active, test.uncalibrated)
    title = "probability" if before is None else "calibrated"

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        if before is not None:
            own = (before.probability, before.observed)
            axes.plot(*own, color=SECOND, linestyle="--", marker="s", markersize=5, label="before")
        ends = (curve.observed - curve.lower, curve.upper - curve.observed)
        axes.errorbar(
            curve.probability,
            curve.observed,
            yerr=ends,
            color=FIRST,
            marker="o",
            markersize=5,
            elinewidth=1,
            label=title,
        )
        drawn = (curve, *([] if before is None else [before]))
        most = max(max(one.probability.max(), one.upper.max()) for one in drawn)
        limits = (-0.02 * most, 1.04 * most)
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set_xlabel("predicted probability of being active")
        axes.set_ylabel("share of actives")
        _legend(figure)

    bins = f"{several(curve.n.size, 'bin')} of {count(int(curve.n.min()))} rows or more"
    caption = (
        f"Mean probability and share of actives, with 95 % intervals, in {bins}. Dashed diagonal: what is "
        f"announced is what is seen. Expected calibration error {decimals(curve.error)}"
    )
    caption += "." if before is None else f", before calibration {decimals(before.error)}."
    says = f"Reliability of {count(active.size)} probabilities, expected error {decimals(curve.error)}."
    return Chart(draw_svg("reliability", draw, height=430), says, caption)


def per_target_histogram(values: Floats, title: str, chance: float, lowest: float) -> Chart | None:
    """Distribution of one metric over targets; None where no target supports it.

    Args:
        values: the metric of each target [t], at most 1.
        title: what it is called.
        chance: its value for scores that know nothing.
        lowest: the least it can be.
    """
    if values.size == 0:
        return None
    median = float(np.median(values))
    start = min(lowest, 0.0) if (values < chance).any() or lowest == 0.0 else chance
    edges = np.linspace(start, 1.0, round((1.0 - start) / 0.05) + 1)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.hist(np.clip(values, start, 1.0), bins=edges.tolist(), color=FIRST, rwidth=0.92)
        axes.axvline(median, color=INK, linewidth=1.5, label=f"median {decimals(median, 2)}")
        axes.axvline(chance, color=MUTED, linewidth=1.2, linestyle=(0, (3, 3)), label="chance")
        axes.set_xlim(start - 0.02, 1.02)
        axes.set_xlabel(title)
        axes.set_ylabel("targets")
        axes.grid(visible=False, axis="x")
        _whole_numbers(axes.yaxis)
        _legend(figure)

    below = int((values <= chance).sum())
    caption = f"{several(below, 'target')} of {count(values.size)} at or below chance."
    says = f"Histogram of {title} over {several(values.size, 'target')}, median {decimals(median, 2)}."
    return Chart(draw_svg("per-target", draw), says, caption)


def _series(epochs: Any, key: str) -> list[float]:
    """One number per epoch; nan where it is missing or none."""

    def number(line: Mapping[str, Any]) -> float:
        value = line.get(key)
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else math.nan

    return [number(line) for line in epochs]


def _cells(axes: Axes, labels: Floats, scores: Floats, limits: tuple[float, float]) -> int:
    """Draw how many rows fall into each cell, as opacity on a log scale; gives the fullest cell's count."""
    cells = axes.hexbin(labels, scores, gridsize=_CELLS, extent=(*limits, *limits), mincnt=1, linewidths=0)
    counts = np.asarray(cells.get_array(), dtype=np.float64)
    most = float(counts.max())
    opacity = 0.15 + 0.85 * np.log1p(counts - 1) / max(math.log1p(most - 1), 1e-9)
    cells.set_array(None)
    cells.set_facecolor([(FIRST, float(alpha)) for alpha in np.minimum(opacity, 1.0)])
    cells.set_edgecolor("none")
    return int(most)


def _threshold(axes: Axes, quantity: Quantity) -> None:
    if quantity.active_at is not None:
        label = f"active from {value_text(quantity.active_at)}"
        axes.axvline(quantity.active_at, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), label=label)


def _legend(figure: Figure) -> None:
    """Above the axes, where it covers nothing."""
    figure.legend(loc="outside upper left", ncols=2)


def _thousands(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _whole_numbers(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
