"""What MiniMol reads of a compound, beside definitions, closed formulas and plain loops."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from rdkit import Chem

from contracts import COMPOUNDS, ODD_COMPOUNDS
from hyperpcm.chem.molecular_graph import molecular_graph
from hyperpcm.encoders.minimol_features import (
    EIGENVECTORS,
    STEPS,
    _real_vectors,
    atom_features,
    bond_features,
    laplacian,
    returns,
    rounded,
)

ELEMENTS = [f"[{Chem.GetPeriodicTable().GetElementSymbol(number)}]" for number in range(1, 119)]


def graph_of(smiles: str):
    return molecular_graph(smiles, max_atoms=1000)


def place(row: np.ndarray, start: int, stop: int) -> int:
    """Which one of these columns is 1; the others are 0."""
    (found,) = np.flatnonzero(row[start:stop])
    assert row[start + found] == 1
    return int(found)


def row_of(smiles: str) -> np.ndarray:
    (row,) = atom_features(graph_of(smiles))
    return row


def test_every_atom_has_85_columns_with_one_element_group_period_and_valence():
    for smiles in [*COMPOUNDS, *ODD_COMPOUNDS, *ELEMENTS, "*CC"]:
        features = atom_features(graph_of(smiles))
        assert features.shape[1] == 85
        assert features.dtype == np.float32
        for row in features:
            for start, stop in ((5, 49), (49, 69), (69, 77), (77, 85)):
                place(row, start, stop)


def test_the_numbers_of_an_atom_are_those_that_rdkit_gives():
    for smiles in [*COMPOUNDS, "C[N+](C)(C)C", "[CH2]C", "O=S(=O)(O)CCl"]:
        rows = {tuple(row[:5]) for row in atom_features(graph_of(smiles))}
        atoms = Chem.MolFromSmiles(smiles).GetAtoms()
        assert rows == {
            (
                atom.GetTotalDegree() - 2,
                atom.GetFormalCharge(),
                atom.GetNumRadicalElectrons(),
                atom.GetIsAromatic(),
                atom.IsInRing(),
            )
            for atom in atoms
        }


@pytest.mark.parametrize(
    ("symbols", "group"),
    [
        ("H Li Na K Rb Cs Fr", 1),
        ("Be Mg Ca Sr Ba Ra", 2),
        ("Sc Y La Ac", 3),
        ("Ti Zr Hf Rf", 4),
        ("Fe Ru Os Hs", 8),
        ("Pd Pt Ni Ds", 10),
        ("Zn Cd Hg Cn", 12),
        ("B Al Ga In Tl Nh", 13),
        ("N P As Sb Bi Mc", 15),
        ("F Cl Br I At Ts", 17),
        ("He Ne Ar Kr Xe Rn Og", 18),
        ("Ce Yb Lu Th U Lr", 19),
    ],
)
def test_groups_are_those_of_the_periodic_table_and_lanthanides_have_none(symbols, group):
    assert {place(row_of(f"[{symbol}]"), 49, 69) for symbol in symbols.split()} == {group - 1}


def test_periods_are_those_of_the_periodic_table():
    found = [place(row_of(element), 69, 77) + 1 for element in ELEMENTS]
    table = Chem.GetPeriodicTable()
    assert found == [table.GetRow(number) for number in range(1, 119)]


@pytest.mark.parametrize(
    ("smiles", "valence"), [("[Na+]", 0), ("C", 4), ("[NH4+]", 4), ("B", 3), ("[OH-]", 1), ("N", 3)]
)
def test_valences_count_hydrogen(smiles, valence):
    assert place(row_of(smiles), 77, 85) == valence


def test_valences_above_six_are_one_column():
    valences = {place(row, 77, 85) for row in atom_features(graph_of("O=[Os](=O)(=O)=O"))}
    assert valences == {2, 7}


@pytest.mark.parametrize(
    ("smiles", "kind", "stereo", "ring"),
    [
        ("CC", 0, 0, 0),
        ("C=C", 1, 0, 0),
        ("C#C", 2, 0, 0),
        ("C$C", 4, 0, 0),
        ("N->[Cu]", 4, 0, 0),
        ("F/C=C/F", 1, 3, 0),
        ("F/C=C\\F", 1, 2, 0),
        ("c1ccccc1", 3, 0, 1),
        ("C1CC1", 0, 0, 1),
    ],
)
def test_bonds_have_a_type_a_stereo_mark_and_whether_in_a_ring(smiles, kind, stereo, ring):
    rows = bond_features(graph_of(smiles))
    assert rows.shape[1] == 13
    assert (kind, stereo, ring) in {(place(row, 0, 5), place(row, 5, 12), row[12]) for row in rows}


@pytest.mark.parametrize("atoms", [1, 2, 5, 8, 30])
def test_eigenvalues_of_a_chain_are_those_of_the_formula(atoms):
    values, vectors = laplacian(graph_of("C" * atoms))
    kept = min(atoms, EIGENVECTORS)
    expected = 2 - 2 * np.cos(np.pi * np.arange(kept) / atoms)
    np.testing.assert_allclose(values[0, :kept], expected, atol=2e-3)
    assert (values == values[0]).all()
    assert not vectors[:, kept:].any()
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :kept], axis=0), 1, atol=2e-3)


@pytest.mark.parametrize(
    "smiles",
    [*COMPOUNDS, "C12C3C4C1C5C2C3C45", "O=C(Nc1cccc(I)c1)c1cc(O)c(O)c(O)c1", "CC.CCO.[Na+]", "CCO.c1ccccc1"],
)
def test_eigenvectors_solve_the_equation_of_the_laplacian(smiles):
    graph = graph_of(smiles)
    matrix = np.zeros((graph.size, graph.size))
    for one, other in graph.bonds:
        matrix[one, other] = matrix[other, one] = -1
    np.fill_diagonal(matrix, -matrix.sum(axis=0))
    values, vectors = laplacian(graph)
    np.testing.assert_allclose(matrix @ vectors, values * vectors, atol=5e-3)


def test_a_conjugate_pair_becomes_real_eigenvectors_and_one_without_a_length_stays_finite():
    turned = np.array([[3, 1], [4, 1j]]) / np.array([5, np.sqrt(2)]) * np.exp([0.3j, 0])
    real = _real_vectors(turned)
    np.testing.assert_allclose(real[:, 0], [0.6, 0.8])
    assert np.isfinite(real).all()


def walk_home(neighbours: list[list[int]], atom: int, steps: int) -> Fraction:
    """Probability of being home after so many steps, by following every walk."""

    def from_here(here: int, left: int) -> Fraction:
        if left == 0:
            return Fraction(here == atom)
        ways = neighbours[here]
        return sum((from_here(there, left - 1) for there in ways), Fraction(0)) / max(len(ways), 1)

    return from_here(atom, steps)


@pytest.mark.parametrize("smiles", ["CCO", "C1CC1C", "CC(C)C", "C1CC1.CC"])
def test_return_probabilities_are_those_of_every_walk_followed(smiles):
    graph = graph_of(smiles)
    neighbours: list[list[int]] = [[] for _ in range(graph.size)]
    for one, other in graph.bonds.tolist():
        neighbours[one].append(other)
        neighbours[other].append(one)
    expected = [
        [float(walk_home(neighbours, atom, step)) for step in range(1, 9)] for atom in range(graph.size)
    ]
    np.testing.assert_allclose(returns(graph)[:, :8], rounded(np.array(expected)), atol=3e-4)


def test_one_atom_is_always_home_and_an_ion_of_a_salt_never():
    assert np.array_equal(returns(graph_of("C")), np.ones((1, STEPS)))
    assert np.array_equal(returns(graph_of("[Na+].[Cl-]")), np.zeros((2, STEPS)))
