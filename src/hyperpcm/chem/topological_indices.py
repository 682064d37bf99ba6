"""Indices over all pairs of atoms, with the digits of RDKit's own, which go through the pairs in Python.

Sums are taken in the order in which RDKit takes them, so that not even rounding differs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem.EState import EState

__all__ = ["balaban_j", "electrotopological_states"]

_APART = 1e6  # RDKit's distance of atoms that no bonds connect


def electrotopological_states(molecule: Chem.Mol) -> npt.NDArray[np.float64]:
    """Return the state of each atom, float64 [atoms]; equal to ``rdkit.Chem.EState.EStateIndices``.

    Source: Hall, Mohney and Kier, J. Chem. Inf. Comput. Sci. 1991, 31, 76.
    """
    own = np.array(
        [
            _intrinsic_state(atom.GetAtomicNum(), atom.GetTotalNumHs(), atom.GetDegree())
            for atom in molecule.GetAtoms()
        ]
    )
    squared = np.square(Chem.GetDistanceMatrix(molecule, useBO=False, useAtomWts=False) + 1)
    shares = np.where(squared < _APART**2, (own[None] - own[:, None]) / squared, 0.0)
    states: npt.NDArray[np.float64] = np.add.accumulate(shares, axis=0)[-1] + own
    return states


@cache
def _intrinsic_state(element: int, hydrogens: int, degree: int) -> float:
    if degree == 0:
        return 0.0
    valence_electrons = Chem.GetPeriodicTable().GetNOuterElecs(element) - hydrogens
    estate: Any = EState
    shell = estate.GetPrincipleQuantumNumber(element)
    return float((4.0 / (shell * shell) * valence_electrons + 1) / degree)


def balaban_j(molecule: Chem.Mol) -> float:
    """Return Balaban's J; equal to ``rdkit.Chem.GraphDescriptors.BalabanJ``.

    Source: Balaban, Chem. Phys. Lett. 1982, 89, 399.
    """
    distances = Chem.GetDistanceMatrix(molecule, useBO=True, useAtomWts=False, force=False, prefix="Balaban")
    sums = np.add.accumulate(distances, axis=0)[-1]
    bonds = molecule.GetNumBonds()
    cycles = bonds - molecule.GetNumAtoms() + 1
    if not bonds or cycles + 1 == 0:
        return 0.0
    adjacent = Chem.GetAdjacencyMatrix(molecule, useBO=False, emptyVal=0, force=False, prefix="NoBO")
    first, second = np.nonzero(np.triu(adjacent == 1))
    terms = 1.0 / np.sqrt(sums[first] * sums[second])
    return float(bonds) / float(cycles + 1) * float(np.add.accumulate(terms)[-1])
