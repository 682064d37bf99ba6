"""Fingerprints of how atoms lie to one another along the bonds: atom pairs, torsions, and the MACCS keys."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

from hyperpcm.chem.count_entries import (
    MACCS_KEYS,
    CountCollector,
    atom_pair_collector,
    maccs_collector,
    torsion_collector,
)
from hyperpcm.encoders.base import Json
from hyperpcm.encoders.counts import CountEncoder, Counts, flag_option

__all__ = ["AtomPairEncoder", "MaccsEncoder", "TorsionEncoder"]


@dataclasses.dataclass(frozen=True)
class _FoldedEncoder(CountEncoder):
    """Counts folded to a width, in which mirror images may differ; abstract."""

    width: int = 2048
    chirality: bool = False
    counts: Counts = "log"

    def __post_init__(self) -> None:
        flag_option(self.name, "chirality", self.chirality)
        self._check()

    def options(self) -> dict[str, Json]:
        """Width, chirality and counts."""
        return {"width": self.width, "chirality": self.chirality, "counts": self.counts}


@final
@dataclasses.dataclass(frozen=True)
class AtomPairEncoder(_FoldedEncoder):
    """Counts of atom pairs and the bonds between them: sees size and shape where ECFP sees surroundings.

    Attributes:
        width: number of columns.
        chirality: whether mirror images differ.
        counts: ``count`` (0 to 255), ``log`` (natural log of 1 + count, 0 to 5.55) or ``binary`` (0 or 1).

    Raises:
        ConfigError: an argument outside its range.

    Source: Carhart, Smith and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1985, 25, 64.

    Example:
        >>> AtomPairEncoder(width=64, counts="count").encode(["CCO"]).sum().item()
        3.0
    """

    name: ClassVar[str] = "atom_pair"

    def _collector(self) -> CountCollector:
        return atom_pair_collector(width=self.width, chirality=self.chirality)


@final
@dataclasses.dataclass(frozen=True)
class TorsionEncoder(_FoldedEncoder):
    """Counts of chains of four bonded atoms.

    Attributes:
        width: number of columns.
        chirality: whether mirror images differ.
        counts: as for `AtomPairEncoder`.

    Raises:
        ConfigError: an argument outside its range.

    Source: Nilakantan, Bauman, Dixon and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1987, 27, 82.

    Example:
        >>> TorsionEncoder(width=64, counts="count").encode(["CCCO"]).sum().item()
        1.0
    """

    name: ClassVar[str] = "torsion"

    def _collector(self) -> CountCollector:
        return torsion_collector(width=self.width, chirality=self.chirality)


@final
@dataclasses.dataclass(frozen=True)
class MaccsEncoder(CountEncoder):
    """The 166 MACCS keys: small, readable questions about a structure, 1 for yes.

    Source: Durant, Leland, Henry and Nourse, J. Chem. Inf. Comput. Sci. 2002, 42, 1273.

    Example:
        >>> MaccsEncoder().encode(["c1ccccc1"])[0, 161].item()  # key 162: aromatic
        1.0
    """

    name: ClassVar[str] = "maccs"
    width: ClassVar[int] = MACCS_KEYS
    counts: ClassVar[Counts] = "binary"

    def options(self) -> dict[str, Json]:
        """None: the keys are fixed."""
        return {}

    def _collector(self) -> CountCollector:
        return maccs_collector()
