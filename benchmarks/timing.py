"""How the performance benchmarks take time, and how they say that they cannot."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

__all__ = ["NotHereError", "seconds_of"]


class NotHereError(Exception):
    """Something that a comparison needs is not on this machine; the message says what."""


def seconds_of(actions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each action; they take turns, so that a busy moment meets all of them."""
    for action in actions.values():
        action()
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in taken.items()}
