"""What encoders that count substructures have in common: the scale of counts, and unreadable SMILES."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder, Side, integer_option
from hyperpcm.errors import ConfigError, InvalidSmilesError

__all__ = ["CountEncoder", "Counts", "flag_option"]

Counts = Literal["count", "log", "binary"]
"""What a column holds: the count itself, log(1 + count), or 1 where the count is positive."""


class CountEncoder(Encoder):
    """Counts substructures of SMILES with RDKit; abstract. Counts saturate at 255.

    A subclass is a frozen dataclass with `counts` among its fields, and says how one block is counted.
    """

    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "BSD-3-Clause"
    revision: ClassVar[str] = "1"
    sparse: ClassVar[bool] = True

    @property
    @abstractmethod
    def counts(self) -> Counts:
        """Scale of the columns."""

    @abstractmethod
    def _count(self, items: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Counts of one block, uint8 [n, width]."""

    def libraries(self) -> tuple[str, ...]:
        """RDKit and its version."""
        import rdkit

        return (f"rdkit {rdkit.__version__}",)

    def _check(self) -> None:
        """Refuse a width or a scale that does not exist."""
        integer_option(self.name, "width", self.width, 16, 1 << 20)
        if self.counts not in get_args(Counts):
            known = ", ".join(get_args(Counts))
            raise ConfigError(f"encoder {self.name!r}: counts must be one of {known}, not {self.counts!r}")

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        try:
            counts = self._count(items)
        except InvalidSmilesError as error:
            reason = "RDKit cannot read it as a compound; standardise it first"
            raise InvalidSmilesError(error.code, reason) from error
        if self.counts == "binary":
            return (counts > 0).astype(np.float32)
        if self.counts == "log":
            # A table of the 256 possible values: the same bits whichever vector instructions NumPy picks.
            return np.log1p(np.arange(256, dtype=np.float64)).astype(np.float32)[counts]
        return counts.astype(np.float32)


def flag_option(encoder: str, option: str, value: object) -> None:
    """Check an argument that is true or false.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"encoder {encoder!r}: {option} must be true or false, not {value!r}")
