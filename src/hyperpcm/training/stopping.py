"""Signals that ask training to stop, turned into a flag that the loop looks at between steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from hyperpcm.errors import TrainingStoppedError

__all__ = ["StopSignal"]

_EXIT_CODES = {"SIGINT": 130, "SIGTERM": 75, "SIGUSR1": 75}  # 75: try again later; batch systems requeue


class StopSignal:
    """Context in which the first signal sets a flag and a second Ctrl-C stops at once.

    Outside the main thread, where Python delivers no signals, it does nothing.

    Args:
        asked: of a process that is one of several, tells whether the one that started it asks to stop.
    """

    def __init__(self, asked: Callable[[], bool] | None = None) -> None:
        self.name: str | None = None
        self._asked = asked
        self._before: dict[signal.Signals, object] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        if self.name is None and self._asked is not None and self._asked():
            self.name = "SIGTERM"
        return self.name is not None

    @property
    def number(self) -> int:
        """0 without a signal, otherwise a number that stands for its name."""
        return 1 + list(_EXIT_CODES).index(self.name) if self.requested and self.name is not None else 0

    def adopt(self, number: int) -> None:
        """Take over what another process has received."""
        if number and self.name is None:
            self.name = list(_EXIT_CODES)[number - 1]

    def raise_if_requested(self) -> None:
        """Raise `TrainingStoppedError` if a signal has come."""
        if self.name is not None:
            raise TrainingStoppedError(
                f"Stopped by {self.name} after a checkpoint. Run the same command with --resume to go on.",
                exit_code=_EXIT_CODES[self.name],
            )

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            for name in _EXIT_CODES:
                if hasattr(signal, name):
                    number = signal.Signals[name]
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _receive(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.name == "SIGINT" and name == "SIGINT":
            raise KeyboardInterrupt
        self.name = name
