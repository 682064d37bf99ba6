"""Which circular substructures compounds have, each with a column of its own: nothing collides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from hyperpcm.chem.reading import molecules_of

__all__ = ["morgan_environments"]


def morgan_environments(smiles: Sequence[str], *, radius: int = 2) -> csr_array:
    """Tell which circular substructures each compound has, one column for each that occurs: not folded.

    Args:
        smiles: standardised SMILES, n of them.
        radius: bonds from the central atom; 2 gives ECFP4.

    Returns:
        Presence [n, substructures] as 1 or nothing, uint8; substructures in the order of their hashes.

    Raises:
        InvalidSmilesError: for a text that RDKit cannot read; the reason names its row.

    Source:
        As for `morgan_counts`.

    Example:
        >>> morgan_environments(["CCO", "CCN"]).shape
        (2, 9)
    """
    generator = GetMorganGenerator(radius=radius)
    hashes: list[npt.NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    with BlockLogs():
        for molecule in molecules_of(smiles):
            on = generator.GetSparseFingerprint(molecule).GetOnBits()
            hashes.append(np.fromiter(on, dtype=np.int64))
    distinct, column = np.unique(np.concatenate(hashes), return_inverse=True)
    ends = np.cumsum([len(one) for one in hashes])
    ones = np.ones(len(column), dtype=np.uint8)
    return csr_array((ones, column.reshape(-1), ends), shape=(len(smiles), len(distinct)))
