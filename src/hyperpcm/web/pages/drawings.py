"""Structures as pages show them: bounded in size, and kept, as tables are sorted again and again."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from markupsafe import Markup

from hyperpcm.chem import depict_svg
from hyperpcm.errors import InvalidSmilesError

__all__ = ["drawing", "weighted_drawing"]

_LONGEST: Final = 500  # characters: a drawing of a longer one says nothing at the size of a table
_KEPT: Final = 2000  # drawings of some 10 KB


@lru_cache(maxsize=_KEPT)
def drawing(smiles: str, width: int = 168, height: int = 112) -> Markup | None:
    """Return a compound as SVG; None where it is too large to be drawn, or no compound.

    Some milliseconds for a compound as drugs are, a tenth of a second at the largest.
    """
    if len(smiles) > _LONGEST:
        return None
    try:
        return Markup(depict_svg(smiles, width=width, height=height))  # drawn from atoms, holds no text
    except InvalidSmilesError:
        return None


def weighted_drawing(smiles: str, weights: tuple[float, ...], width: int, height: int) -> Markup | None:
    """Return a compound with a disc behind each atom, as `depict_svg` draws its weight; likewise None."""
    if len(smiles) > _LONGEST:
        return None
    try:
        return Markup(depict_svg(smiles, width=width, height=height, weights=weights))
    except InvalidSmilesError:
        return None
