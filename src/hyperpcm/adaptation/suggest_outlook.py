"""Whether measuring more is worth it: what the next batch is expected to find, in numbers and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from hyperpcm.datasets.interactions import Quantity

__all__ = ["Outlook", "chance_above", "top_threshold"]

Floats = npt.NDArray[np.float64]

TOP: Final = 0.01
"""Share of a library that counts as its best."""
_HALVINGS: Final = 40
_LITTLE: Final = 0.5  # compounds, and standard deviations of the noise, below which a batch finds little


def chance_above(mean: Floats, deviation: Floats, threshold: float) -> Floats:
    """Return the probability that each value exceeds a threshold [n]."""
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.where(deviation > 0, ndtr((mean - threshold) / safe), (mean > threshold).astype(np.float64))


def top_threshold(mean: Floats, deviation: Floats, share: float = TOP) -> float:
    """Return the value that this share of the compounds is expected to exceed, as far as is known.

    Args:
        mean: of the values of all compounds [n].
        deviation: standard deviation of them [n].
        share: in (0, 1).

    Example:
        >>> round(top_threshold(np.arange(100.0), np.zeros(100), 0.1))
        89
    """
    low, high = float((mean - 8 * deviation).min()), float((mean + 8 * deviation).max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if chance_above(mean, deviation, middle).mean() > share:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True)
class Outlook:
    """What the next batch is expected to bring.

    Attributes:
        batch: compounds in it.
        threshold: value that the best 1 % of the library are expected to exceed, in label units.
        expected_top: compounds of the batch that are expected above it.
        expected_left: compounds of the library that were neither measured nor chosen, likewise.
        measured_top: compounds that were measured above it.
        best: largest measured value; the largest expected one where none was measured.
        is_measured: whether ``best`` was measured.
        improvement: by how much the best of the batch is expected to exceed ``best``, at least 0.
        noise: standard deviation of one measurement.
    """

    batch: int
    threshold: float
    expected_top: float
    expected_left: float
    measured_top: int
    best: float
    is_measured: bool
    improvement: float
    noise: float

    @property
    def finds_little(self) -> bool:
        """Whether the batch is expected to hold less than half a top compound, and no clear improvement."""
        return self.expected_top < _LITTLE and self.improvement < _LITTLE * self.noise

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"finds_little": self.finds_little}

    def sentence(self, quantity: Quantity) -> str:
        """Return it in words, with the numbers."""
        found = f"{self.measured_top} measured so far, " if self.is_measured else ""
        told = (
            f"The best {100 * TOP:g} % of the library lie above about {self.threshold:.2f} {quantity.name}: "
            f"{found}{self.expected_top:.1f} expected among these {self.batch}, {self.expected_left:.1f} "
            "among the others. "
        )
        over = "the best measured" if self.is_measured else "the highest expected"
        told += (
            f"The best of the batch is expected to exceed {over} ({self.best:.2f}) by "
            f"{self.improvement:.2f}; one measurement has a noise of {self.noise:.2f}."
        )
        if self.finds_little:
            told += " Little is left to be found: measuring more of this library is hardly worth it."
        return told
