"""The test on measured mutants in a benchmark of trust, pooled over folds: each mutant is new in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.benchmark.benchmark import Benchmark, Row
from hyperpcm.benchmark.view import Cell, Column, Line, Section

if TYPE_CHECKING:
    from hyperpcm.trust import Differences, MutantTest

__all__ = ["mutants_of_part", "mutants_section", "pooled_mutants"]

_Part = Mapping[str, Any]

_COLUMNS: Final = (
    (Column("mutants"), "mutants", 0),
    (Column("differences"), "differences", 0),
    (Column("r", "↑"), "pearson", 3),
    (Column("ρ", "↑"), "spearman", 3),
    (Column("r within a mutant", "↑"), "mean_pearson", 3),
    (Column("r of random ones"), "random_pearson", 3),
    (Column("r among mutants", "↑"), "among", 3),
    (Column("signs", "↑"), "sign_agreement", 3),
    (Column("RMSE", "↓"), "rmse", 3),
    (Column("RMSE of “no change”"), "no_change_rmse", 3),
)
_INTERVALS: Final = MappingProxyType({"pearson": "interval", "among": "among_interval"})
_CAPTION: Final = (
    "Changes of compounds on mutants that the model had no label of, against the wild type: measured and "
    "predicted, pooled over all folds. Intervals (95 %) are from resampling mutants. Two controls: random "
    "substitutions elsewhere in the same proteins, which should explain less; and mutants of one protein set "
    "against each other on the same compound, where the wild type plays no part. Signs: of measured changes "
    "of 0.5 and more."
)


def mutants_of_part(found: Differences) -> dict[str, Any]:
    """What a part of the results holds of mutants that were new to its model; nothing without any."""
    new = found.of(new=True)
    return {"mutants": new.record()} if new.mutants else {}


def pooled_mutants(parts: Sequence[_Part]) -> MutantTest | None:
    """The verdict over all parts; None where no part holds a mutant."""
    from hyperpcm.trust import Differences, judged

    found = [Differences.of_record(part["mutants"]) for part in parts if "mutants" in part]
    return judged(Differences.joined(found)) if found else None


def mutants_section(
    benchmark: Benchmark, shown: Sequence[tuple[Row, Sequence[_Part]]]
) -> tuple[Section, tuple[str, ...]] | None:
    """The table of the rows that have mutants, and the verdict of each in a sentence; None where none has."""
    lines, sentences = [], []
    for row, own in shown:
        test = pooled_mutants(own)
        if test is None or test.new is None:
            continue
        figures = asdict(test.new)
        cells = [_cell(figures[key], places) for _, key, places in _COLUMNS]
        for key, interval in _INTERVALS.items():
            if figures[interval] is not None:
                place = [name for _, name, _ in _COLUMNS].index(key)
                low, high = figures[interval]
                numbers = {"value": figures[key], "low": low, "high": high}
                cells[place] = Cell(
                    cells[place].text, f"({low:.3f} to {high:.3f})".replace("-", "−"), numbers=numbers
                )
        is_reference = row.name == benchmark.file.reference
        lines.append(Line(row.name, row.title, tuple(cells), "reference" if is_reference else "row"))
        sentences.append(f"{row.title}: {test.sentence()}")
    if not lines:
        return None
    columns = tuple(column for column, _, _ in _COLUMNS)
    return Section("Mutants", "row", columns, tuple(lines), _CAPTION), tuple(sentences)


def _cell(value: float | None, places: int) -> Cell:
    return Cell() if value is None else Cell(f"{value:,.{places}f}", numbers={"value": value})
