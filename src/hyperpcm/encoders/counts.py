"""What encoders that count substructures have in common: the scale of counts, and unreadable SMILES."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from hyperpcm.chem.count_entries import CountCollector, CountEntries
from hyperpcm.chem.reading import molecules_of
from hyperpcm.encoders.base import Side, integer_option
from hyperpcm.encoders.molecules import Gathering, MoleculeEncoder
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import ConfigError, InvalidSmilesError

__all__ = ["CountEncoder", "Counts", "flag_option"]

Counts = Literal["count", "log", "binary"]
"""What a column holds: the count itself, log(1 + count), or 1 where the count is positive."""


class CountEncoder(MoleculeEncoder):
    """Counts substructures of SMILES with RDKit; abstract. Counts saturate at 255.

    A subclass is a frozen dataclass with `counts` among its fields, and says what counts molecules.
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
    def _collector(self) -> CountCollector:
        """What counts molecules one by one."""

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
            return self.rows(self._collector().added(molecules_of(items))).dense()
        except InvalidSmilesError as error:
            reason = "RDKit cannot read it as a compound; standardise it first"
            raise InvalidSmilesError(error.code, reason) from error

    def gathering(self) -> Gathering:
        """What takes molecules one by one and gives their rows."""
        return _GatheredCounts(self, self._collector())

    def rows(self, entries: CountEntries) -> SparseRows:
        """Return counts of substructures in the scale of this encoder."""
        return SparseRows.of_sizes(entries.sizes, entries.columns, self.scaled(entries.counts), self.width)

    def scaled(self, counts: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return counts, of any shape, on the scale of the columns."""
        if self.counts == "binary":
            return (counts > 0).astype(np.float32)
        if self.counts == "log":
            # A table of the 256 possible values: the same bits whichever vector instructions NumPy picks.
            return np.log1p(np.arange(256, dtype=np.float64)).astype(np.float32)[counts]
        return counts.astype(np.float32)


class _GatheredCounts:
    """Counts of molecules in the scale of an encoder."""

    def __init__(self, encoder: CountEncoder, collector: CountCollector) -> None:
        self._encoder, self._collector = encoder, collector
        self.add = collector.add

    def rows(self) -> SparseRows:
        """Rows of all molecules so far."""
        return self._encoder.rows(self._collector.entries())


def flag_option(encoder: str, option: str, value: object) -> None:
    """Check an argument that is true or false.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"encoder {encoder!r}: {option} must be true or false, not {value!r}")
