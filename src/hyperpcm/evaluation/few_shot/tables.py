"""Few-shot summaries as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hyperpcm.errors import TableError
from hyperpcm.evaluation.few_shot.curves import METRICS

__all__ = ["TITLES", "all_curves", "count_key", "render_few_shot"]

TITLES: Final = {"mse": "MSE", "spearman": "Spearman ρ", "pearson": "Pearson r", "auroc": "AUROC"}
"""Metric → how it is written in tables and figures."""


def count_key(metric: str) -> str:
    """Where an entry of a summary says how many targets have a number of this metric."""
    return {"mse": "n_targets", "auroc": "n_targets_classified"}.get(metric, "n_targets_correlated")


def all_curves(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """Every curve of a summary by what it is called for people.

    The adapters of the main model keep their names; ``none`` becomes the model's name, and those of a rival,
    where they use it at all, are called ``<rival>`` and ``<rival> + <adapter>``.

    Raises:
        TableError: the record is no summary.
    """
    try:
        main = dict(summary["adapters"])
        curves = {summary["zero_shot"] if name == "none" else name: curve for name, curve in main.items()}
        for rival, adapters in summary["rivals"].items():
            for name, curve in adapters.items():
                if name == "none":
                    curves[rival] = curve
                elif name not in main or _values(curve) != _values(main[name]):
                    curves[f"{rival} + {name}"] = curve
    except (KeyError, TypeError, AttributeError) as error:
        raise TableError(
            f"this is not a few-shot summary ({error!r} is missing or of another kind)."
        ) from error
    return curves


def render_few_shot(
    summary: Mapping[str, Any],
    metrics: Sequence[str] = ("mse", "spearman", "auroc"),
    *,
    style: str = "markdown",
) -> str:
    """One table for each metric: a line for each method, a column for each k that any target has.

    A cell is the mean over targets; ``*`` marks those whose 95 % interval of the paired difference to the
    zero-shot scores leaves out 0. Below stand the numbers of targets, and the share of targets that got
    worse.

    Args:
        summary: as `hyperpcm.evaluation.few_shot.summarise` gives it, or as read from its file.
        metrics: some of `METRICS`.
        style: ``markdown`` or ``plain``.

    Raises:
        TableError: no summary, or an unknown metric.
    """
    curves = all_curves(summary)
    sizes = [k for k, entry in summary["adapters"]["none"].items() if entry["n_targets"]]
    blocks = []
    for metric in metrics:
        if metric not in METRICS:
            raise TableError(f"{metric!r} is not a few-shot metric. Known: {', '.join(METRICS)}.")
        lines = [[f"{TITLES[metric]}, k =", *sizes]]
        lines += [[name, *(_cell(curve[k], metric) for k in sizes)] for name, curve in curves.items()]
        none = summary["adapters"]["none"]
        lines.append(["targets", *(str(none[k][count_key(metric)]) for k in sizes)])
        blocks.append(_laid_out(lines, style))
    lines = [["share worse by ρ > 0.05, k =", *sizes]]
    for name, curve in curves.items():
        lines.append([name, *(_share(curve[k]["worse_share"]) for k in sizes)])
    blocks.append(_laid_out(lines, style))
    return "\n\n".join(blocks)


def _cell(entry: Mapping[str, Any], metric: str) -> str:
    if entry[metric] is None or entry[metric] != entry[metric]:
        return "–"
    _, low, high = entry["to_none"][metric]
    decided = low is not None and high is not None and (low > 0 or high < 0)
    return f"{entry[metric]:.3f}{'*' if decided else ''}"


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.2f}"


def _values(curve: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    return [[entry[metric] for metric in METRICS] for entry in curve.values()]


def _laid_out(lines: list[list[str]], style: str) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = [
        [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    if style != "markdown":
        return "\n".join("  ".join(line) for line in padded)
    rule = [
        ("-" * (width - 1) + ":") if column else ":" + "-" * (width - 1)
        for column, width in enumerate(widths)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])
