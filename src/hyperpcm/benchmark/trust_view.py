"""The tables of a benchmark of trust: what intervals hold, the errors of each verdict, and probabilities."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from hyperpcm.benchmark.benchmark import Benchmark, Row
from hyperpcm.benchmark.facts import facts_of, notes_of, stale_rows
from hyperpcm.benchmark.trust_mutants import mutants_section
from hyperpcm.benchmark.trust_results import TrustOnDisk
from hyperpcm.benchmark.view import Cell, Column, Line, Section, TableView
from hyperpcm.errors import TableError
from hyperpcm.evaluation.surroundings import Surroundings
from hyperpcm.target_model.calibration import VERDICTS

__all__ = ["trust_view"]

_Part = Mapping[str, Any]
_Number = Callable[[_Part], float | None]

_INTERVALS: Final[tuple[tuple[Column, _Number], ...]] = (
    (Column("held by 80 % intervals"), lambda part: part["held"]["0.8"]),
    (Column("by 90 % intervals"), lambda part: part["held"]["0.9"]),
    (Column("80 %, far targets"), lambda part: part["held_by_bin"]["0.8"][0]),
    (Column("80 %, near targets"), lambda part: part["held_by_bin"]["0.8"][-1]),
    (Column("width, 80 %", "↓"), lambda part: part["width"]["0.8"]),
    (Column("of unconditional", "↓"), lambda part: part["width_ratio"]["0.8"]),
)
_ERRORS: Final[tuple[tuple[Column, _Number], ...]] = (
    *((Column(f"RMSE {one}"), lambda part, one=one: part["rmse_by_verdict"].get(one)) for one in VERDICTS),
    *((Column(f"share {one}"), lambda part, one=one: part["share_by_verdict"].get(one)) for one in VERDICTS),
    (Column("MSE of all"), lambda part: part["mse"]),
    (Column("without the hardest 30 %", "↓"), lambda part: part["abstain_mse_ratio"]),
)
_KINDS: Final = (("new_targets", "new targets"), ("known_targets", "known targets"))
_OF_KINDS: Final[tuple[tuple[Column, _Number], ...]] = (
    *(pair for pair in _INTERVALS if "targets" not in pair[0].title),
    *(pair for pair in _ERRORS if pair[0].title.startswith("RMSE")),
    (Column("MSE"), lambda part: part["mse"]),
)
_PROBABILITIES: Final[tuple[tuple[Column, _Number], ...]] = (
    (Column("ECE", "↓"), lambda part: part["ece"]),
    (Column("ECE before", "↓"), lambda part: part["ece_uncalibrated"]),
    (Column("Brier score", "↓"), lambda part: part["brier"]),
    (Column("Brier before", "↓"), lambda part: part["brier_uncalibrated"]),
    (Column("log loss", "↓"), lambda part: part["log_loss"]),
    (Column("log loss before", "↓"), lambda part: part["log_loss_uncalibrated"]),
    (Column("AUROC", "↑"), lambda part: part["auroc"]),
    (Column("slope"), lambda part: part["slope"]),
    (Column("intercept"), lambda part: part["intercept"]),
)


def _of_third(place: int, name: str) -> _Number:
    """What stands under a name in one third of the targets."""
    return lambda part: part["by_third"][place][name]


_THIRDS: Final[tuple[tuple[Column, _Number], ...]] = tuple(
    (Column(f"{title}, {which}"), _of_third(place, name))
    for which, place in (("far targets", 0), ("near targets", -1))
    for title, name in (
        ("active", "active"),
        ("mean probability", "probability"),
        ("ECE", "ece"),
        ("ECE before", "ece_uncalibrated"),
    )
)
_OF_PROBABILITIES: Final = (
    "Mean ± standard deviation over folds (seeds count as folds); before: the same model before its "
    "probabilities were calibrated on the validation side. ECE, the expected calibration error, is the mean "
    "distance of mean probability and share of actives over ten bins of equal numbers of rows. Slope and "
    "intercept are those of the calibrated logit: 1 and 0 where held-out targets support no correction.",
    "Far and near targets are the thirds of the test targets with the least and the most similar known "
    "target. Fewer rows move the error of each bin by chance, so compare these errors with each other only.",
)
_CAPTIONS: Final = (
    "Mean ± standard deviation over folds (seeds count as folds). Far and near targets are the thirds of the "
    "test targets with the least and the most similar known target. Unconditional is the interval that holds "
    "as many training labels, whatever target and compound.",
    "Verdicts are given by the error that is to be expected of a row, learned on training rows whose labels "
    "were hidden. The last column is the mean squared error without the three tenths of the rows that look "
    "hardest, over that of all.",
)
_CAPTION_OF_KINDS: Final = (
    "The same by what is new: all compounds of whole families of targets that were held out, and new "
    "compounds on the other targets. What is promised is promised of both kinds together."
)

_OF_VALUES: Final = (("Intervals", _INTERVALS, _CAPTIONS[0]), ("Domain", _ERRORS, _CAPTIONS[1]))
_OF_CLASSES: Final = (
    ("Probabilities", _PROBABILITIES, _OF_PROBABILITIES[0]),
    ("By nearness of the target", _THIRDS, _OF_PROBABILITIES[1]),
)


def trust_view(benchmark: Benchmark, held: TrustOnDisk) -> TableView:
    """What the table of a benchmark shows.

    Raises:
        TableError: there are no results yet.
    """
    if not held.has_table or held.protocol is None:
        raise TableError(
            f"benchmark {benchmark.name!r} has no results at {held.path}. Make them with: hyperpcm benchmark "
            f"run {benchmark.name}"
        )
    by_row = [(row, held.of_row(row.name)) for row in benchmark.rows]
    shown = [(row, own) for row, own in by_row if own]
    every = [part for _, own in shown for part in own]
    mutants = mutants_section(benchmark, shown)
    where = Surroundings(*(every[-1][name] for name in ("versions", "commit", "machine")))
    return TableView(
        name=benchmark.name,
        title=benchmark.file.title,
        about=" ".join(benchmark.file.about.split()),
        facts=(
            ("folds", str(len({part["fold"] for part in every}))),
            *facts_of(benchmark, held.protocol, where, [part["commit"] for part in every]),
        ),
        sections=(
            *(
                _section(heading, columns, benchmark, shown, caption)
                for heading, columns, caption in (_OF_CLASSES if held.is_binary else _OF_VALUES)
            ),
            *_kinds_section(shown),
            *(() if mutants is None else mutants[:1]),
        ),
        sentences=(*(() if mutants is None else mutants[1]), *stale_rows(benchmark, held)),
        notes=notes_of(benchmark),
        missing=tuple(row.title for row, own in by_row if not own),
    )


def _section(
    heading: str,
    columns: Sequence[tuple[Column, _Number]],
    benchmark: Benchmark,
    shown: Sequence[tuple[Row, Sequence[_Part]]],
    caption: str,
) -> Section:
    lines = [
        Line(
            row.name,
            row.title,
            tuple(_cell(number(part) for part in own) for _, number in columns),
            "reference" if row.name == benchmark.file.reference else "row",
        )
        for row, own in shown
    ]
    return Section(heading, "row", tuple(column for column, _ in columns), tuple(lines), caption)


def _kinds_section(shown: Sequence[tuple[Row, Sequence[_Part]]]) -> tuple[Section, ...]:
    """Rows on new targets and on known ones apart; nothing where no part tells them apart."""
    lines = [
        Line(
            f"{row.name}_{name}",
            f"{row.title}, {title} ({sum(part[name]['rows'] for part in own):,} rows)",
            tuple(_cell(number(part[name]) for part in own) for _, number in _OF_KINDS),
            "row",
        )
        for row, own in shown
        for name, title in _KINDS
        if all(name in part for part in own)
    ]
    if not lines:
        return ()
    columns = tuple(column for column, _ in _OF_KINDS)
    return (Section("New and known targets", "row", columns, tuple(lines), _CAPTION_OF_KINDS),)


def _cell(values: Iterable[float | None]) -> Cell:
    found = [value for value in values if value is not None]
    if not found:
        return Cell(numbers={"mean": None, "sd": None, "folds": 0})
    mean, sd = statistics.fmean(found), statistics.stdev(found) if len(found) > 1 else None
    text = f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"
    return Cell(text, numbers={"mean": mean, "sd": sd, "folds": len(found)})
