"""Some rows of some targets, for what would take long with all."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["rows_by_target"]

_MOST_TARGETS: Final = 200
_MOST_ROWS: Final = 128  # of each target


def rows_by_target(
    targets: npt.NDArray[np.int64], generator: np.random.Generator, *, least: int = 1
) -> list[npt.NDArray[np.int64]]:
    """Return places of rows, ascending, target by target: at most 128 of each of at most 200 targets.

    Args:
        targets: of each row [n].
        generator: draws targets, and rows of them, where there are more.
        least: rows that a target must have to count.
    """
    found = [np.flatnonzero(targets == target) for target in np.unique(targets)]
    found = [own for own in found if len(own) >= least]
    if len(found) > _MOST_TARGETS:
        kept = np.sort(generator.choice(len(found), _MOST_TARGETS, replace=False))
        found = [found[place] for place in kept]
    return [
        own if len(own) <= _MOST_ROWS else np.sort(generator.choice(own, _MOST_ROWS, replace=False))
        for own in found
    ]
