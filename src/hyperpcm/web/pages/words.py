"""How numbers, ranges and places in the domain are written and drawn on every page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hyperpcm.web.answers import QuantityAnswer

__all__ = [
    "VERDICTS",
    "Scale",
    "counted",
    "number",
    "scale_of",
    "shade",
    "short_title",
    "size",
    "titled",
    "unit",
]

VERDICTS: Final = MappingProxyType(
    {
        "inside": "Inside the model's domain: it was judged on pairs like this one.",
        "edge": "At the edge of the model's domain: pairs like this one were rare where it was judged.",
        "outside": "Outside the model's domain: nothing like this pair was there to judge it on.",
    }
)
"""What the words of the domain mean."""
_WIDTH: Final = 150.0  # of the drawing of a range, in its own units
_MARGIN: Final = 6.0
_SHADES: Final = 6


@dataclass(frozen=True)
class Scale:
    """Where numbers lie on a line that all rows of a table share.

    Attributes:
        low: number at its left end.
        high: number at its right end.
        active: place of the threshold from which on a compound is active; None: there is none in sight.
    """

    low: float
    high: float
    active: float | None = None

    def at(self, value: float) -> float:
        """Return the place of a number; what lies beyond an end stands at the end."""
        share = (value - self.low) / (self.high - self.low)
        return round(_MARGIN + (_WIDTH - 2 * _MARGIN) * min(1.0, max(0.0, share)), 1)


def scale_of(values: Iterable[float | None], active_at: float | None) -> Scale:
    """Return the scale that holds some numbers.

    >>> scale_of([5.0, 9.0, None], 7.0)
    Scale(low=5.0, high=9.0, active=75.0)
    """
    usable = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(usable), max(usable)) if usable else (0.0, 1.0)
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    found = Scale(low, high)
    in_sight = active_at is not None and low <= active_at <= high
    return Scale(low, high, found.at(active_at) if in_sight and active_at is not None else None)


def shade(value: float, low: float, high: float) -> int:
    """Return which of six shades a number has, 0 to 5, light to dark.

    >>> [shade(value, 5.0, 8.0) for value in (4.0, 5.0, 6.4, 7.99, 9.0)]
    [0, 0, 2, 5, 5]
    """
    if high <= low:
        return 0
    return min(_SHADES - 1, max(0, int((value - low) / (high - low) * _SHADES)))


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a real minus sign; a dash where there is none.

    >>> number(-1.234), number(None)
    ('−1.23', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def short_title(quantity: QuantityAnswer) -> str:
    """Return what a score is, without its unit."""
    return "Probability active" if quantity.kind == "binary" else quantity.name


def unit(quantity: QuantityAnswer) -> str:
    """Return the unit of a score as it is set; empty where it has none."""
    return "" if quantity.kind == "binary" else quantity.unit.replace("-log10", "\N{MINUS SIGN}log₁₀")


def titled(quantity: QuantityAnswer) -> str:
    """Return what a score is, with its unit."""
    own = unit(quantity)
    return f"{short_title(quantity)}, {own}" if own else short_title(quantity)


def counted(amount: int, what: str) -> str:
    """Return a number of things: ``1 compound``, ``2,000 compounds``."""
    return f"{amount:,} {what}{'' if amount == 1 else 's'}"


def size(amount: int) -> str:
    """Return a number of bytes as people say it.

    >>> size(50_000_000), size(2_500)
    ('50 MB', '2.5 KB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if amount >= factor:
            return f"{amount / factor:.3g} {unit}"
    return f"{amount} bytes"
