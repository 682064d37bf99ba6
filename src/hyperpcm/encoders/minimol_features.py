"""What the graph network MiniMol reads of a compound: features of atoms and bonds, and where each atom lies.

Every number is rounded to half precision, as in training. Columns are given as in the network's own list:
5 numbers of an atom, then one-hot element, group, period and valence; one-hot bond type and stereo, rings.

Source: Kläser et al., MiniMol, arXiv:2404.14986 (the network); Dwivedi et al., J. Mach. Learn. Res. 2023, 24,
43 (Laplacian eigenvectors); Dwivedi et al., ICLR 2022, arXiv:2110.07875 (random walks).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from hyperpcm.chem.molecular_graph import BOND_STEREO, BOND_TYPES, MolecularGraph

__all__ = ["EIGENVECTORS", "STEPS", "atom_features", "bond_features", "laplacian", "returns", "rounded"]

EIGENVECTORS: Final = 8
"""Laplacian eigenvectors that place an atom, those of the lowest frequency; zeros where there are fewer."""

STEPS: Final = 16
"""Lengths of the random walks: 1 to 16 steps."""

# fmt: off
_ELEMENTS: Final = np.array([  # those that have a column of their own, in its order
    # C N  O   S  F  Si  P   Cl  Br  Mg  Na  Ca  Fe  As  Al  I   B  V   K   Tl  Yb
    6, 7, 8, 16, 9, 14, 15, 17, 35, 12, 11, 20, 26, 33, 13, 53, 5, 23, 19, 81, 70,
    # Sb Sn  Ag  Pd  Co  Se  Ti  Zn  H  Li  Ge  Cu  Au  Ni  Cd  In  Mn  Zr  Cr  Pt  Hg  Pb
    51,  50, 47, 46, 27, 34, 22, 30, 1, 3,  32, 29, 79, 28, 48, 49, 25, 40, 24, 78, 80, 82,
])
# fmt: on
_NOBLE: Final = np.array([0, 2, 10, 18, 36, 54, 86, 118])
_DUMMY_STANDS_FOR: Final = (
    118  # as in training: the group and the period of a dummy atom are those of oganesson
)
_GROUPS, _PERIODS, _VALENCES = 20, 8, 8  # columns; the last one is for everything else
_NO_GROUP: Final = 19  # lanthanides and actinides after La and Ac


def rounded(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Round to half precision: float32 of the same shape."""
    return np.asarray(values, dtype=np.float16).astype(np.float32)


def atom_features(graph: MolecularGraph) -> npt.NDArray[np.float32]:
    """Give what the network reads of each atom alone: float32 [atoms, 85], small integers.

    Columns: bonded atoms less 2, charge, unpaired electrons, aromatic, in a ring; then, one of each is 1,
    44 for the element (the last: any other), 20 for the group, 8 for the period, 8 for the valence (0 to 6,
    the last: more).
    """
    numbers = np.stack(
        [graph.degrees - 2, graph.charges, graph.radicals, graph.aromatic, graph.in_ring], axis=1
    )
    known = graph.elements[:, None] == _ELEMENTS
    element = np.where(known.any(axis=1), known.argmax(axis=1), len(_ELEMENTS))
    group, period = _group_and_period(np.where(graph.elements == 0, _DUMMY_STANDS_FOR, graph.elements))
    one_hot = (
        _one_hot(element, len(_ELEMENTS) + 1),
        _one_hot(group - 1, _GROUPS),
        _one_hot(period - 1, _PERIODS),
        _one_hot(np.minimum(graph.valences, _VALENCES - 1), _VALENCES),
    )
    return rounded(np.concatenate([numbers, *one_hot], axis=1))


def bond_features(graph: MolecularGraph) -> npt.NDArray[np.float32]:
    """Give what the network reads of each bond: float32 [bonds, 13] of 0 and 1.

    Columns: 5 for the type and 7 for the stereo mark (the last of each: any other), and whether in a ring.
    """
    columns = (
        _one_hot(graph.bond_types, len(BOND_TYPES) + 1),
        _one_hot(graph.bond_stereo, len(BOND_STEREO) + 1),
        graph.bond_in_ring[:, None],
    )
    return np.concatenate(columns, axis=1, dtype=np.float32)


