from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from contracts import COMPOUNDS, UNREADABLE_COMPOUNDS
from hyperpcm.chem.molecular_graph import BOND_TYPES, molecular_graph
from hyperpcm.errors import InvalidSmilesError


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_atoms_and_bonds_are_those_of_rdkit(smiles):
    graph = molecular_graph(smiles, max_atoms=100)
    molecule = Chem.MolFromSmiles(smiles)
    assert sorted(graph.elements.tolist()) == sorted(atom.GetAtomicNum() for atom in molecule.GetAtoms())
    assert graph.size == molecule.GetNumAtoms()
    described = {
        (tuple(sorted(graph.elements[pair].tolist())), BOND_TYPES[kind], bool(ring))
        for pair, kind, ring in zip(graph.bonds, graph.bond_types, graph.bond_in_ring, strict=True)
    }
    assert described == {
        (
            tuple(sorted((bond.GetBeginAtom().GetAtomicNum(), bond.GetEndAtom().GetAtomicNum()))),
            bond.GetBondType(),
            bond.IsInRing(),
        )
        for bond in molecule.GetBonds()
    }


@pytest.mark.parametrize("smiles", [*COMPOUNDS, "CC(C)(C)C", "C[C@H](N)C(=O)O"])
def test_two_spellings_have_the_same_atoms_in_the_same_order(smiles):
    graph = molecular_graph(smiles, max_atoms=100)
    for seed in (1, 2, 3):
        (spelling,) = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)
        other = molecular_graph(spelling, max_atoms=100)
        for name in ("elements", "degrees", "charges", "valences", "aromatic", "in_ring"):
            assert np.array_equal(getattr(graph, name), getattr(other, name)), name


def test_a_compound_of_one_atom_has_no_bond():
    graph = molecular_graph("[Na+]", max_atoms=1)
    assert graph.bonds.shape == (0, 2)
    assert graph.charges.tolist() == [1]


def test_hydrogen_is_implicit_but_for_isotopes():
    assert molecular_graph("[H]C([H])([H])[H]", max_atoms=9).elements.tolist() == [6]
    assert sorted(molecular_graph("[2H]C", max_atoms=9).elements.tolist()) == [1, 6]


@pytest.mark.parametrize("smiles", [*UNREADABLE_COMPOUNDS, "."])
def test_a_text_that_is_no_compound_is_refused(smiles):
    with pytest.raises(InvalidSmilesError, match="PARSE"):
        molecular_graph(smiles, max_atoms=100)


def test_a_compound_beyond_the_limit_is_refused_with_both_numbers():
    with pytest.raises(InvalidSmilesError, match=r"TOO_LARGE: 1,001 atoms; at most 1,000"):
        molecular_graph("C" * 1001, max_atoms=1000)
