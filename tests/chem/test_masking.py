"""Compounds with a wildcard in the place of one atom."""

from __future__ import annotations

import pytest
from rdkit import Chem

from hyperpcm.chem import standardise
from hyperpcm.chem.masking import masked_smiles
from hyperpcm.errors import InvalidSmilesError
from small_models import SMILES

DRUGS = (
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "C[C@H](Oc1cc(-c2cnn(C3CCNCC3)c2)cnc1N)c1c(Cl)ccc(F)c1Cl",
    "CS(=O)(=O)c1ccc(-c2cc3[nH]ccc3s2)cc1",
    "O=[N+]([O-])c1ccc(/C=C/C#N)cc1",
    "Cn1nccc1-c1n[nH]c2ccccc12",
)


@pytest.mark.parametrize("smiles", [*SMILES, *DRUGS])
def test_the_others_keep_their_elements_and_bonds(smiles: str):
    smiles = standardise(smiles).smiles
    whole = Chem.MolFromSmiles(smiles)
    masked = masked_smiles(smiles)
    assert len(masked) == whole.GetNumAtoms()
    for atom, text in zip(whole.GetAtoms(), masked, strict=True):
        found = Chem.MolFromSmiles(text)
        others = sorted(one.GetSymbol() for one in whole.GetAtoms() if one.GetIdx() != atom.GetIdx())
        assert sorted(one.GetSymbol() for one in found.GetAtoms() if one.GetAtomicNum()) == others
        (wildcard,) = [one for one in found.GetAtoms() if not one.GetAtomicNum()]
        assert (found.GetNumBonds(), wildcard.GetDegree()) == (whole.GetNumBonds(), atom.GetDegree())


def test_the_order_is_that_of_the_text():
    assert masked_smiles("CCO") == ["*CO", "C*O", "*CC"]
    assert masked_smiles("[Na+]") == ["*"]


def test_what_is_no_compound_is_refused():
    with pytest.raises(InvalidSmilesError):
        masked_smiles("not a molecule")
