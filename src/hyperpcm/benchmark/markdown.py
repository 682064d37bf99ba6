"""A benchmark's view as Markdown."""

from __future__ import annotations

from hyperpcm.benchmark.view import Cell, Section, TableView

__all__ = ["markdown"]

SIGNS = {"": "", "best null": " ◆", "better": " ✓", "worse": " ✗", "undecided": " ≈"}


def markdown(view: TableView, *, level: int = 2) -> str:
    """The view as text that reads well as it is, and as Markdown.

    Args:
        view: what to say.
        level: of the heading; those of the tables are one below.
    """
    parts = [f"{'#' * level} {view.title}", view.about]
    for section in view.sections:
        parts += [f"{'#' * (level + 1)} {section.heading}", _table(section), section.caption]
    if view.sentences:
        parts.append("\n".join(f"- {sentence}" for sentence in view.sentences))
    if view.notes:
        parts.append("\n".join(f"- **{title}**: {note}" for title, note in view.notes))
    if view.missing:
        parts.append(f"Without results so far: {', '.join(view.missing)}.")
    parts.append("; ".join(f"{name} {value}" for name, value in view.facts if value) + ".")
    return "\n\n".join(parts) + "\n"


def _table(section: Section) -> str:
    heads = (f"{column.title} {column.arrow}".strip() for column in section.columns)
    header = [_escaped(section.first), *heads]
    lines = [[_escaped(line.title), *map(_cell, line.cells)] for line in section.lines]
    widths = [max(len(line[place]) for line in [header, *lines]) for place in range(len(header))]
    rules = [":" + "-" * (w - 1) if place == 0 else "-" * (w - 1) + ":" for place, w in enumerate(widths)]
    padded = [
        [c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
        for line in [header, *lines]
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rules, *padded[1:]])


def _cell(cell: Cell) -> str:
    return f"{cell.text}{' ' if cell.detail else ''}{cell.detail}{SIGNS[cell.mark]}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
