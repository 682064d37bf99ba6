"""Counts of substructures of compounds (Morgan, atom pairs, torsions), MACCS keys, Tanimoto similarity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem.count_entries import (
    MACCS_KEYS,
    CountEntries,
    atom_pair_collector,
    feature_collector,
    maccs_collector,
    morgan_collector,
    torsion_collector,
)
from hyperpcm.chem.reading import molecules_of

__all__ = [
    "MACCS_KEYS",
    "ComparedTable",
    "atom_pair_counts",
    "feature_counts",
    "maccs_keys",
    "morgan_counts",
    "tanimoto",
    "torsion_counts",
]

_BLOCK: Final = 2048  # rows of one float32 block: 16 MB at 2,048 bits
_SUMMED: Final = 8192  # rows of one block whose bits are summed in bytes: 16 MB at 2,048 bits
_STRIP: Final = 16  # rows that are turned at a time, which is eight times as fast as all at once
_FEW_ROWS: Final = 32  # so few are multiplied: turning the other table round would cost more than it saves
_SPARSE: Final = 16  # of so many bits one is set at most where summing is faster than multiplying


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
    entries = morgan_collector(radius=radius, width=width, chirality=chirality).added(molecules_of(smiles))
    return _table(entries, width)


def feature_counts(smiles: Sequence[str], *, radius: int = 2, width: int = 2048) -> npt.NDArray[np.uint8]:
    """Count circular substructures by what atoms do: donor, acceptor, aromatic, halogen, charged (FCFP).

    As `morgan_counts`, but atoms that do the same are not told apart.

    Source:
        Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742; Gobbi and Poppinger, Biotechnol. Bioeng. 1998,
        61, 47 (the features).

    Example:
        >>> (feature_counts(["Clc1ccccc1"]) == feature_counts(["Brc1ccccc1"])).all().item()
        True
    """
    return _table(feature_collector(radius=radius, width=width).added(molecules_of(smiles)), width)


def atom_pair_counts(
    smiles: Sequence[str], *, width: int = 2048, chirality: bool = False
) -> npt.NDArray[np.uint8]:
    """Count pairs of atoms by their kinds and the bonds between them, up to 30, folded to a fixed width.

    Kinds and errors as for `morgan_counts`; a compound of one heavy atom has no pair and no count.

    Source:
        Carhart, Smith and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1985, 25, 64.

    Example:
        >>> int(atom_pair_counts(["CCO"]).sum())
        3
    """
    return _table(atom_pair_collector(width=width, chirality=chirality).added(molecules_of(smiles)), width)


def torsion_counts(
    smiles: Sequence[str], *, width: int = 2048, chirality: bool = False
) -> npt.NDArray[np.uint8]:
    """Count chains of four bonded atoms by their kinds, folded to a fixed width.

    Kinds and errors as for `morgan_counts`; a compound without such a chain has no count.

    Source:
        Nilakantan, Bauman, Dixon and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1987, 27, 82.

    Example:
        >>> int(torsion_counts(["CCCO"]).sum())
        1
    """
    return _table(torsion_collector(width=width, chirality=chirality).added(molecules_of(smiles)), width)


def maccs_keys(smiles: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Answer the 166 questions of the MACCS keys for each compound: 1 for yes, uint8 [n, 166].

    Source:
        Durant, Leland, Henry and Nourse, J. Chem. Inf. Comput. Sci. 2002, 42, 1273.

    Raises:
        InvalidSmilesError: for a text that RDKit cannot read; the reason names its row.

    Example:
        >>> int(maccs_keys(["c1ccccc1"])[0, 161])  # key 162: aromatic
        1
    """
    return _table(maccs_collector().added(molecules_of(smiles)), MACCS_KEYS)


def _table(entries: CountEntries, width: int) -> npt.NDArray[np.uint8]:
    """The counts as a table, uint8 [n, width]."""
    table = np.zeros((len(entries.sizes), width), dtype=np.uint8)
    table[np.repeat(np.arange(len(table)), entries.sizes), entries.columns] = entries.counts
    return table


def tanimoto(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Give the Tanimoto similarity of every row of `a` to every row of `b`, on presence (count > 0).

    Computed by sums of bytes over the bits that a row of `a` has, or by float32 matrix products where rows
    have many bits or are few; both count exactly, so the only rounding is in the final division.

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
    by_sums = len(a) >= _FEW_ROWS and size_a.max() <= np.iinfo(np.uint8).max
    by_sums = by_sums and size_a.sum() * _SPARSE <= a.size
    for rows, columns, shared in (_shared_by_sums if by_sums else _shared_by_products)(a, b):
        union = size_a[rows, None] + size_b[None, columns]
        union -= shared
        np.divide(shared, np.maximum(union, 1, out=union), out=similarity[rows, columns])
    return similarity


class ComparedTable:
    """A table that a few compounds at a time are compared with, again and again; it is turned once for all.

    Args:
        table: counts or bits [m, w]; as many bytes again are held beside it.

    Example:
        >>> bits = np.array([[1, 1, 0], [0, 1, 1]], dtype=np.uint8)
        >>> ComparedTable(bits).tanimoto(bits).round(2).tolist()
        [[1.0, 0.33000001311302185], [0.33000001311302185, 1.0]]
    """

    def __init__(self, table: npt.NDArray[np.uint8]) -> None:
        self.table = table
        self._having = _turned(table)
        self._sizes = np.count_nonzero(table, axis=1).astype(np.float32)

    def tanimoto(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return what the function `tanimoto` gives for some compounds and the table, bit for bit.

        Args:
            rows: counts or bits [n, w].

        Raises:
            ValueError: where the widths differ.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self._having):
            raise ValueError(f"rows of {len(self._having)} places are needed, not {rows.shape}")
        similarity = np.empty((len(rows), len(self._sizes)), dtype=np.float32)
        for row, own in enumerate(rows):
            places = np.flatnonzero(own)
            few = len(places) <= np.iinfo(np.uint8).max
            shared = self._having[places].sum(axis=0, dtype=np.uint8 if few else np.uint16).astype(np.float32)
            union = np.float32(len(places)) + self._sizes
            union -= shared
            np.divide(shared, np.maximum(union, 1, out=union), out=similarity[row])
        return similarity


_Shared = Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]
"""How many bits rows of one table share with rows of another, block by block."""


def _shared_by_products(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> _Shared:
    for right in range(0, len(b), _BLOCK):
        columns = slice(right, right + _BLOCK)
        bits = (b[columns] > 0).astype(np.float32).T
        for left in range(0, len(a), _BLOCK):
            rows = slice(left, left + _BLOCK)
            yield rows, columns, (a[rows] > 0).astype(np.float32) @ bits


def _shared_by_sums(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> _Shared:
    places, bits = np.nonzero(a)
    starts = np.searchsorted(places, np.arange(len(a) + 1))
    for right in range(0, len(b), _SUMMED):
        columns = slice(right, right + _SUMMED)
        having = _turned(b[columns])
        for row in range(len(a)):
            own = having[bits[starts[row] : starts[row + 1]]]
            shared = own.sum(axis=0, dtype=np.uint8).astype(np.float32)
            yield slice(row, row + 1), columns, shared[None]


def _turned(table: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return which rows have each bit, uint8 [w, n]; a few rows are turned at a time."""
    turned = np.empty(table.shape[::-1], dtype=np.uint8)
    for start in range(0, len(table), _STRIP):
        turned[:, start : start + _STRIP] = (table[start : start + _STRIP] > 0).T
    return turned
