"""Long work and its results."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from hyperpcm.web.answers.model import QuantityAnswer
from hyperpcm.web.answers.targets import CompoundScore

__all__ = ["Job", "JobKind", "JobState", "ResultPage"]

JobKind = Literal["screen", "panel"]
"""``screen``: an uploaded file or the library; ``panel``: all known targets are compiled."""
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
"""The last three are final."""


@dataclass(frozen=True)
class Job:
    """Long work.

    Attributes:
        id: unguessable; the address of its results.
        kind: what is done.
        state: where it is.
        title: for people.
        created: seconds since 1970; likewise ``started`` and ``finished``.
        started: None where it waits.
        finished: None where it has not ended.
        done: rows or targets that are done.
        total: of them; None where that is not known.
        error: what went wrong, in a sentence.
        summary: what came out: counts of rows and refused rows, the target.
        version: grows with every change.
    """

    id: str
    kind: JobKind
    state: JobState
    title: str
    created: float
    started: float | None
    finished: float | None
    done: int
    total: int | None
    error: str | None
    summary: dict[str, Any]
    version: int

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None where that is not known."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True)
class ResultPage:
    """Some rows of the result of a job.

    Attributes:
        job: it.
        quantity: what scores mean.
        rows: in the order asked for; columns as in the file of `hyperpcm screen`.
        matching: rows that fit the filter.
        total: rows of the result.
        offset: place of the first of these rows among those that fit.
        sort: column by which they are ordered.
        descending: whether the largest comes first.
        refused: number of refused rows of the input by reason.
    """

    job: Job
    quantity: QuantityAnswer
    rows: tuple[CompoundScore, ...]
    matching: int
    total: int
    offset: int
    sort: str
    descending: bool
    refused: dict[str, int] = dataclasses.field(default_factory=dict)
