"""The tables and the figure of a few-shot benchmark: each metric against the number of measured compounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hyperpcm.benchmark.benchmark import Benchmark
from hyperpcm.benchmark.facts import facts_of, notes_of, older_parts, stale_rows
from hyperpcm.benchmark.few_shot_results import FewShotOnDisk
from hyperpcm.benchmark.view import Cell, Column, Line, Section, TableView, mark_of
from hyperpcm.errors import TableError
from hyperpcm.evaluation.few_shot import LABELS_ROW, all_curves
from hyperpcm.evaluation.few_shot.tables import TITLES, count_key
from hyperpcm.evaluation.report.few_shot import few_shot_chart
from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["few_shot_view"]

_SHOWN: Final = ("mse", "spearman", "auroc")
_LOWER: Final = ("mse", "worse_share")
_MEANS = (
    "Mean ± standard error over the held-out targets that have k measured compounds; compare within a "
    "column. ✓ better than the zero-shot scores of the same model on the same targets, ✗ worse, ≈ the 95 % "
    "bootstrap interval over targets of the paired difference includes 0. What uses labels alone is compared "
    "with {zero_shot}."
)
_AGAIN = "Marks as above."
_WORSE = (
    "Share of targets whose Spearman ρ is lower than that of the zero-shot scores by more than 0.05: for how "
    "many targets measuring does harm."
)
_LESS = (
    "Mean over targets of the paired difference to the adapter of whoever does not choose, with its 95 % "
    "bootstrap interval. ✓ better than that adapter, ✗ worse, ≈ the interval includes 0."
)
_Curve = Mapping[str, Mapping[str, Any]]


def few_shot_view(benchmark: Benchmark, held: FewShotOnDisk) -> TableView:
    """What the table of a benchmark shows.

    Raises:
        TableError: there is no summary yet, or it cannot be read.
    """
    if not held.has_table:
        raise TableError(
            f"benchmark {benchmark.name!r} has no results at {held.path}: they begin with a fold of "
            f"{benchmark.file.reference} and of {LABELS_ROW}. Make them with: hyperpcm benchmark run "
            f"{benchmark.name}"
        )
    summary = held.summary
    curves = all_curves(summary)
    titles = _titles(benchmark, summary, curves)
    sizes = [k for k, entry in summary["adapters"]["none"].items() if entry["n_targets"]]
    shown = [metric for metric in _SHOWN if _any_known(curves, sizes, metric)]
    captions = [_MEANS.format(zero_shot=titles[summary["zero_shot"]])] + [_AGAIN] * len(shown)
    sections = [
        _section(_heading(metric), metric, summary, titles, sizes, caption)
        for metric, caption in zip(shown, captions, strict=False)
    ]
    sections.append(_section(_heading("worse_share"), "worse_share", summary, titles, sizes, _WORSE))
    sections += [_to_default(metric, summary, titles, sizes) for metric in shown]
    chart = few_shot_chart(summary)
    where = Surroundings(summary["versions"], summary["commit"], summary["machine"])
    made = {*summary["rivals"], summary["zero_shot"], LABELS_ROW}
    return TableView(
        name=benchmark.name,
        title=benchmark.file.title,
        about=" ".join(benchmark.file.about.split()),
        facts=(
            ("folds", _listed(summary["folds"])),
            ("seeds", _listed(summary["seeds"])),
            ("draws of each target", str(summary["draws"])),
            *facts_of(benchmark, summary["protocol"], where, summary.get("commits", [summary["commit"]])),
        ),
        sections=tuple(sections),
        charts=() if chart is None else (chart,),
        sentences=(
            *_against(summary, titles, sizes, shown),
            *_other_folds(summary, titles),
            *older_parts(benchmark, held.older(), "adapters"),
            *stale_rows(benchmark, held),
        ),
        notes=notes_of(benchmark),
        missing=tuple(row.title for row in benchmark.rows if row.name not in made),
    )


def _titles(benchmark: Benchmark, summary: Mapping[str, Any], curves: Iterable[str]) -> dict[str, str]:
    """Curve → what readers call it: the model, the model with an adapter, or what uses labels alone."""
    from hyperpcm.baselines.few_shot import YARDSTICKS

    rows = {row.name: row.title for row in benchmark.rows}
    of_labels = {one.name for one in YARDSTICKS if not one.uses_zero_shot}
    main = rows[benchmark.file.reference]
    titles = {}
    for name in curves:
        model, plus, adapter = name.partition(" + ")
        if plus:
            titles[name] = f"{rows.get(model, model)} + {adapter}"
        elif name == summary["zero_shot"] or name in summary["rivals"]:
            titles[name] = rows.get(name, name)
        elif name in of_labels:
            titles[name] = f"{rows[LABELS_ROW]}: {name}"
        else:
            titles[name] = f"{main} + {name}"
    return titles


def _heading(metric: str) -> str:
    title = "Targets that got worse" if metric == "worse_share" else TITLES[metric]
    return f"{title} {'↓' if metric in _LOWER else '↑'}"


def _section(
    heading: str,
    metric: str,
    summary: Mapping[str, Any],
    titles: Mapping[str, str],
    sizes: Sequence[str],
    caption: str,
) -> Section:
    """One metric: a line for each curve, a column for each k, and how many targets there are."""
    none = summary["adapters"]["none"]
    lines = [
        Line(
            name,
            titles[name],
            tuple(_cell(curve[k], metric) for k in sizes),
            "reference" if name == summary["zero_shot"] else "row",
        )
        for name, curve in all_curves(summary).items()
    ]
    counts = [int(none[k][count_key(metric)]) for k in sizes]
    cells = tuple(Cell(str(count), numbers={"count": count}) for count in counts)
    columns = tuple(Column(f"k = {k}") for k in sizes)
    return Section(
        heading, "measured compounds", columns, (*lines, Line("targets", "targets", cells)), caption
    )


def _to_default(
    metric: str, summary: Mapping[str, Any], titles: Mapping[str, str], sizes: Sequence[str]
) -> Section:
    """How far every other method of the main model lies from the usual adapter, target by target."""
    default = summary["default"]
    lines = []
    for name, curve in all_curves({**summary, "rivals": {}}).items():
        if name != default and all("to_default" in curve[k] for k in sizes):
            cells = tuple(_difference(curve[k], metric) for k in sizes)
            lines.append(
                Line(name, titles[name], cells, "reference" if name == summary["zero_shot"] else "row")
            )
    heading = f"{TITLES[metric]} less that of {titles[default]}"
    columns = tuple(Column(f"k = {k}") for k in sizes)
    return Section(heading, "measured compounds", columns, tuple(lines), _LESS)


def _difference(entry: Mapping[str, Any], metric: str) -> Cell:
    mean, low, high = entry["to_default"][metric]
    if not _known(mean):
        return Cell(numbers={"to_default": None})
    numbers = {"to_default": mean, "low": low, "high": high}
    detail = f"[{low:+.3f}, {high:+.3f}]" if _known(low) and _known(high) else ""
    known = {name: number if _known(number) else None for name, number in numbers.items()}
    return Cell(f"{mean:+.3f}", detail, mark_of(low, high, lower_is_better=metric in _LOWER), known)


def _cell(entry: Mapping[str, Any], metric: str) -> Cell:
    value = entry[metric]
    if not _known(value):
        return Cell(numbers={metric: None})
    if metric == "worse_share":
        return Cell(f"{value:.2f}", numbers={metric: value})
    error, (difference, low, high) = entry[f"{metric}_se"], entry["to_none"][metric]
    numbers = {metric: value, "se": error, "to_none": difference, "low": low, "high": high}
    return Cell(
        f"{value:.3f}",
        f"± {error:.3f}" if _known(error) else "",
        mark_of(low, high, lower_is_better=metric in _LOWER),
        {name: number if _known(number) else None for name, number in numbers.items()},
    )


def _against(
    summary: Mapping[str, Any], titles: Mapping[str, str], sizes: Sequence[str], metrics: Iterable[str]
) -> Iterable[str]:
    """For each metric a sentence on where the usual adapter and what uses labels alone lie to each other."""
    reference = summary["reference"]
    words: dict[str, str] = {"better": "better", "worse": "worse", "undecided": "undecided", "": "equal"}
    for metric in metrics:
        found: dict[str, list[str]] = {}
        for k in sizes:
            mean, low, high = summary["adapters"][summary["default"]][k]["to_reference"][metric]
            if _known(mean):
                found.setdefault(mark_of(low, high, lower_is_better=metric in _LOWER), []).append(k)
        if found:
            parts = [f"{words[mark]} at k = {', '.join(found[mark])}" for mark in words if mark in found]
            yield (
                f"{TITLES[metric]}, {titles[summary['default']]} against {titles[reference]} on the same "
                f"targets: {'; '.join(parts)}."
            )


def _other_folds(summary: Mapping[str, Any], titles: Mapping[str, str]) -> Iterable[str]:
    for model, folds in summary.get("folds_of_rivals", {}).items():
        if folds != summary["folds"]:
            yield (
                f"{titles[model]} was run on folds {_listed(folds)}: its targets are not those of "
                f"{titles[summary['zero_shot']]}."
            )


def _any_known(curves: Mapping[str, _Curve], sizes: Sequence[str], metric: str) -> bool:
    return any(_known(curve[k][metric]) for curve in curves.values() for k in sizes)


def _known(value: float | None) -> bool:
    return value is not None and value == value


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
