"""What encoders that read RDKit molecules have in common: a molecule that is at hand is not read again."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.sparse_rows import SparseRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from rdkit import Chem

__all__ = ["Gathering", "MoleculeEncoder", "Rows"]

Rows: TypeAlias = SparseRows | npt.NDArray[np.float32]
"""Vectors of some items: by entries where the encoder is sparse, else float32 [n, width]."""


class Gathering(Protocol):
    """Takes molecules one by one; none of them needs to be kept."""

    @property
    def add(self) -> Callable[[Chem.Mol], None]:
        """Takes one more molecule, of one atom or more."""

    def rows(self) -> Rows:
        """Return what `Encoder.encode` gives for the SMILES that the molecules were read from."""


class MoleculeEncoder(Encoder):
    """Reads compounds as molecules; abstract.

    It reads SMILES with no other settings than those of `hyperpcm.chem.reading.molecules_of`.
    """

    @property
    def reads_stereo(self) -> bool:
        """Whether anything depends on what could be a stereocentre, and not on atoms and bonds alone."""
        return True

    @abstractmethod
    def gathering(self) -> Gathering:
        """Return what takes molecules, each as it is read from its standardised SMILES, atoms in that order.

        Where `reads_stereo` is false, stereo need not be perceived of molecules without any.
        """
