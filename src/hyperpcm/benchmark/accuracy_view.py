"""The tables of an accuracy benchmark: means over folds, and the reference minus every other row, twice."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np

from hyperpcm.benchmark.accuracy_results import AccuracyFile, AccuracyOnDisk
from hyperpcm.benchmark.benchmark import Benchmark
from hyperpcm.benchmark.facts import facts_of, notes_of, stale_rows
from hyperpcm.benchmark.view import Cell, Column, Line, Mark, Section, TableView
from hyperpcm.errors import TableError
from hyperpcm.evaluation.paired import TARGET_METRICS, compare_targets
from hyperpcm.evaluation.results import ResultRow
from hyperpcm.evaluation.surroundings import Surroundings
from hyperpcm.evaluation.tables import (
    LOWER_IS_BETTER,
    NULL_ROWS,
    TITLES,
    best_null,
    better_than_all,
    by_fold,
    compare,
)
from hyperpcm.evaluation.target_values import TargetTable

__all__ = ["accuracy_view"]

_MEANS = (
    "Mean ± standard deviation over folds (seeds averaged within a fold). ◆ marks the best null of a column: "
    "a null knows less than a model of compounds and targets should. “Per target” is the mean over targets, "
    "so that knowing the mean of a target earns nothing. s: seconds of fitting and scoring; MB: peak memory."
)
_FOLDS = (
    "{reference} minus each row, paired fold by fold over the folds that both have, with the 95 % interval "
    "of a paired t-test over these folds (n is their number). Folds share training rows, so the interval is "
    "somewhat narrow. ✓ {reference} is better, ✗ it is worse, ≈ the interval includes 0."
)
_TARGETS = (
    "{reference} minus each row on the same targets, with a 95 % percentile interval from 2,000 resamplings "
    "of targets (seeds averaged first; n is the number of targets). MSE weighs a target by its labels, the "
    "others count each target once. Marks as above."
)


def accuracy_view(benchmark: Benchmark, held: AccuracyOnDisk) -> TableView:
    """What the table of a benchmark shows.

    Raises:
        TableError: none of its rows has a result.
    """
    content, file = held.content, benchmark.file
    titles = {row.name: row.title for row in benchmark.rows}
    shuffled = {f"{row.name}_shuffled": row for row in benchmark.rows if row.is_shuffled_too}
    titles |= {name: f"{row.title}, targets shuffled" for name, row in shuffled.items()}
    rows = [row for row in (content.rows if content else ()) if row.model in titles]
    if content is None or not rows or not isinstance(file, AccuracyFile):
        raise TableError(
            f"benchmark {benchmark.name!r} has no results at {held.path}. "
            f"Make them with: hyperpcm benchmark run {benchmark.name}"
        )
    names = [name for name in titles if any(row.model == name for row in rows)]
    baselines = {row.name: row.file.baseline for row in benchmark.rows}
    nulls = {name for name in names if baselines.get(name) in NULL_ROWS}
    nulls |= {name for name in names if name == f"{file.reference}_shuffled"}
    names.sort(key=lambda name: (name != file.reference, name in nulls))
    metrics = [metric for metric in file.metrics if any(by_fold(rows, name, metric) for name in names)]
    table = _Tables(rows, names, nulls, file.reference, titles, metrics)
    sections = [table.means()]
    if file.reference in names and len(names) > 1:
        sections += [table.over_folds(), *table.over_targets(held.targets)]
    return TableView(
        name=benchmark.name,
        title=file.title,
        about=" ".join(file.about.split()),
        facts=facts_of(
            benchmark,
            content.protocol,
            Surroundings(content.versions, content.commit, content.machine),
            (row.commit or content.commit for row in rows),
        ),
        sections=tuple(sections),
        sentences=(*table.sentences(), *stale_rows(benchmark, held)),
        notes=notes_of(benchmark),
        missing=tuple(row.title for row in benchmark.rows if row.name not in names),
    )


class _Tables:
    """The rows of one results file that belong to a benchmark, and the sections made of them."""

    def __init__(
        self,
        rows: list[ResultRow],
        names: list[str],
        nulls: set[str],
        reference: str,
        titles: dict[str, str],
        metrics: list[str],
    ) -> None:
        self.rows, self.names, self.nulls = rows, names, nulls
        self.reference, self.titles, self.metrics = reference, titles, metrics

    def means(self) -> Section:
        best = {metric: best_null(self.rows, self.names, metric, self.nulls) for metric in self.metrics}
        lines = []
        for name in self.names:
            own = [row for row in self.rows if row.model == name]
            cells = [_mean(self.rows, name, metric, best[metric] == name) for metric in self.metrics]
            lines.append(self._line(name, [*_counts(own), *cells, *_costs(own)]))
        columns = [Column("folds"), Column("seeds"), *map(_column, self.metrics), Column("s"), Column("MB")]
        return Section("Results", "row", tuple(columns), tuple(lines), _MEANS)

    def over_folds(self) -> Section:
        lines = []
        for name in self.names:
            if name == self.reference:
                continue
            cells, folds = [], set()
            for metric in self.metrics:
                found = compare(self.rows, name, metric, model=self.reference)
                if found is None:
                    cells.append(Cell())
                else:
                    folds.add(found.folds)
                    cells.append(_difference(found.difference, found.low, found.high, found.folds, metric))
            lines.append(self._line(name, [_range(folds), *cells]))
        caption = _FOLDS.format(reference=self.titles[self.reference])
        columns = [Column("n"), *map(_column, self.metrics)]
        return self._differences("Differences over folds", columns, lines, caption)

    def over_targets(self, targets: TargetTable) -> list[Section]:
        """The section, or none where no two rows have values per target."""
        shown = [metric for metric in self.metrics if metric in TARGET_METRICS]
        lines, any_found = [], False
        for name in self.names:
            if name == self.reference:
                continue
            cells = []
            for metric in shown:
                found = compare_targets(targets, name, metric, model=self.reference)
                any_found = any_found or found is not None
                if found is None:
                    cells.append(Cell())
                else:
                    cell = _difference(found.difference, found.low, found.high, found.targets, metric)
                    cells.append(
                        dataclasses.replace(cell, detail=f"{cell.detail} n = {found.targets}".strip())
                    )
            lines.append(self._line(name, cells))
        caption = _TARGETS.format(reference=self.titles[self.reference])
        if not any_found:
            return []
        return [self._differences("Differences over targets", list(map(_column, shown)), lines, caption)]

    def sentences(self) -> Iterable[str]:
        """A sentence for every null and metric where the reference is not better, or one on all of them."""
        if self.reference not in self.names:
            return
        compared = []
        worse = []
        for metric in self.metrics:
            for null in [name for name in self.names if name in self.nulls]:
                found = compare(self.rows, null, metric, model=self.reference)
                if found is None:
                    continue
                compared.append(found)
                if not found.is_better:
                    named = dataclasses.replace(
                        found, model=self.titles[self.reference], other=self.titles[null]
                    )
                    worse.append(named.sentence())
        yield from worse
        if compared and not worse:
            yield better_than_all(self.titles[self.reference], compared)

    def _line(self, name: str, cells: Sequence[Cell]) -> Line:
        if name == self.reference:
            return Line(name, self.titles[name], tuple(cells), "reference")
        return Line(name, self.titles[name], tuple(cells), "null" if name in self.nulls else "row")

    def _differences(self, heading: str, columns: list[Column], lines: list[Line], caption: str) -> Section:
        first = f"{self.titles[self.reference]} minus"
        return Section(heading, first, tuple(columns), tuple(lines), caption)


def _column(metric: str) -> Column:
    return Column(TITLES.get(metric, metric), "↓" if metric in LOWER_IS_BETTER else "↑")


def _mean(rows: list[ResultRow], name: str, metric: str, is_best: bool) -> Cell:
    values = list(by_fold(rows, name, metric).values())
    if not values:
        return Cell(numbers={"mean": None, "sd": None, "folds": 0})
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
    detail = "" if sd is None else f"± {sd:.3f}"
    numbers = {"mean": mean, "sd": sd, "folds": len(values)}
    return Cell(f"{mean:.3f}", detail, "best null" if is_best else "", numbers)


def _difference(difference: float, low: float, high: float, n: int, metric: str) -> Cell:
    numbers: dict[str, float | int | None] = {"difference": difference, "low": low, "high": high, "n": n}
    text = f"{difference:+.3f}".replace("-", "−")
    if math.isnan(low):
        return Cell(text, "", "", {**numbers, "low": None, "high": None})
    mark: Mark = "undecided"
    if low > 0 or high < 0:
        mark = "better" if (difference < 0) == (metric in LOWER_IS_BETTER) else "worse"
    return Cell(text, f"[{low:+.3f}, {high:+.3f}]".replace("-", "−"), mark, numbers)


def _range(numbers: set[int]) -> Cell:
    """How many folds the cells of a line rest on, as one number or as a span."""
    if not numbers:
        return Cell()
    low, high = min(numbers), max(numbers)
    return Cell(str(low) if low == high else f"{low}–{high}", numbers={"min": low, "max": high})


def _counts(own: list[ResultRow]) -> list[Cell]:
    numbers = (len({row.fold for row in own}), len({row.seed for row in own}))
    return [Cell(str(number), numbers={"count": number}) for number in numbers]


def _costs(own: list[ResultRow]) -> list[Cell]:
    seconds = float(np.mean([row.seconds for row in own]))
    peaks = [row.peak_mb for row in own if row.peak_mb is not None]
    peak = max(peaks, default=None)
    text = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
    memory = Cell() if peak is None else Cell(f"{peak:.0f}", numbers={"peak_mb": peak})
    return [Cell(text, numbers={"seconds": seconds}), memory]
