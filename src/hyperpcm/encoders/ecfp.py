"""Circular fingerprints of compounds, with counts: by atoms (ECFP) and by what atoms do (FCFP).

Every atom's surroundings up to `radius` bonds away are hashed to one of `width` columns; a column counts how
often its surroundings occur. Learned encoders rarely beat ECFP by much, and it needs no weights: the default.

Source: Rogers and Hahn, Extended-connectivity fingerprints, J. Chem. Inf. Model. 50 (2010) 742-754.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

from hyperpcm.chem.count_entries import CountCollector, feature_collector, morgan_collector
from hyperpcm.encoders.base import Json, integer_option
from hyperpcm.encoders.counts import CountEncoder, Counts, flag_option

__all__ = ["EcfpEncoder", "FcfpEncoder"]


@final
@dataclasses.dataclass(frozen=True)
class EcfpEncoder(CountEncoder):
    """Count fingerprints of SMILES.

    Stereochemistry is ignored unless `chirality` is set.

    Attributes:
        radius: bonds around each atom that are looked at; 2 is ECFP4.
        width: number of columns; collisions grow as it shrinks.
        chirality: whether mirror images differ.
        counts: ``count`` (0 to 255), ``log`` (natural log of 1 + count, 0 to 5.55) or ``binary`` (0 or 1).

    Raises:
        ConfigError: an argument outside its range.

    Example:
        >>> EcfpEncoder(width=64, counts="binary").encode(["CCO", "c1ccccc1"]).sum(axis=1).tolist()
        [6.0, 3.0]
    """

    name: ClassVar[str] = "ecfp"

    radius: int = 2
    width: int = 2048
    chirality: bool = False
    counts: Counts = "log"

    def __post_init__(self) -> None:
        integer_option(self.name, "radius", self.radius, 0, 10)
        flag_option(self.name, "chirality", self.chirality)
        self._check()

    def options(self) -> dict[str, Json]:
        """Radius, width, chirality and counts."""
        return {
            "radius": self.radius,
            "width": self.width,
            "chirality": self.chirality,
            "counts": self.counts,
        }

    @property
    def reads_stereo(self) -> bool:
        """Only with `chirality`."""
        return self.chirality

    def _collector(self) -> CountCollector:
        return morgan_collector(radius=self.radius, width=self.width, chirality=self.chirality)


@final
@dataclasses.dataclass(frozen=True)
class FcfpEncoder(CountEncoder):
    """Count fingerprints in which atoms that do the same are alike, as chlorine and bromine on a ring.

    Atoms are donors, acceptors, aromatic, halogens, bases, acids or none of these.

    Attributes:
        radius: bonds around each atom that are looked at; 2 is FCFP4.
        width: number of columns.
        counts: as for `EcfpEncoder`.

    Raises:
        ConfigError: an argument outside its range.

    Example:
        >>> FcfpEncoder(width=64, counts="count").encode(["CCO"]).sum().item()
        6.0
    """

    name: ClassVar[str] = "fcfp"

    radius: int = 2
    width: int = 2048
    counts: Counts = "log"

    def __post_init__(self) -> None:
        integer_option(self.name, "radius", self.radius, 0, 10)
        self._check()

    def options(self) -> dict[str, Json]:
        """Radius, width and counts."""
        return {"radius": self.radius, "width": self.width, "counts": self.counts}

    def _collector(self) -> CountCollector:
        return feature_collector(radius=self.radius, width=self.width)
