"""Counts of substructures of molecules by what is not zero: some fifty places of two thousand."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import (
    GetAtomPairGenerator,
    GetMorganFeatureAtomInvGen,
    GetMorganGenerator,
    GetTopologicalTorsionGenerator,
)
from rdkit.Chem.rdMolDescriptors import GetMACCSKeysFingerprint
from rdkit.rdBase import BlockLogs

__all__ = [
    "MACCS_KEYS",
    "CountEntries",
    "atom_pair_entries",
    "feature_entries",
    "maccs_entries",
    "morgan_entries",
    "torsion_entries",
]

MACCS_KEYS: Final = 166
"""How many questions the MACCS keys ask."""

_MOST: Final = 255


class CountEntries(NamedTuple):
    """Counts of some molecules.

    Attributes:
        sizes: number of entries of each molecule, int64 [n].
        columns: places of the entries, molecule by molecule, ascending in each; int32 [m].
        counts: 1 to 255, where larger counts stay; uint8 [m].
    """

    sizes: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]


def morgan_entries(
    molecules: Iterable[Chem.Mol], *, radius: int = 2, width: int = 2048, chirality: bool = False
) -> CountEntries:
    """Count circular substructures; as `hyperpcm.chem.morgan_counts`.

    Example:
        >>> morgan_entries([Chem.MolFromSmiles("CC")]).counts.tolist()  # two carbon atoms, one bond
        [2, 1]
    """
    return _entries(molecules, _morgan(radius, width, chirality).GetCountFingerprint)


def feature_entries(molecules: Iterable[Chem.Mol], *, radius: int = 2, width: int = 2048) -> CountEntries:
    """Count circular substructures by what atoms do; as `hyperpcm.chem.feature_counts`."""
    return _entries(molecules, _features(radius, width).GetCountFingerprint)


def atom_pair_entries(
    molecules: Iterable[Chem.Mol], *, width: int = 2048, chirality: bool = False
) -> CountEntries:
    """Count pairs of atoms; as `hyperpcm.chem.atom_pair_counts`."""
    return _entries(molecules, _atom_pairs(width, chirality).GetCountFingerprint)


def torsion_entries(
    molecules: Iterable[Chem.Mol], *, width: int = 2048, chirality: bool = False
) -> CountEntries:
    """Count chains of four atoms; as `hyperpcm.chem.torsion_counts`."""
    return _entries(molecules, _torsions(width, chirality).GetCountFingerprint)


def maccs_entries(molecules: Iterable[Chem.Mol]) -> CountEntries:
    """Answer the questions of the MACCS keys; as `hyperpcm.chem.maccs_keys`."""
    sizes, columns = array("q"), array("i")
    with BlockLogs():
        for molecule in molecules:
            keys = GetMACCSKeysFingerprint(molecule).GetOnBits()
            sizes.append(len(keys))
            columns.extend(keys)
    places = np.asarray(columns, dtype=np.int32) - 1  # RDKit's place 0 is never set
    return CountEntries(np.asarray(sizes, dtype=np.int64), places, np.ones(len(places), dtype=np.uint8))


def _entries(molecules: Iterable[Chem.Mol], counted: Callable[[Chem.Mol], Any]) -> CountEntries:
    sizes, columns, counts = array("q"), array("i"), array("i")
    with BlockLogs():
        for molecule in molecules:
            found = counted(molecule).GetNonzeroElements()
            sizes.append(len(found))
            columns.extend(found)
            counts.extend(found.values())
    saturated = np.minimum(np.asarray(counts, dtype=np.int32), _MOST).astype(np.uint8)
    return CountEntries(np.asarray(sizes, dtype=np.int64), np.frombuffer(columns, dtype=np.int32), saturated)


@lru_cache
def _morgan(radius: int, width: int, chirality: bool) -> Any:
    return GetMorganGenerator(radius=radius, fpSize=width, includeChirality=chirality)


@lru_cache
def _features(radius: int, width: int) -> Any:
    invariants = GetMorganFeatureAtomInvGen()
    return GetMorganGenerator(radius=radius, fpSize=width, atomInvariantsGenerator=invariants)


@lru_cache
def _atom_pairs(width: int, chirality: bool) -> Any:
    return GetAtomPairGenerator(fpSize=width, includeChirality=chirality)


@lru_cache
def _torsions(width: int, chirality: bool) -> Any:
    return GetTopologicalTorsionGenerator(fpSize=width, includeChirality=chirality)
