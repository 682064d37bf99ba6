"""Graphs side by side in tensors: nothing is lost, and any of them can be taken out again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contracts import COMPOUNDS
from hyperpcm.chem.molecular_graph import molecular_graph
from hyperpcm.nn.molecular_graphs import ATOM_CLASSES, BOND_CLASSES, MolecularGraphs

ODD = ["[Na+].[Cl-]", "[235U]", "*C", "[Fe+3]", "F[P-](F)(F)(F)(F)F", "N->[Pt]", "C[SiH3]", "[CH3]", "[H][H]"]


def graphs_of(smiles: list[str]) -> MolecularGraphs:
    return MolecularGraphs.of_smiles(smiles)


def same(one: MolecularGraphs, other: MolecularGraphs) -> bool:
    return all(torch.equal(first, second) for first, second in zip(one, other, strict=True))


def test_each_compound_keeps_its_atoms_bonds_and_their_ends():
    graphs = graphs_of(COMPOUNDS)
    assert graphs.number == len(COMPOUNDS)
    owners, atoms_of_bonds = graphs.owners(), graphs.atoms_of_bonds()
    first_bond = 0
    for place, smiles in enumerate(COMPOUNDS):
        graph = molecular_graph(smiles, max_atoms=500)
        own = torch.nonzero(owners == place)[:, 0]
        assert len(own) == graph.size
        np.testing.assert_array_equal(graphs.masses[own].numpy(), graph.masses)
        bonds = atoms_of_bonds[first_bond : first_bond + len(graph.bonds)]
        np.testing.assert_array_equal(bonds.numpy() - int(own[0]), graph.bonds)
        first_bond += len(graph.bonds)
    assert first_bond == len(graphs.bonds)


def test_some_of_them_are_what_they_would_be_alone_in_any_order_and_again():
    graphs = graphs_of(COMPOUNDS)
    chosen = [3, 0, 3, len(COMPOUNDS) - 1]
    assert same(graphs.take(torch.tensor(chosen)), graphs_of([COMPOUNDS[place] for place in chosen]))
    assert same(graphs.take(torch.arange(len(COMPOUNDS))), graphs)


def test_none_of_them_is_no_graph():
    graphs = graphs_of(COMPOUNDS).take(torch.empty(0, dtype=torch.int64))
    assert graphs.number == 0
    assert same(graphs, MolecularGraphs.of([]))
    assert graphs.atoms_of_bonds().shape == (0, 2)


@pytest.mark.parametrize("smiles", ODD)
def test_every_class_is_one_of_those_there_are(smiles: str):
    graphs = graphs_of([smiles])
    assert (graphs.atoms < torch.tensor(ATOM_CLASSES)).all()
    assert (graphs.bonds < torch.tensor(BOND_CLASSES)).all()


def test_what_is_not_known_is_one_class_of_its_own():
    uranium, thorium = graphs_of(["[235U]"]), graphs_of(["[Th]"])
    assert torch.equal(uranium.atoms, thorium.atoms)
    assert uranium.atoms[0, 0] == ATOM_CLASSES[0] - 1
    assert uranium.masses[0] == pytest.approx(235, abs=0.1)
    dative = graphs_of(["N->[Pt]"])
    assert dative.bonds[0, 0] == BOND_CLASSES[0] - 1
