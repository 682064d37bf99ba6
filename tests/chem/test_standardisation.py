from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem.Descriptors import MolWt

from hyperpcm.chem import Compound, standardise, standardise_all
from hyperpcm.errors import InvalidSmilesError

DEEPDTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"
ODD = [
    "C[N+](C)(C)CC(=O)[O-]",
    "[NH3+]CC(=O)[O-]",
    "O=[N+]([O-])c1ccccc1",
    "CC(=O)[O-].[Na+]",
    "C[C@H]([NH3+])C([O-])=O",
    "[O-]c1cc[n+](C)cc1",
    "C[n+]1cccc2cc([O-])ccc21",
    "[O-]C(=O)/C=C/C(=O)[O-].[K+].[K+]",
    "[13CH3]C([2H])([2H])O",
    "[H:1]C([H])([H])[OH:2]",
    "OC[C@@H](O)[C@H](O)CO.Cl",
    "[B-](F)(F)(F)c1ccccc1.[K+]",
    "[O-][S+](C)c1ccccc1",
    "C[S@@+]([O-])c1ccc(C)cc1",
    "[C-]#[N+]c1ccccc1",
    "c1ccc2[n-]cnc2c1.[Li+]",
    "[O-]P([O-])(=O)OC[C@H]1O[C@H](n2cnc3c(N)ncnc32)[C@H](O)[C@@H]1O",
    "CC[N+](CC)(CC)CC.[Br-]",
    "F[C@H]([O-])[O-]",
    "O=C1C=CC=C1[CH-]c1ccccc1",
    "CCOC(=O)[C-]1SC(=NC1=O)C1=CC=NC(N)=N1",
    "COC1=CC2=C([CH-]C3=C(NN=C23)C2=CC=C(C=C2)C#N)C=C1",
    "[cH-]1cccc1.[Na+]",
]


def code_of(smiles: object, **options: int) -> str:
    with pytest.raises(InvalidSmilesError) as caught:
        standardise(smiles, **options)
    return caught.value.code


@pytest.fixture(scope="module")
def real_smiles(mirror: Path) -> list[str]:
    texts: list[str] = []
    for name, file in (("davis", "ligands_iso.txt"), ("kiba", "ligands_iso.txt")):
        texts += json.loads((mirror / DEEPDTA / name / file).read_text()).values()
    return texts


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\ufeff", "\xa0"])
def test_blank_text_is_refused_as_empty(text):
    assert code_of(text) == "EMPTY"


@pytest.mark.parametrize("text", ["C1CC", "C(C", "[C", "CC)", "NA", "None", "x", "hello"])
def test_text_that_is_not_smiles_is_refused(text):
    assert code_of(text) == "PARSE"


@pytest.mark.parametrize("text", ["C(C)(C)(C)(C)C", "c1cccc1", "[CH6]", "FCl(F)(F)(F)(F)(F)(F)F"])
def test_impossible_valence_or_aromaticity_is_told_from_bad_text(text):
    assert code_of(text) == "SANITIZE"


@pytest.mark.parametrize("text", ["CCO ethanol", "CCO\tx", "CCO\nCCN", "CCO |$a;b;c$|", "CCO\xa0x"])
def test_text_after_the_smiles_is_refused(text):
    assert code_of(text) == "TRAILING_TEXT"


@pytest.mark.parametrize("text", ["  CCO ", "\ufeffCCO", "CCO\xa0", "\xa0 \ufeff\u200bCCO\r\n"])
def test_white_space_and_invisible_marks_at_the_ends_are_cut(text):
    assert standardise(text) == Compound("CCO", "CCO")


@pytest.mark.parametrize("text", ["C\x00C", "\x00CC", "C\x07C", "C\x1bC"])
def test_inner_control_characters_are_refused(text):
    assert code_of(text) == "PARSE"


@pytest.mark.parametrize(
    ("text", "name"), [("\u0421CO", "CYRILLIC"), ("C\u2013C", "EN DASH"), ("C\uff1dC", "FULLWIDTH")]
)
def test_a_look_alike_letter_is_named_with_its_place(text, name):
    with pytest.raises(InvalidSmilesError, match=f"character [12] is {name}") as caught:
        standardise(text)
    assert caught.value.code == "PARSE"


@pytest.mark.parametrize(
    "text", ["CC>>CO", "CC>O>CO", "[#6]~[#8]", "C~C", "*C", "[*:1]C", "[1*]C", "[C;R]", "[C,N]", "[!C]"]
)
def test_reactions_queries_and_dummy_atoms_are_unsupported(text):
    assert code_of(text) == "UNSUPPORTED"


