"""Extended-connectivity fingerprints of compounds, with counts.

Every atom's surroundings up to `radius` bonds away are hashed to one of `width` columns; a column counts how
often its surroundings occur. Learned encoders rarely beat it by much, and it needs no weights: the default.

Source: Rogers and Hahn, Extended-connectivity fingerprints, J. Chem. Inf. Model. 50 (2010) 742-754.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.encoders.base import Encoder, Json, Side, integer_option
from hyperpcm.errors import ConfigError, InvalidSmilesError

__all__ = ["Counts", "EcfpEncoder"]

Counts = Literal["count", "log", "binary"]
"""What a column holds: the count itself, log(1 + count), or 1 where the count is positive."""


@final
@dataclasses.dataclass(frozen=True)
class EcfpEncoder(Encoder):
    """Count fingerprints of SMILES.

    Stereochemistry is ignored unless `chirality` is set. Counts saturate at 255.

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
    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "BSD-3-Clause"
    revision: ClassVar[str] = "1"
    sparse: ClassVar[bool] = True

    radius: int = 2
    width: int = 2048
    chirality: bool = False
    counts: Counts = "log"

    def __post_init__(self) -> None:
        integer_option(self.name, "radius", self.radius, 0, 10)
        integer_option(self.name, "width", self.width, 16, 1 << 20)
        if not isinstance(self.chirality, bool):
            raise ConfigError(f"encoder 'ecfp': chirality must be true or false, not {self.chirality!r}")
        if self.counts not in get_args(Counts):
            known = ", ".join(get_args(Counts))
            raise ConfigError(f"encoder 'ecfp': counts must be one of {known}, not {self.counts!r}")

    def libraries(self) -> tuple[str, ...]:
        """RDKit and its version."""
        import rdkit

        return (f"rdkit {rdkit.__version__}",)

    def options(self) -> dict[str, Json]:
        """Radius, width, chirality and counts."""
        return {
            "radius": self.radius,
            "width": self.width,
            "chirality": self.chirality,
            "counts": self.counts,
        }

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        try:
            counts = morgan_counts(items, radius=self.radius, width=self.width, chirality=self.chirality)
        except InvalidSmilesError as error:
            reason = "RDKit cannot read it as a compound; standardise it first"
            raise InvalidSmilesError(error.code, reason) from error
        if self.counts == "binary":
            return (counts > 0).astype(np.float32)
        if self.counts == "log":
            # A table of the 256 possible values: the same bits whichever vector instructions NumPy picks.
            return np.log1p(np.arange(256, dtype=np.float64)).astype(np.float32)[counts]
        return counts.astype(np.float32)
