"""Progress of long work, one stage after the other: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Stages"]

NOTICEABLE_S: Final = 2.0
"""A stage that takes longer leaves a line with its duration."""
BETWEEN_LINES_S: Final = 10.0
"""Without a terminal, at most one line per stage in this time."""
BETWEEN_FRAMES_S: Final = 0.05


class Stages:
    """A callback ``(stage, done, total)`` that shows how far the work is.

    A new stage ends the one before. A total of 0 means that nobody knows.

    Args:
        note: takes the lines.
        bars: whether to draw on the terminal behind stderr.
        clock: seconds that only grow.
    """

    def __init__(
        self, note: Callable[[str], None], *, bars: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._note, self._clock = note, clock
        self._stage, self._done, self._total, self._rated = "", 0, 0, False
        self._start = self._shown = clock()
        self._bars: Progress | None = _bars() if bars else None
        self._task: TaskID | None = None

    def __call__(self, stage: str, done: int, total: int, *, rated: bool = False) -> None:
        """Take note of the state of a stage; with `rated`, how much it does in a second is shown too."""
        now = self._clock()
        if stage != self._stage:
            self._finish(now)
            self._stage, self._start, self._shown = stage, now, now
            if self._bars is not None:
                self._bars.start()
                self._task = self._bars.add_task(stage, total=total or None, completed=done, rate="")
        self._done, self._total, self._rated = done, total, rated
        if self._bars is not None and self._task is not None:
            if now - self._shown >= BETWEEN_FRAMES_S or done == total:
                self._shown = now
                self._bars.update(self._task, completed=done, total=total or None, rate=self._rate(now))
        elif now - self._shown >= BETWEEN_LINES_S:
            self._shown = now
            self._note(f"{stage}: {self._count()}{self._rate(now)}")

    def rows(self, stage: str, total: int = 0, *, rated: bool = False) -> Callable[[int], None]:
        """A callback that takes only how much is done of one stage."""
        return lambda done: self(stage, done, total, rated=rated)

    def close(self) -> None:
        """End the last stage and take the bars off the screen."""
        self._finish(self._clock())
        if self._bars is not None:
            self._bars.stop()

    def _finish(self, now: float) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        if self._stage and now - self._start >= NOTICEABLE_S:
            counted = f"{self._count()} in " if self._done or self._total else ""
            self._note(f"{self._stage}: {counted}{now - self._start:.0f} s{self._rate(now)}")
        self._stage = ""

    def _rate(self, now: float) -> str:
        """What is done in a second, where that is asked for and known."""
        passed = now - self._start
        return f", {self._done / passed:,.0f} per second" if self._rated and passed > 0 else ""

    def _count(self) -> str:
        return f"{self._done:,} of {self._total:,}" if self._total else f"{self._done:,}"


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # results do not pass through the bars' console, which is stderr
    )
