"""The tables of a benchmark that replays campaigns: the best compounds found, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hyperpcm.adaptation.suggest_replay import ReplayProtocol
from hyperpcm.benchmark.active_results import AGAINST, ActiveOnDisk, summarised_campaigns
from hyperpcm.benchmark.benchmark import Benchmark, Row
from hyperpcm.benchmark.facts import facts_of, notes_of, older_parts, stale_rows
from hyperpcm.benchmark.view import Cell, Column, Line, Mark, Section, TableView, mark_of
from hyperpcm.errors import TableError
from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["active_view"]

_TO_ZERO_SHOT: Final = f"to_{AGAINST[0]}"
_ADAPTED: Final = "adapted scores, "
_TITLES: Final[Mapping[str, str]] = {
    "random": "compounds at random",
    "zero_shot": "highest zero-shot scores",
    "forest": "random forest on what was measured, zero-shot start",
    "forest_random": "random forest on what was measured, random start",
    "greedy": f"{_ADAPTED}greedy",
    "thompson": f"{_ADAPTED}Thompson sampling",
    "ei": f"{_ADAPTED}expected improvement",
    "ucb": f"{_ADAPTED}upper confidence bound",
}
_CAPTION: Final = (
    "Share of the best {share:g} % of each target's measured compounds ({least} at least, ties included) "
    "that were found after each round of {batch}; mean ± standard error over {targets} held-out targets with "
    "{least_compounds} compounds or more. ✓ more than the highest zero-shot scores on the same targets, "
    "✗ fewer, ≈ the 95 % bootstrap interval over targets of the paired difference includes 0."
)
_TIED: Final = " Targets left out because ties make their best more than {most_tied:g} times as many: {tied}."


def active_view(benchmark: Benchmark, held: ActiveOnDisk) -> TableView:
    """What the table of a benchmark shows: a section for each row that has results.

    Raises:
        TableError: there are none yet.
    """
    if not held.parts or held.protocol is None:
        raise TableError(
            f"benchmark {benchmark.name!r} has no results at {held.path}. Make them with: hyperpcm benchmark "
            f"run {benchmark.name}"
        )
    made = [(row, held.of_row(row.name)) for row in benchmark.rows if held.of_row(row.name)]
    reference = held.of_row(benchmark.file.reference) or made[0][1]
    newest = reference[-1]
    where = Surroundings(newest["versions"], newest["commit"], newest["machine"])
    return TableView(
        name=benchmark.name,
        title=benchmark.file.title,
        about=" ".join(benchmark.file.about.split()),
        facts=(
            ("folds", ", ".join(str(one) for one in sorted({part["fold"] for part in reference}))),
            ("seeds", ", ".join(str(one) for one in sorted({part["seed"] for part in reference}))),
            *facts_of(benchmark, held.protocol, where, [part["commit"] for _, own in made for part in own]),
        ),
        sections=tuple(_section(held.replay, row.title, parts) for row, parts in made),
        sentences=(
            *_sentences(*made[0], is_reference=made[0][0].name == benchmark.file.reference),
            *older_parts(benchmark, held.older(), "methods"),
            *stale_rows(benchmark, held),
        ),
        notes=notes_of(benchmark),
        missing=tuple(row.title for row in benchmark.rows if not held.of_row(row.name)),
    )


def _section(replay: ReplayProtocol, title: str, parts: Sequence[Mapping[str, Any]]) -> Section:
    summary = summarised_campaigns(parts)
    columns = tuple(Column(f"{turn * replay.batch} measured", "↑") for turn in range(1, replay.rounds + 1))
    lines = [
        Line(
            method,
            _TITLES.get(method, method),
            tuple(_cell(entry, turn) for turn in range(replay.rounds)),
            "reference" if method == "zero_shot" else "null" if method == "random" else "row",
        )
        for method, entry in summary["methods"].items()
    ]
    caption = _CAPTION.format(
        share=100 * replay.share,
        least=replay.least,
        batch=replay.batch,
        targets=summary["targets"],
        least_compounds=replay.least_compounds,
    )
    if replay.most_tied is not None:
        caption += _TIED.format(most_tied=replay.most_tied, tied=summary["tied"])
    return Section(title, "what is measured", columns, tuple(lines), caption)


def _cell(entry: Mapping[str, Any], turn: int) -> Cell:
    value, error = entry["found"][turn], entry["se"]
    numbers = {"found": value, "se": None if error is None else error[turn]}
    mark: Mark = ""
    if _TO_ZERO_SHOT in entry:
        difference, low, high = entry[_TO_ZERO_SHOT][turn]
        numbers |= {"to_zero_shot": difference, "low": low, "high": high}
        mark = mark_of(low, high)
    return Cell(f"{value:.3f}", "" if error is None else f"± {error[turn]:.3f}", mark, numbers)


def _sentences(row: Row, parts: Sequence[Mapping[str, Any]], *, is_reference: bool) -> list[str]:
    """For each yardstick where the adapted strategies end up beside it; names a row that is no reference."""
    when = "After the last round" if is_reference else f"{row.title}, after the last round"
    methods, found = summarised_campaigns(parts)["methods"], []
    for other in AGAINST:
        told = []
        for method, entry in methods.items():
            title = _TITLES.get(method, method)
            if title.startswith(_ADAPTED) and f"to_{other}" in entry:
                mean, low, high = entry[f"to_{other}"][-1]
                title = title.removeprefix(_ADAPTED)
                told.append(f"{title} {mean:+.3f} ({low:+.3f} to {high:+.3f})")
        if told:
            found.append(f"{when}, {_ADAPTED}against the {_TITLES[other]}: {'; '.join(told)}.")
    return found
