"""Which targets and compounds make up each training step.

Source: Svensson et al. 2024, section "Training": a target with n measurements enters 1 + ⌊n / c⌋ times an
epoch, each time with c of its measurements, drawn with replacement where it has fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["StepRows", "TargetSampler"]


@dataclass(frozen=True)
class StepRows:
    """One training step.

    Attributes:
        targets: target of each line, int64 [t].
        rows: interactions of those targets, int64 [t, c].
    """

    targets: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class TargetSampler:
    """Plans the steps of each epoch from (seed, epoch) alone, so that an interrupted epoch can be resumed.

    Args:
        rows: training interactions.
        target_index: target of every interaction of the table.
        targets: t, targets per step; the last step of an epoch may have fewer.
        compounds: c, measurements of each target per step.
        seed: of the run.
    """

    def __init__(
        self,
        rows: npt.NDArray[np.int64],
        target_index: npt.NDArray[np.int64],
        *,
        targets: int,
        compounds: int,
        seed: int,
    ) -> None:
        self.targets_per_step, self.compounds, self.seed = targets, compounds, seed
        order = rows[np.argsort(target_index[rows], kind="stable")]
        self._targets, starts = np.unique(target_index[order], return_index=True)
        self._rows_of = np.split(order, starts[1:])
        entries = [1 + len(own) // compounds for own in self._rows_of]
        self._entries = np.repeat(np.arange(len(self._targets)), entries)

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        return -(-len(self._entries) // self.targets_per_step)

    def epoch(self, number: int) -> list[StepRows]:
        """Return the steps of one epoch."""
        generator = np.random.default_rng([self.seed, number])
        entries = generator.permutation(self._entries)
        drawn = np.stack([self._draw(generator, self._rows_of[entry]) for entry in entries])
        size = self.targets_per_step
        return [
            StepRows(self._targets[entries[start : start + size]], drawn[start : start + size])
            for start in range(0, len(entries), size)
        ]

    def _draw(self, generator: np.random.Generator, own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return generator.choice(own, self.compounds, replace=len(own) < self.compounds)
