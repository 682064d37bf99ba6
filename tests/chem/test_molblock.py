from __future__ import annotations

import pytest
from rdkit import Chem

from hyperpcm.chem.molblock import MAX_CHARACTERS, smiles_of_molblock
from hyperpcm.errors import InvalidSmilesError


@pytest.mark.parametrize("smiles", ["CCO", "c1ccncc1", "C[C@H](N)C(=O)O", "[Na+].CC(=O)[O-]"])
@pytest.mark.parametrize("v3000", [False, True])
def test_a_mol_block_gives_the_smiles_it_was_made_of(smiles, v3000):
    molecule = Chem.MolFromSmiles(smiles)
    Chem.rdDepictor.Compute2DCoords(molecule)
    assert smiles_of_molblock(Chem.MolToMolBlock(molecule, forceV3000=v3000)) == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("", "PARSE"),
        ("x\n\n\nnothing\n", "PARSE"),
        ("x\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0 0.0 0.0 C\nM  END\n", "PARSE"),
        ("x\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n", "EMPTY"),
        ("x" * (MAX_CHARACTERS + 1), "TOO_LARGE"),
    ],
)
def test_what_is_no_mol_block_is_refused_with_its_code(block, code):
    with pytest.raises(InvalidSmilesError) as caught:
        smiles_of_molblock(block)
    assert caught.value.code == code


def test_nothing_is_written_to_stderr(capfd):
    with pytest.raises(InvalidSmilesError):
        smiles_of_molblock("x\n\n\nnothing\n")
    assert capfd.readouterr().err == ""