def laplacian(graph: MolecularGraph) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give the lowest eigenvalues of the graph Laplacian D - A of each atom's fragment, and the eigenvectors.

    Signs, and the basis where eigenvalues are equal, are what LAPACK's general solver makes of the atoms in
    canonical order: nothing defines them, and the network was trained and is published with these. They
    depend on how the linear algebra library rounds on this kind of processor; run it on one thread.

    Returns:
        Eigenvalues, dimensionless and ascending, and eigenvectors of length 1, both float32
        [atoms, EIGENVECTORS].
    """
    values = np.zeros((graph.size, EIGENVECTORS))
    vectors = np.zeros((graph.size, EIGENVECTORS))
    adjacency = _adjacency(graph)
    number, fragment = connected_components(adjacency, directed=False)
    bonded = adjacency.toarray()
    for one in range(number):
        atoms = np.flatnonzero(fragment == one)
        inside = bonded[np.ix_(atoms, atoms)]
        found, basis = np.linalg.eig(np.diag(inside.sum(axis=0)) - inside)
        lowest = np.argsort(found.real, kind="stable")[:EIGENVECTORS]
        values[atoms, : len(lowest)] = found[lowest].real
        vectors[atoms, : len(lowest)] = _real_vectors(basis[:, lowest])
    return rounded(values), rounded(vectors)


def returns(graph: MolecularGraph) -> npt.NDArray[np.float32]:
    """Give the probability that a random walk is home after 1 to 16 steps: float32 [atoms, STEPS].

    An ion in a salt never walks and has zeros; a compound of one atom has ones, as in training.
    """
    if graph.size == 1:
        return np.ones((1, STEPS), dtype=np.float32)
    adjacency = _adjacency(graph)
    degrees = np.maximum(adjacency.sum(axis=0), 1)
    step = csr_array(adjacency.multiply(1 / degrees[None, :])).astype(np.float32)
    reached = np.eye(graph.size, dtype=np.float32)
    back = np.empty((graph.size, STEPS), dtype=np.float32)
    for number in range(STEPS):
        reached = step @ reached
        back[:, number] = reached.diagonal()
    return rounded(back)


def _real_vectors(vectors: npt.NDArray[np.inexact]) -> npt.NDArray[np.float64]:
    """Drop the imaginary part, which columns of equal eigenvalues have when they come as a conjugate pair.

    Before that each column is divided by the root of the sum of its squares, a complex number, as in
    training. For a real column that is 1; a column that has no such length stays as it is.
    """
    length = np.sqrt((vectors**2).sum(axis=0))
    return np.asarray((vectors / np.where(np.abs(length) > 1e-3, length, 1)).real)


def _adjacency(graph: MolecularGraph) -> csr_array:
    """1 where two atoms are bonded: float64 [atoms, atoms], symmetric."""
    both_ways = np.concatenate([graph.bonds, graph.bonds[:, ::-1]])
    return csr_array((np.ones(len(both_ways)), both_ways.T), shape=(graph.size, graph.size))


def _group_and_period(
    elements: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Group (1 to 18, or `_NO_GROUP`) and period (1 to 7) of atomic numbers from 1 to 118."""
    period = np.searchsorted(_NOBLE, elements)
    from_left = elements - _NOBLE[period - 1]  # 1 for an alkali metal
    from_right = elements - _NOBLE[period] + 18  # 18 for a noble gas
    length = _NOBLE[period] - _NOBLE[period - 1]
    left = from_left <= np.select([length == 2, length == 8, length == 18], [1, 2, 18], 3)
    right = from_right >= np.select([length == 2, length == 8, length == 18], [18, 13, 19], 4)
    return np.select([left, right], [from_left, from_right], _NO_GROUP), period


def _one_hot(places: npt.NDArray[np.int64], columns: int) -> npt.NDArray[np.bool_]:
    return np.asarray(places[:, None] == np.arange(columns))