@pytest.mark.parametrize("text", ["[Fe+2]", "[Na+].[Cl-]", "O", "N", "[H][H]", "OS(=O)(=O)O"])
def test_a_text_without_carbon_has_no_organic_part(text):
    assert code_of(text) == "NO_ORGANIC"


@pytest.mark.parametrize(
    ("missing", "kind"), [(None, "NoneType"), (math.nan, "float"), (7, "int"), (b"C", "bytes")]
)
def test_a_value_that_is_not_text_is_refused_by_its_type(missing, kind):
    with pytest.raises(InvalidSmilesError, match=kind) as caught:
        standardise(missing)
    assert caught.value.code == "TYPE"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("Cl.CCN", "CCN"),
        ("OC(=O)c1ccccc1.[O-][Cl](=O)(=O)=O.[OH-].O.O.O.O.O.O.O", "O=C(O)c1ccccc1"),
        ("FC(F)F.OS(=O)(=O)OS(=O)(=O)O", "FC(F)F"),
    ],
)
def test_the_largest_fragment_with_carbon_is_kept(text, kept):
    compound = standardise(text)
    assert compound.smiles == kept
    assert "FRAGMENT_STRIPPED" in compound.changes


def test_of_equally_large_fragments_the_heavier_is_kept_in_whatever_order_they_stand():
    assert standardise("CCO.CCS").smiles == standardise("CCS.CCO").smiles == "CCS"
    assert MolWt(Chem.MolFromSmiles("CCS")) > MolWt(Chem.MolFromSmiles("CCO"))
    assert standardise("CC=CO.C=COC").smiles == standardise("C=COC.CC=CO").smiles == "C=COC"


def test_ring_bonds_across_a_dot_make_one_fragment():
    assert standardise("C1.C1") == Compound("CC", "C1.C1")


@pytest.mark.parametrize(
    ("text", "neutral", "changes"),
    [
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O", ("NEUTRALISED",)),
        ("C[NH+](C)C", "CN(C)C", ("NEUTRALISED",)),
        ("C[N+](=O)[O-]", "C[N+](=O)[O-]", ()),
        ("C[N+](C)(C)C", "C[N+](C)(C)C", ()),
        ("[CH3:1][OH:2]", "CO", ("ATOM_MAP_REMOVED",)),
        ("[NH3+:3]C.[Cl-]", "CN", ("ATOM_MAP_REMOVED", "FRAGMENT_STRIPPED", "NEUTRALISED")),
    ],
)
def test_only_charges_that_hydrogen_can_mend_are_removed_and_each_change_is_recorded(text, neutral, changes):
    assert standardise(text) == Compound(neutral, text, changes)


def test_an_aromatic_anion_is_neutralised_though_its_aromaticity_goes():
    assert standardise("[cH-]1cccc1.[Na+]").smiles == standardise("C1C=CC=C1").smiles
    indeno = "COC1=CC2=C([CH-]C3=C(NN=C23)C2=CC=C(C=C2)C#N)C=C1"
    assert standardise(indeno).smiles == standardise(indeno.replace("[CH-]", "C")).smiles


def test_isotopes_are_kept_and_explicit_hydrogen_is_not():
    assert standardise("[H]C([H])([H])[13CH3]").smiles == "C[13CH3]"
    assert standardise("[2H]OC").smiles == "[2H]OC"


def test_stereo_is_part_of_the_identity_only_when_kept():
    left, right = "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"
    assert standardise(left).smiles != standardise(right).smiles
    flat = [standardise(text, keep_stereo=False) for text in (left, right)]
    assert {one.smiles for one in flat} == {"CC(N)C(=O)O"}
    assert flat[0].changes == ("STEREO_REMOVED",)
    assert standardise("C[13CH](F)/C=C/F", keep_stereo=False).smiles == "C[13CH](F)C=CF"


@pytest.mark.parametrize("text", ["F/C(\\Cl)=C/F", "C[C@H](F)C", "C/C=C/C(\\F)=C\\C"])
def test_stereo_marks_that_contradict_or_mean_nothing_are_recorded(text):
    assert standardise(text).changes == ("STEREO_DROPPED",)


@pytest.mark.parametrize("text", ["C/C(F)=C(\\C)/Br", "F/C=C/F", "F[C@H](Cl)Br", "F/C=C/F.F[C@H](Cl)C(Br)Br"])
def test_sound_stereo_is_not_reported_as_dropped(text):
    assert "STEREO_DROPPED" not in standardise(text).changes


