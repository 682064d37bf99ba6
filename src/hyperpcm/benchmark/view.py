"""What a benchmark's table shows, apart from how it is written: sections of cells, facts and notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hyperpcm.benchmark.benchmark import RESULTS, Benchmark
from hyperpcm.benchmark.registry import kind_named

if TYPE_CHECKING:
    from hyperpcm.evaluation.report.figures import Chart

__all__ = ["Cell", "Column", "Line", "Section", "TableView", "mark_of", "view_of"]

Mark: TypeAlias = Literal["", "best null", "better", "worse", "undecided"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what stands in it; a dash where there is no number.
        detail: what stands below or beside it, smaller: a spread or an interval.
        mark: what the cell says beyond its number.
        numbers: the numbers behind it, by name.
    """

    text: str = "–"
    detail: str = ""
    mark: Mark = ""
    numbers: Mapping[str, float | int | None] = dataclasses.field(default_factory=dict)


def mark_of(low: float | None, high: float | None, *, lower_is_better: bool = False) -> Mark:
    """How an interval of a difference lies to 0; nothing where there is none, or no difference at all."""
    if low is None or high is None or low != low or high != high or low == high == 0:
        return ""
    if low <= 0 <= high:
        return "undecided"
    return "better" if (high < 0) == lower_is_better else "worse"


@dataclasses.dataclass(frozen=True)
class Column:
    """The head of a column of numbers; ``arrow`` says which way is better."""

    title: str
    arrow: Literal["", "↑", "↓"] = ""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line: the name of a row, what readers call it, its cells, and what it is among the rows."""

    name: str
    title: str
    cells: tuple[Cell, ...]
    role: Literal["reference", "null", "row"] = "row"


@dataclasses.dataclass(frozen=True)
class Section:
    """One table with its heading and what has to be said about it."""

    heading: str
    first: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    caption: str


@dataclasses.dataclass(frozen=True)
class TableView:
    """Everything the page of a benchmark says.

    Attributes:
        name: of the benchmark.
        title: what it is called.
        about: a paragraph.
        facts: protocol, commit and machine, as name and value.
        sections: the tables.
        charts: figures, where the page can show them.
        sentences: what the numbers do not show, in plain words.
        notes: title of a row and its note.
        missing: rows of the benchmark without any result.
    """

    name: str
    title: str
    about: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    charts: tuple[Chart, ...] = ()
    sentences: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The content as JSON-able objects."""
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "facts": dict(self.facts),
            "sections": [
                {
                    "heading": section.heading,
                    "caption": section.caption,
                    "lines": [
                        {
                            "name": line.name,
                            "title": line.title,
                            "role": line.role,
                            "cells": {
                                column.title: {**cell.numbers, "mark": cell.mark or None}
                                for column, cell in zip(section.columns, line.cells, strict=True)
                            },
                        }
                        for line in section.lines
                    ],
                }
                for section in self.sections
            ],
            "sentences": list(self.sentences),
            "notes": dict(self.notes),
            "missing": list(self.missing),
        }


def view_of(benchmark: Benchmark, results: Path | None = None) -> TableView:
    """The view of a benchmark's results.

    Args:
        benchmark: which one.
        results: folder of results; beside the benchmark when not given.

    Raises:
        TableError: there are none, or they cannot be read.
    """
    folder = benchmark.folder.parent / RESULTS if results is None else results
    return kind_named(benchmark.file.kind, benchmark.folder).view(benchmark, folder)
