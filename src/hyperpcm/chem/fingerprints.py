"""Morgan (ECFP) counts of compounds, and Tanimoto similarity by matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.rdBase import BlockLogs
from scipy.sparse import csr_array

from hyperpcm.errors import InvalidSmilesError

__all__ = ["morgan_counts", "morgan_environments", "tanimoto"]

_BLOCK = 2048  # rows of one float32 block: 16 MB at 2,048 bits


def morgan_counts(
    smiles: Sequence[str], *, radius: int = 2, width: int = 2048, chirality: bool = False
) -> npt.NDArray[np.uint8]:
    """Count the circular substructures of each compound, folded to a fixed width.

    Entry [i, j] is how many atom environments of compound i hash to place j; counts above 255 stay 255.
    ``counts > 0`` is the Morgan bit vector. Deterministic; a row depends on its compound alone.

    Args:
        smiles: standardised SMILES, n of them.
        radius: bonds from the central atom; 2 gives ECFP4.
        width: number of places that environments are hashed to.
        chirality: whether tetrahedral stereo distinguishes environments.

    Returns:
        Counts [n, width]; [0, width] for no compounds.

    Raises:
        InvalidSmilesError: for a text that RDKit cannot read; the reason names its row.

    Source:
        Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742; `rdkit.Chem.rdFingerprintGenerator`.

    Example:
        >>> morgan_counts(["CCO", "CCN"], width=64).shape
        (2, 64)
    """
    generator = GetMorganGenerator(radius=radius, fpSize=width, includeChirality=chirality)
    counts = np.zeros((len(smiles), width), dtype=np.uint8)
    with BlockLogs():
        for row, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text)
            if molecule is None:
                raise InvalidSmilesError(
                    "PARSE", f"row {row}: {text[:200]!r} is not a molecule; standardise first."
                )
            counts[row] = np.minimum(generator.GetCountFingerprintAsNumPy(molecule), 255)
    return counts


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
        for row, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text)
            if molecule is None:
                raise InvalidSmilesError(
                    "PARSE", f"row {row}: {text[:200]!r} is not a molecule; standardise first."
                )
            on = generator.GetSparseFingerprint(molecule).GetOnBits()
            hashes.append(np.fromiter(on, dtype=np.int64))
    distinct, column = np.unique(np.concatenate(hashes), return_inverse=True)
    ends = np.cumsum([len(one) for one in hashes])
    ones = np.ones(len(column), dtype=np.uint8)
    return csr_array((ones, column.reshape(-1), ends), shape=(len(smiles), len(distinct)))


def tanimoto(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Give the Tanimoto similarity of every row of `a` to every row of `b`, on presence (count > 0).

    Computed by float32 matrix products in blocks: sums of bits stay exact below 16.7 million, so the only
    rounding is in the final division.

    Args:
        a: counts or bits [n, w].
        b: counts or bits [m, w].

    Returns:
        Similarities [n, m] in [0, 1]; two rows without any bit have similarity 0.

    Raises:
        ValueError: where the widths differ.

    Example:
        >>> bits = np.array([[1, 1, 0], [0, 1, 1]], dtype=np.uint8)
        >>> tanimoto(bits, bits).round(2).tolist()
        [[1.0, 0.33000001311302185], [0.33000001311302185, 1.0]]
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"two tables of one width are needed, not {a.shape} and {b.shape}")
    similarity = np.empty((len(a), len(b)), dtype=np.float32)
    size_a = np.count_nonzero(a, axis=1).astype(np.float32)
    size_b = np.count_nonzero(b, axis=1).astype(np.float32)
    for right in range(0, len(b), _BLOCK):
        bits_b = (b[right : right + _BLOCK] > 0).astype(np.float32).T
        for left in range(0, len(a), _BLOCK):
            block = similarity[left : left + _BLOCK, right : right + _BLOCK]
            shared = (a[left : left + _BLOCK] > 0).astype(np.float32) @ bits_b
            union = size_a[left : left + _BLOCK, None] + size_b[None, right : right + _BLOCK]
            union -= shared
            np.divide(shared, np.maximum(union, 1, out=union), out=block)
    return similarity