@pytest.mark.parametrize("text", ["C" * 301, "C" * 5000, "C1CC1" * 101, ".".join("C" * 301)])
def test_an_oversized_text_is_refused_at_once(text):
    began = time.perf_counter()
    assert code_of(text) == "TOO_LARGE"
    assert time.perf_counter() - began < 0.1


def test_the_size_limit_itself_is_accepted_and_can_be_moved():
    assert standardise("C" * 300).smiles == "C" * 300
    assert code_of("CCCC", max_atoms=3) == "TOO_LARGE"
    assert code_of("CCCC", max_characters=3) == "TOO_LARGE"
    assert code_of("C" * 5000, max_characters=10_000) == "TOO_LARGE"


def square_lattice(side: int) -> str:
    lattice = Chem.RWMol()
    for _ in range(side * side):
        lattice.AddAtom(Chem.Atom(6))
    for place in range(side * side):
        if place % side:
            lattice.AddBond(place - 1, place, Chem.BondType.SINGLE)
        if place >= side:
            lattice.AddBond(place - side, place, Chem.BondType.SINGLE)
    return Chem.MolToSmiles(lattice)


def test_a_pathological_ring_system_is_refused_before_its_rings_are_perceived():
    small, huge = square_lattice(12), square_lattice(40)  # 144 atoms in 121 rings; 1,600 in 1,521
    began = time.perf_counter()
    assert code_of(small) == "TOO_LARGE"
    assert code_of(huge, max_atoms=5000, max_characters=50_000) == "TOO_LARGE"
    assert time.perf_counter() - began < 0.5


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ODD), st.integers(0, 10_000))
def test_every_way_of_writing_an_odd_molecule_has_one_identity(text, seed):
    once = standardise(text).smiles
    rewritten = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 1, randomSeed=seed + 1)[0]
    assert standardise(rewritten).smiles == once
    assert standardise(once) == Compound(once, once)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="CNOcnos123()[]=#@+-/\\.H%Fl ", max_size=25))
def test_any_text_is_either_refused_or_standardised_once_and_for_all(text):
    try:
        once = standardise(text).smiles
    except InvalidSmilesError:
        return
    assert standardise(once).smiles == once


def test_real_compounds_standardise_once_and_for_all_and_fast(real_smiles):
    began = time.perf_counter()
    compounds, rejections = standardise_all(real_smiles)
    assert time.perf_counter() - began < 10
    assert rejections == []
    assert len(compounds) == 68 + 2111
    for compound in compounds:
        assert standardise(compound.smiles).smiles == compound.smiles


def test_real_compounds_keep_their_identity_however_they_are_written(real_smiles):
    for seed, text in enumerate(real_smiles[::7], start=1):
        rewritten = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 1, randomSeed=seed)[0]
        assert standardise(rewritten).smiles == standardise(text).smiles


def test_flat_real_compounds_are_idempotent_too(real_smiles):
    for text in real_smiles[::5]:
        flat = standardise(text, keep_stereo=False).smiles
        assert standardise(flat, keep_stereo=False) == Compound(flat, flat)
        assert standardise(flat).smiles == flat


def test_no_row_of_a_column_is_lost_or_moved():
    told: list[int] = []
    compounds, rejections = standardise_all(["CCO", "", None, "OCC", "C1CC", "CCO"], progress=told.append)
    assert [one and one.smiles for one in compounds] == ["CCO", None, None, "CCO", None, "CCO"]
    assert [(one.row, one.text, one.code) for one in rejections] == [
        (1, "", "EMPTY"), (2, "None", "TYPE"), (4, "C1CC", "PARSE"),
    ]  # fmt: skip
    assert told == [6]


def test_a_rejection_shows_at_most_200_characters():
    _, rejections = standardise_all(["x" * 1000])
    assert rejections[0].text == "x" * 200


def test_the_literal_names_of_missing_values_are_text_and_not_missing():
    _, rejections = standardise_all(["NA", "N/A", "None", "nan", "N"])
    assert [one.code for one in rejections] == ["PARSE", "PARSE", "PARSE", "PARSE", "NO_ORGANIC"]


def test_rdkit_is_silent_meanwhile_and_not_afterwards(capfd):
    standardise_all(["C1CC", "c1cccc1", "F/C(\\Cl)=C/F", "C(C)(C)(C)(C)C"])
    assert capfd.readouterr() == ("", "")
    Chem.MolFromSmiles("C1CC")
    assert "unclosed ring" in capfd.readouterr().err
