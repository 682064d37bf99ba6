"""The model that is served, what it knows, and whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Health", "KnownTarget", "KnownTargets", "ModelAnswer", "QuantityAnswer"]


@dataclass(frozen=True)
class QuantityAnswer:
    """What a score means: ``title`` stands above a column; ``kind`` is regression or binary."""

    name: str
    unit: str
    kind: str
    title: str
    active_at: float | None


@dataclass(frozen=True)
class ModelAnswer:
    """The model that is served.

    Attributes:
        id: of the model with its overlays; another model has another one.
        name: that it was asked for by, or of the data that it learned from.
        quantity: what it predicts.
        known_targets: number of targets in its memory.
        known_compounds: number of compounds with a label in it.
        can_adapt: whether its targets can learn from measurements.
        has_intervals: whether its scores have intervals.
        levels: of the intervals that it has.
        retrieves: whether known targets can be told as evidence.
        library: name of the library that can be screened, and its number of rows; None: there is none.
        library_rows: likewise.
        licences: of its encoders, by name.
        card: the model card, as Markdown.
        has_report: whether the run has a report for people.
    """

    id: str
    name: str
    quantity: QuantityAnswer
    known_targets: int
    known_compounds: int
    can_adapt: bool
    has_intervals: bool
    levels: tuple[float, ...]
    retrieves: bool
    library: str | None
    library_rows: int | None
    licences: dict[str, str]
    card: str
    has_report: bool


@dataclass(frozen=True)
class KnownTarget:
    """A target of the memory: its name, length, and how many labels of which range it has."""

    name: str
    residues: int
    labels: int
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class KnownTargets:
    """Some of the known targets that fit what was searched for, and how many fit in all."""

    targets: tuple[KnownTarget, ...]
    matching: int
    offset: int


@dataclass(frozen=True)
class Health:
    """Whether the server works: ``status`` is ok or degraded; the worker runs the jobs."""

    status: Literal["ok", "degraded"]
    version: str
    model: str
    worker: bool
    jobs_waiting: int
    jobs_running: int
