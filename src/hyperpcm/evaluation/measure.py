"""One row of a results file out of the scores of one model on one fold."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.evaluation.evaluate import choose_threshold, evaluate_scores
from hyperpcm.evaluation.results import ResultRow

__all__ = ["peak_memory_mb", "result_row"]


def result_row(
    interactions: Interactions,
    split: Split,
    model: str,
    valid_scores: npt.ArrayLike,
    test_scores: npt.ArrayLike,
    *,
    seed: int,
    seconds: float,
) -> ResultRow:
    """The row of one model: metrics of the test side, with the MCC threshold chosen on the validation side.

    Args:
        interactions: the table that was divided.
        split: the fold.
        model: what the row is called.
        valid_scores: one for each row of ``split.valid``, in its order.
        test_scores: one for each row of ``split.test``, in its order.
        seed: what the model was seeded with.
        seconds: wall-clock time of fitting and scoring.

    Raises:
        LabelError: not one finite score for each row.
    """
    threshold = choose_threshold(interactions, split.valid, valid_scores)
    found = evaluate_scores(interactions, split.test, test_scores, threshold=threshold)
    return ResultRow(model, split.fold, seed, len(split.test), found, seconds, peak_memory_mb())


def peak_memory_mb() -> float | None:
    """The most resident memory this process has held so far, in 10⁶ bytes; None where it is not counted.

    The count never falls: of several models measured in one process, a later one shows at least the peak of
    those before it. Run a model in a process of its own to learn its own peak.
    """
    # Linux lets a process that was started from a larger one begin with that one's peak in getrusage(2); the
    # high water mark in proc(5) begins with the program.
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))
    except (OSError, ValueError, IndexError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Source: getrusage(2): kilobytes (of 1,024) on Linux, bytes on macOS.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
