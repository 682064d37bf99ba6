"""A molecule that is handed on is the one that reading the standardised SMILES gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from contracts import COMPOUNDS, ODD_COMPOUNDS
from hyperpcm.chem import standardise, standardise_all
from hyperpcm.chem.column import ColumnReader
from hyperpcm.chem.reading import is_plain, parse
from hyperpcm.errors import InvalidSmilesError
from small_models import many_smiles

WRITTEN = [
    *COMPOUNDS,
    *ODD_COMPOUNDS,
    *many_smiles(60),
    "OCC",
    "CC(=O)[O-].[Na+]",
    "CN(=O)=O",
    "c1ccc(-c2ccccc2N(=O)=O)cc1",
    "C[N+](=O)[O-]",
    "O=[N+]([O-])c1ccc([O-])cc1",
    "CN=[N+]=[N-]",
    "C[C@H](N)C(=O)O",
    "F/C=C/F",
    "[CH3:1]O",
    "[2H]C",
    "[H]/N=C(/C)CC",
    "Clc1ccccc1",
    "ClCl",
    "C1CC",
    "*C",
    "",
]


def outcome(text: str) -> object:
    try:
        return standardise(text)
    except InvalidSmilesError as error:
        return error.code


def test_a_reader_gives_what_standardise_gives_and_a_column_too():
    reader = ColumnReader()
    alone = [outcome(text) for text in WRITTEN]
    read = [reader.read(text)[0] for text in WRITTEN]
    assert [one.code if isinstance(one, InvalidSmilesError) else one for one in read] == alone
    compounds, rejections = standardise_all(WRITTEN)
    assert compounds == [None if isinstance(one, str) else one for one in alone]
    assert [one.code for one in rejections] == [one for one in alone if isinstance(one, str)]


@pytest.mark.parametrize("stereo", [True, False])
def test_a_molecule_is_handed_on_where_the_text_is_canonical_and_equals_a_fresh_one(stereo: bool):
    fingerprint = GetMorganGenerator(radius=3, fpSize=4096).GetCountFingerprintAsNumPy
    reader = ColumnReader(stereo=stereo)
    handed = 0
    for text in dict.fromkeys(WRITTEN):
        compound, molecule = reader.read(text)
        if isinstance(compound, InvalidSmilesError):
            assert molecule is None
            continue
        assert (molecule is not None) == (compound.smiles == text)
        if molecule is None:
            continue
        handed += 1
        fresh = Chem.MolFromSmiles(compound.smiles)
        assert [atom.GetSmarts() for atom in molecule.GetAtoms()] == [
            atom.GetSmarts() for atom in fresh.GetAtoms()
        ]
        assert np.array_equal(fingerprint(molecule), fingerprint(fresh))
        if stereo:
            assert Chem.rdMolDescriptors.CalcNumAtomStereoCenters(
                molecule
            ) == Chem.rdMolDescriptors.CalcNumAtomStereoCenters(fresh)
    assert handed > 20


def test_a_text_that_is_there_again_is_not_worked_on_again():
    reader = ColumnReader()
    first, molecule = reader.read("CCO")
    again, none = reader.read("CCO")
    assert again is first
    assert molecule is not None
    assert none is None


def test_reading_without_stereo_writes_the_same_smiles():
    readable = [text for text in WRITTEN if is_plain(text) and not isinstance(outcome(text), str)]
    assert len(readable) > 30
    for text in readable:
        expected = Chem.MolToSmiles(Chem.MolFromSmiles(text))
        assert Chem.MolToSmiles(parse(text, 300, stereo=False)) == expected


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("CCO", True),
        ("c1cc[nH]c1", True),
        ("c1ccc(-c2ccccc2)cc1", True),
        ("C[C@H](N)O", False),
        ("F/C=C/F", False),
        ("C.C", False),
        ("C[N+](C)(C)C", False),
        ("[2H]C", False),
        ("[CH3:1]C", False),
    ],
)
def test_plain_is_what_has_no_stereo_and_no_bracket_but_that_of_pyrrole(text: str, plain: bool):
    assert is_plain(text) is plain
