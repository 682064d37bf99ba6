"""What is unlike everything known: no more similar to it than unrelated proteins or compounds are.

A held-out row of such a kind may have had a small error all the same, for the mean of what is known is often
not far off. But the score rests on nothing that was learned of its kind, so its verdict is "outside".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["UNLIKE_COMPOUND", "UNRELATED_TARGET", "has_unknown_element", "is_unlike"]

UNRELATED_TARGET: Final = 0.15
"""Alignment similarity that no known target reaches where none is related.

Unrelated proteins share a little by chance; designed repeats, collagens and linkers share more, as they are
long stretches of few kinds of residues.
"""
UNLIKE_COMPOUND: Final = 0.25
"""Tanimoto similarity of counted fingerprints below which a compound is like none of the known.

Few compounds of ChEMBL are that far from all that a target keeps; cyclic peptides, crown ethers, siloxanes
and large hydrocarbon rings are.
"""

_USUAL: Final = frozenset(
    ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")
)  # elements that drug-like compounds hold
_BRACKET: Final = re.compile(r"\[\d*([A-Z][a-z]?|[a-z]{1,2})")
_AROMATIC: Final = {"se": "Se", "as": "As", "si": "Si", "te": "Te"}


def is_unlike(
    nearest_target: npt.NDArray[np.float32] | float | None,
    nearest_compound: npt.NDArray[np.float32] | None,
    reach: tuple[float, float],
) -> npt.NDArray[np.bool_]:
    """Return which rows have a target or a compound unlike every known one.

    Args:
        nearest_target: alignment similarity of the nearest known target, of each row or of all; None: it is
            not asked.
        nearest_compound: Tanimoto similarity of the nearest known compound, of each row; None: likewise.
        reach: similarities down to which there were held-out rows; 0 where none is computed.
    """
    found = np.zeros((), dtype=np.bool_)
    if nearest_target is not None and reach[0] > 0:
        found = found | (np.asarray(nearest_target) < UNRELATED_TARGET)
    if nearest_compound is not None and reach[1] > 0:
        found = found | (nearest_compound < UNLIKE_COMPOUND)
    return np.asarray(found)


def has_unknown_element(smiles: Sequence[str | None], known: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return which compounds hold an element that is unusual and that no known compound holds.

    Args:
        smiles: standardised; None has no element.
        known: standardised structures of the known compounds; looked at where a compound needs it.
    """
    unusual = [frozenset() if one is None else _elements(one) - _USUAL for one in smiles]
    if not any(unusual):
        return np.zeros(len(smiles), dtype=np.bool_)
    seen = frozenset().union(*(_elements(one) for one in known))
    return np.array([bool(one - seen) for one in unusual], dtype=np.bool_)


def _elements(smiles: str) -> frozenset[str]:
    """The elements in brackets; all others are usual ones."""
    return frozenset(
        _AROMATIC.get(one, one.capitalize()[:1] if one.islower() else one) for one in _BRACKET.findall(smiles)
    )
