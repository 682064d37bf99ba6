"""A trained model as large as a file may be: as little as possible is taken away until it fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hyperpcm.checkpoint.archive import archive_size
from hyperpcm.checkpoint.compact import Memo, compacted
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.model.agreement import difference
from hyperpcm.model.card import SHRUNK, card_text
from hyperpcm.model.shrinking import Shrinking, shrunk

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM

__all__ = ["LADDER", "bytes_of_size", "small_model"]

LADDER: Final = (
    Shrinking(),
    Shrinking(networks=1 / 16, ridge=1 / 64, targets=1 / 64, profiles=1 / 32, leaves=1 / 128, thresholds=12),
    Shrinking(networks=1 / 4, ridge=1 / 16, targets=1 / 32, profiles=1 / 8, leaves=1 / 64, thresholds=10),
    Shrinking(networks=1 / 2, ridge=1 / 8, targets=1 / 16, profiles=1 / 4, leaves=1 / 32, thresholds=10),
)
"""What is taken away, step by step; compounds of the memory go only where all of this is not enough."""

_UNITS: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_OF_CARD: Final = 2048  # bytes that telling what was taken away may take
_TRIES: Final = 6  # of how many compounds stay
_ROOM: Final = 0.98  # of the size that is asked for, where the number of compounds is guessed


def bytes_of_size(text: str) -> int:
    """Return the number of bytes that a size says, such as ``25MB`` (of 10⁶ bytes).

    Raises:
        ConfigError: it says none.

    >>> bytes_of_size("25MB"), bytes_of_size("1.5 kB"), bytes_of_size("800000")
    (25000000, 1500, 800000)
    """
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _UNITS or not float(found[1]) > 0:
        raise ConfigError(f"{text!r} is no size of a file; say it as 25MB or as a number of bytes.")
    return int(float(found[1]) * _UNITS[found[2]])


def small_model(
    model: HyperPCM,
    most: int,
    memo: Memo | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> HyperPCM:
    """Return the model with as little taken away as lets its file have a size.

    Args:
        model: not mutated.
        most: bytes of the file.
        memo: of `hyperpcm.checkpoint.compact.compacted`.
        progress: called with what is tried.

    Raises:
        InputError: overlays lie over its memory, or it cannot be made so small.
    """
    found = _fitting(model, most - _OF_CARD, {} if memo is None else memo, progress)
    if progress is not None:
        progress("comparing scores", 0, 1)
    found.card[SHRUNK]["difference"] = difference(model, found)
    if "text" in found.card:
        found.card["text"] = card_text(found)
    return found


def _fitting(
    model: HyperPCM, most: int, memo: Memo, progress: Callable[[str, int, int], None] | None
) -> HyperPCM:
    """The model with as little taken away as fits."""
    compounds = len(model.landmark_compounds)

    def tried(shrinking: Shrinking) -> tuple[HyperPCM, int]:
        if progress is not None:
            kept = compounds if shrinking.compounds is None else shrinking.compounds
            progress("compounds tried", kept, compounds)
        found = shrunk(model, shrinking)
        return found, archive_size("model", *compacted(*found.state(), memo))

    for shrinking in LADDER:
        found, size = tried(shrinking)
        if size <= most:
            return found
    least = 1 if model.ridge is None else max(1, len(model.ridge_columns))
    smallest, bottom = tried(replace(LADDER[-1], compounds=least))
    if bottom > most:
        raise InputError(
            f"this model cannot be made smaller than {bottom + _OF_CARD:,} bytes; allow that much with "
            "--max-size."
        )
    low, high, lowest, highest = least, compounds, bottom, size
    for _ in range(_TRIES):
        share = (_ROOM * most - lowest) / max(1, highest - lowest)
        number = low + int(share * (high - low))
        if number <= low:
            break
        found, size = tried(replace(LADDER[-1], compounds=number))
        if size <= most:
            smallest, low, lowest = found, number, size
            if size >= _ROOM * _ROOM * most:
                break
        else:
            high, highest = number, size
    return smallest
