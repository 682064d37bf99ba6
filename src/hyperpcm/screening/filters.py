"""Which structures may be among the hits: drug-like, free of troublemakers, unlike known actives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.chem.rules import lipinski_violations, pains_alerts
from hyperpcm.errors import ConfigError
from hyperpcm.screening.top import Hit

__all__ = ["FILTERS", "StructureFilter", "diverse", "diverse_hits"]

_ALLOWED: Final = 1  # violations of Lipinski's rule; two or more make poor absorption likely

FILTERS: Final = {
    "lipinski": "at most one violation of Lipinski's rule of five",
    "pains": "no substructure of the PAINS catalog",
}
"""Names of the filters, with what a compound has to be."""


class StructureFilter:
    """Says of a structure whether it may be among the hits.

    Args:
        names: of `FILTERS`.
        actives: standardised SMILES of known actives.
        most_similar: largest Tanimoto similarity to any of them (Morgan, radius 2, 2,048 bits).

    Raises:
        ConfigError: a name that is not known, or a similarity outside 0 to 1.
    """

    def __init__(
        self, names: Sequence[str] = (), actives: Sequence[str] = (), most_similar: float = 1.0
    ) -> None:
        unknown = [name for name in names if name not in FILTERS]
        if unknown:
            raise ConfigError(f"there is no filter {unknown[0]!r}; there are {', '.join(FILTERS)}.")
        if not 0 <= most_similar <= 1:
            raise ConfigError(f"a Tanimoto similarity is between 0 and 1, not {most_similar}.")
        self.names, self.most_similar = tuple(dict.fromkeys(names)), most_similar
        self._actives = morgan_counts(actives) if actives else None
        self.job = [most_similar, *actives] if actives else []  # what tells one such filter from another
        self._tests: dict[str, Callable[[str], bool]] = {
            "lipinski": lambda smiles: lipinski_violations(smiles) <= _ALLOWED,
            "pains": lambda smiles: not pains_alerts(smiles),
        }

    def accepts(self, smiles: str) -> bool:
        """Whether a standardised structure may be among the hits."""
        if not all(self._tests[name](smiles) for name in self.names):
            return False
        if self._actives is None:
            return True
        return bool(tanimoto(morgan_counts([smiles]), self._actives).max() <= self.most_similar)


def diverse(smiles: Sequence[str], number: int) -> list[int]:
    """Return the places of a diverse subset, the first structure among it; ascending.

    Each one that is taken is the one least similar to those taken before (MaxMin). Deterministic.

    Args:
        smiles: standardised, the best first.
        number: how many; all where there are no more.

    Source:
        Ashton et al., Quant. Struct.-Act. Relat. 2002, 21, 598.

    Example:
        >>> diverse(["CCO", "CCCO", "c1ccccc1"], 2)
        [0, 2]
    """
    if number >= len(smiles):
        return list(range(len(smiles)))
    counts = morgan_counts(smiles)
    taken, nearest = [0], _similar_to(counts, 0)
    while len(taken) < number:
        left = nearest.copy()
        left[taken] = np.inf
        taken.append(int(left.argmin()))
        nearest = np.maximum(nearest, _similar_to(counts, taken[-1]))
    return sorted(taken)


def diverse_hits(hits: Sequence[Hit], number: int) -> tuple[Hit, ...]:
    """Return so many of the hits that differ most, the best among them, the best first."""
    return tuple(hits[place] for place in diverse([hit.smiles for hit in hits], number))


def _similar_to(counts: npt.NDArray[np.uint8], place: int) -> npt.NDArray[np.float32]:
    return tanimoto(counts, counts[place : place + 1])[:, 0]
