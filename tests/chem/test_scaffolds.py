from __future__ import annotations

import json
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from hyperpcm.chem import murcko_scaffold, standardise
from hyperpcm.errors import InvalidSmilesError

DEEPDTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1"),
        ("CC(=O)Nc1ccc(cc1)C(=O)c1ccncc1", "O=C(c1ccccc1)c1ccncc1"),
        ("CN1CCC[C@H]1c1cccnc1", "c1cncc(C2CCCN2)c1"),
        ("CCCCO", ""),
        ("C", ""),
    ],
)
def test_side_chains_and_stereo_are_left_out(smiles, scaffold):
    assert murcko_scaffold(smiles) == scaffold


def test_generic_scaffolds_of_one_topology_are_equal():
    ketone, amide = "O=C(c1ccccc1)c1ccncc1", "c1ccc(NC2CCCCC2)cc1"
    assert murcko_scaffold(ketone) != murcko_scaffold(amide)
    assert (
        murcko_scaffold(ketone, generic=True) == murcko_scaffold(amide, generic=True) == "C1CCC(CC2CCCCC2)CC1"
    )
    assert murcko_scaffold("CCCCO", generic=True) == ""


def test_stereoisomers_and_isotopologues_share_a_scaffold():
    forms = ["C[C@H]1CC[C@@H](N)CC1", "C[C@@H]1CC[C@@H](N)CC1", "[13CH3]C1CCC(N)CC1", "C[13CH]1CCC(N)CC1"]
    assert {murcko_scaffold(one) for one in forms} == {"C1CCCCC1"}


def test_an_atom_that_carbon_cannot_stand_for_keeps_its_element():
    phosphorane = "O1CCOP12(OCCO2)c1ccccc1"
    assert murcko_scaffold(phosphorane, generic=True) == "C1CCC(P23(CCCC2)CCCC3)CC1"


def test_scaffolds_of_real_compounds_equal_those_of_rdkit(mirror: Path):
    texts = json.loads((mirror / DEEPDTA / "kiba/ligands_iso.txt").read_text()).values()
    for text in list(texts)[::20]:
        smiles = standardise(text).smiles
        molecule = Chem.MolFromSmiles(smiles)
        Chem.RemoveStereochemistry(molecule)
        exact = MurckoScaffold.GetScaffoldForMol(molecule)
        assert murcko_scaffold(smiles) == Chem.MolToSmiles(exact, isomericSmiles=False)
        generic = MurckoScaffold.GetScaffoldForMol(MurckoScaffold.MakeScaffoldGeneric(exact))
        assert murcko_scaffold(smiles, generic=True) == Chem.MolToSmiles(generic, isomericSmiles=False)


def test_an_unreadable_text_is_refused():
    with pytest.raises(InvalidSmilesError, match="PARSE"):
        murcko_scaffold("C1CC")
