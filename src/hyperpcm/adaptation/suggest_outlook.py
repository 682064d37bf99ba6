"""Whether measuring more is worth it: what the next batch is expected to find, in numbers and a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from hyperpcm.adaptation.suggest_top import TOP
from hyperpcm.datasets.interactions import Quantity

__all__ = ["Outlook"]

_LITTLE: Final = 0.5  # compounds, and standard deviations of the noise, below which a batch finds little


@dataclass(frozen=True)
class Outlook:
    """What the next batch is expected to bring.

    Attributes:
        batch: compounds in it.
        threshold: value that the best 1 % of the library are expected to exceed, in label units.
        expected_top: compounds of the batch that are expected among them.
        expected_left: compounds of the library that were neither measured nor chosen, likewise.
        measured_top: compounds of the library that were measured above it.
        best: largest measured value, of a compound measured repeatedly the mean, upper bounds left out; the
            largest expected one where none was measured.
        is_measured: whether ``best`` was measured.
        improvement: by how much the best of the batch is expected to exceed ``best``, at least 0.
        noise: standard deviation of one measurement of the batch.
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
