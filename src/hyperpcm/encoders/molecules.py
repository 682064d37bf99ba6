"""What encoders that read RDKit molecules have in common: a molecule that is at hand is not read again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.sparse_rows import SparseRows

if TYPE_CHECKING:
    from rdkit import Chem

__all__ = ["MoleculeEncoder", "Rows"]

Rows: TypeAlias = SparseRows | npt.NDArray[np.float32]
"""Vectors of some items: by entries where the encoder is sparse, else float32 [n, width]."""


class MoleculeEncoder(Encoder):
    """Reads compounds as molecules; abstract.

    A subclass says what some molecules give, and reads SMILES with no other settings than those of
    `hyperpcm.chem.reading.molecules_of`.
    """

    @property
    def reads_stereo(self) -> bool:
        """Whether anything depends on what could be a stereocentre, and not on atoms and bonds alone."""
        return True

    @abstractmethod
    def _of_molecules(self, molecules: Iterable[Chem.Mol]) -> Rows:
        """Vectors of molecules of one atom or more, which may come one by one."""

    @final
    def encode_molecules(self, molecules: Sequence[Chem.Mol]) -> Rows:
        """Return what `encode` gives for the SMILES that the molecules were read from.

        Args:
            molecules: each of one atom or more, as it is read from its standardised SMILES, its atoms in that
                order; where `reads_stereo` is false, stereo need not be perceived of those without any.
        """
        rows = self._of_molecules(molecules)
        values = rows.values if isinstance(rows, SparseRows) else rows
        width = rows.width if isinstance(rows, SparseRows) else rows.shape[1]
        if (len(rows), width) != (len(molecules), self.width) or not (
            values is None or np.isfinite(values).all()
        ):
            raise RuntimeError(
                f"encoder {self.name!r} of width {self.width} gave {(len(rows), width)} for {len(molecules)} "
                "molecules, or values that are not finite. This is a fault of the encoder."
            )
        return rows
