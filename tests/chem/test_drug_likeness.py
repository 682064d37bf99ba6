"""QED and its screen, and the indices over pairs of atoms, with the digits of RDKit's own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED, GraphDescriptors
from rdkit.Chem.EState import EState

from contracts import COMPOUNDS, ODD_COMPOUNDS
from hyperpcm.chem.drug_likeness import drug_likeness, weighed_properties
from hyperpcm.chem.query_screen import QueryScreen, atom_kinds
from hyperpcm.chem.topological_indices import balaban_j, electrotopological_states
from small_models import many_smiles

# Each alert that a screen by elements could lose: halides, charges, isotopes, peroxides, thiols, many rings.
ALARMING = [
    "O=C(Cl)C",
    "CCBr",
    "C#CC(=O)C",
    "COOC",
    "CSSC",
    "NN",
    "C=S",
    "C[N+](=O)[O-]",
    "[15NH2]C",
    "[13CH4]",
    "C[S-]",
    "CN=[N+]=[N-]",
    "C1OC1",
    "O=C1C=CC(=O)C=C1",
    "FC(F)(F)S(=O)(=O)OC",
    "CP",
    "C[Si](C)(C)Cl",
    "O=C=NC",
    "c1ccc(C(c2ccccc2)c2ccccc2)cc1",
    "[H]/N=C(/C)CC",
]
MOLECULES = [Chem.MolFromSmiles(text) for text in (*COMPOUNDS, *ODD_COMPOUNDS, *ALARMING, *many_smiles(40))]


def test_drug_likeness_is_that_of_rdkit_to_the_last_bit():
    for molecule in MOLECULES:
        ours = drug_likeness(molecule, weighed_properties(molecule), atom_kinds(molecule))
        assert ours == QED.qed(Chem.Mol(molecule)), Chem.MolToSmiles(molecule)[:80]


def test_a_screen_leaves_no_query_out_that_matches_and_many_that_do_not():
    queries = [*QED.StructuralAlerts, *QED.Acceptors]
    screen = QueryScreen(queries)
    searched = 0
    for molecule in MOLECULES:
        possible = screen.possible(atom_kinds(molecule))
        places = {id(query) for query in possible}
        searched += len(possible)
        for query in queries:
            assert id(query) in places or not molecule.HasSubstructMatch(query), Chem.MolToSmarts(query)
    assert searched < 0.6 * len(queries) * len(MOLECULES)


@pytest.mark.parametrize(
    ("smarts", "smiles", "possible"),
    [
        ("[CX4][Cl,Br]", "CCBr", True),
        ("[CX4][Cl,Br]", "CCI", False),
        ("[CX4][Cl,Br]", "Brc1ccccc1", False),
        ("[OH]", "COC", False),
        ("[13C]", "CC", False),
        ("[N+]", "CN", False),
        ("[!C]", "CC", True),  # what is not understood is taken as fulfilled
        ("[$(CC)]=O", "CC=O", True),
    ],
)
def test_a_screen_reads_elements_charges_isotopes_hydrogens_and_neighbours(smarts, smiles, possible):
    screen = QueryScreen([Chem.MolFromSmarts(smarts)])
    assert bool(screen.possible(atom_kinds(Chem.MolFromSmiles(smiles)))) is possible


def test_indices_over_pairs_are_those_of_rdkit_to_the_last_bit():
    states: Any = EState.EStateIndices
    balaban: Any = GraphDescriptors.BalabanJ
    for molecule in MOLECULES:
        expected = states(Chem.Mol(molecule))
        assert np.array_equal(electrotopological_states(molecule), expected, equal_nan=True)
        assert balaban_j(molecule) == balaban(Chem.Mol(molecule))
