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
    "CountCollector",
    "CountEntries",
    "atom_pair_collector",
    "feature_collector",
    "maccs_collector",
    "morgan_collector",
    "torsion_collector",
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


class CountCollector:
    """Counts molecules one by one, so that none needs to be kept.

    Args:
        counted: gives RDKit's sparse counts of a molecule.
    """

    def __init__(self, counted: Callable[[Chem.Mol], Any]) -> None:
        self._counted = counted
        self._sizes, self._columns, self._counts = array("q"), array("i"), array("i")

    def add(self, molecule: Chem.Mol) -> None:
        """Count one more molecule."""
        found = self._counted(molecule).GetNonzeroElements()
        self._sizes.append(len(found))
        self._columns.extend(found)
        self._counts.extend(found.values())

    def added(self, molecules: Iterable[Chem.Mol]) -> CountEntries:
        """Count more molecules, and return the counts of all."""
        with BlockLogs():
            for molecule in molecules:
                self.add(molecule)
        return self.entries()

    def entries(self) -> CountEntries:
        """Return the counts of all molecules so far."""
        return CountEntries(
            np.array(self._sizes, dtype=np.int64),
            np.array(self._columns, dtype=np.int32),
            np.minimum(np.array(self._counts, dtype=np.int32), _MOST).astype(np.uint8),
        )


def morgan_collector(*, radius: int = 2, width: int = 2048, chirality: bool = False) -> CountCollector:
    """Return what counts circular substructures; as `hyperpcm.chem.morgan_counts`.

    Example:
        >>> morgan_collector().added([Chem.MolFromSmiles("CC")]).counts.tolist()  # two carbon atoms, one bond
        [2, 1]
    """
    return CountCollector(_morgan(radius, width, chirality).GetCountFingerprint)


def feature_collector(*, radius: int = 2, width: int = 2048) -> CountCollector:
    """Return what counts circular substructures by what atoms do; as `hyperpcm.chem.feature_counts`."""
    return CountCollector(_features(radius, width).GetCountFingerprint)


def atom_pair_collector(*, width: int = 2048, chirality: bool = False) -> CountCollector:
    """Return what counts pairs of atoms; as `hyperpcm.chem.atom_pair_counts`."""
    return CountCollector(_atom_pairs(width, chirality).GetCountFingerprint)


def torsion_collector(*, width: int = 2048, chirality: bool = False) -> CountCollector:
    """Return what counts chains of four atoms; as `hyperpcm.chem.torsion_counts`."""
    return CountCollector(_torsions(width, chirality).GetCountFingerprint)


def maccs_collector() -> CountCollector:
    """Return what answers the questions of the MACCS keys; as `hyperpcm.chem.maccs_keys`."""
    return CountCollector(_Keys)


class _Keys:
    """The MACCS keys of a molecule in the form of counts."""

    def __init__(self, molecule: Chem.Mol) -> None:
        self._places = GetMACCSKeysFingerprint(molecule).GetOnBits()

    def GetNonzeroElements(self) -> dict[int, int]:  # noqa: N802  # RDKit's name
        """Each key that holds, from 0; RDKit's own place 0 is never set."""
        return {place - 1: 1 for place in self._places}


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
