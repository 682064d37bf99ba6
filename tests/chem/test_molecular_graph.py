from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdchem import HybridizationType

from contracts import COMPOUNDS, UNREADABLE_COMPOUNDS
from hyperpcm.chem.molecular_graph import BOND_TYPES, HYBRIDISATIONS, molecular_graph
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


@pytest.mark.parametrize(
    "smiles", [*COMPOUNDS, "CC(C)(C)C", "C[C@H](N)C(=O)O", "C[C@]12CC[C@@H](O)C[C@H]1CC2"]
)
def test_two_spellings_have_the_same_atoms_in_the_same_order(smiles):
    graph = molecular_graph(smiles, max_atoms=100)
    for seed in range(8):
        (spelling,) = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)
        other = molecular_graph(spelling, max_atoms=100)
        for name in (
            "elements",
            "degrees",
            "charges",
            "valences",
            "hydrogens",
            "hybridisations",
            "chirality",
            "masses",
            "aromatic",
            "in_ring",
        ):
            assert np.array_equal(getattr(graph, name), getattr(other, name)), name


def test_enantiomers_turn_the_other_way_and_what_was_not_said_is_told_apart():
    one, other, unknown = (
        molecular_graph(smiles, max_atoms=100).chirality
        for smiles in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O")
    )
    assert sorted((one + other).tolist()) == [0, 0, 0, 0, 0, 3]
    assert one.max() in (1, 2)
    assert unknown.tolist() == [0] * 6


def test_conjugation_hydrogens_hybridisation_and_mass_are_read_off():
    graph = molecular_graph("[13CH2]=CC=C", max_atoms=10)
    assert graph.bond_conjugated.tolist() == [True, True, True]
    assert sorted(graph.hydrogens.tolist()) == [1, 1, 2, 2]
    assert {HYBRIDISATIONS[place] for place in graph.hybridisations} == {HybridizationType.SP2}
    assert sorted(graph.masses.round(1).tolist()) == pytest.approx([12.0, 12.0, 12.0, 13.0], abs=0.05)


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
