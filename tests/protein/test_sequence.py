from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.errors import InvalidSequenceError
from hyperpcm.protein import Target, validate_sequence
from hyperpcm.protein.sequence import AMINO_ACIDS, MAX_RESIDUES

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"


def refusal(text: object) -> InvalidSequenceError:
    with pytest.raises(InvalidSequenceError) as caught:
        validate_sequence(text)
    return caught.value


def test_a_clean_sequence_comes_back_unchanged():
    assert validate_sequence(UBIQUITIN, name="UBB") == Target(UBIQUITIN, "UBB", ())


@pytest.mark.parametrize("text", ["", "  ", "\n\r\n", "\ufeff", "*", " * "])
def test_blank_text_is_refused_as_empty(text):
    assert refusal(text).code == "EMPTY"


@pytest.mark.parametrize("missing", [None, math.nan, 12, b"MKT"])
def test_a_value_that_is_not_text_is_refused(missing):
    assert refusal(missing).code == "TYPE"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (UBIQUITIN.lower(), ("UPPER_CASED",)),
        (UBIQUITIN[:40] + "\r\n" + UBIQUITIN[40:] + "\n", ("SPACES_REMOVED",)),
        (UBIQUITIN[:10] + " " + UBIQUITIN[10:], ("SPACES_REMOVED",)),
        (UBIQUITIN + "*", ("STOP_REMOVED",)),
        (UBIQUITIN + "*\n", ("STOP_REMOVED",)),
        ("\ufeff  " + UBIQUITIN + "\t", ()),
        ("mqi\n" + UBIQUITIN[3:] + "*", ("UPPER_CASED", "SPACES_REMOVED", "STOP_REMOVED")),
    ],
)
def test_harmless_forms_are_mended_and_the_mending_recorded(text, changes):
    assert validate_sequence(text) == Target(UBIQUITIN, "", changes)


@pytest.mark.parametrize(
    ("text", "position", "word"),
    [
        ("MKT-AYI", 4, "gap"),
        ("MK.AYI", 3, "gap"),
        ("MKTA*YI", 5, "stop"),
        ("MKTAYI**", 7, "stop"),
        ("1 MKT", 1, "digit"),
        ("M K T\nA 7", 5, "digit"),
        ("MKT@", 4, "20 standard letters"),
        ("MKß", 3, "20 standard letters"),
        ("MK\u0410", 3, "20 standard letters"),
        ("M\x00K", 2, "20 standard letters"),
    ],
)
def test_what_is_no_residue_is_refused_with_its_position(text, position, word):
    error = refusal(text)
    assert (error.code, error.position) == ("BAD_RESIDUE", position)
    assert word in error.reason
    assert f"residue {position}" in error.reason


def test_every_standard_and_ambiguous_letter_is_accepted():
    assert validate_sequence(AMINO_ACIDS) == Target(AMINO_ACIDS)
    for letter in "BJOUXZ":
        target = validate_sequence(UBIQUITIN + letter)
        assert target == Target(UBIQUITIN + letter, "", ("NON_STANDARD",))


@pytest.mark.parametrize("text", ["ACGT" * 8, "acguacguuuacgaaacgcgcgcguuuacg", "ATG" + "N" * 27])
def test_a_nucleic_acid_is_refused_with_a_hint(text):
    error = refusal(text)
    assert error.code == "NUCLEIC"
    assert "DNA or RNA" in error.reason


def test_a_short_peptide_of_the_same_letters_is_a_protein():
    assert validate_sequence("ACGT" * 7).sequence == "ACGT" * 7


def test_more_than_a_fifth_of_unknown_residues_is_flagged():
    assert "MANY_UNKNOWN" not in validate_sequence("AAAAXAAAAX").changes
    assert "MANY_UNKNOWN" in validate_sequence("AAAAXAAAXX").changes


def test_one_to_five_residues_are_flagged_as_short():
    assert validate_sequence("MKTAY").changes == ("TOO_SHORT",)
    assert validate_sequence("MKTAYI").changes == ()


def test_titin_passes_and_a_concatenated_proteome_does_not():
    letters = "".join(random.Random(0).choices(AMINO_ACIDS, k=MAX_RESIDUES + 1))
    assert len(validate_sequence(letters[:35_000]).sequence) == 35_000
    assert len(validate_sequence(letters[:-1]).sequence) == MAX_RESIDUES
    assert refusal(letters).code == "TOO_LONG"


@given(st.text(alphabet=AMINO_ACIDS + "acdxuXU \n*-", max_size=40))
def test_an_accepted_sequence_is_accepted_again_as_it_is(text):
    try:
        sequence = validate_sequence(text).sequence
    except InvalidSequenceError:
        return
    again = validate_sequence(sequence)
    assert again.sequence == sequence
    assert not {"UPPER_CASED", "SPACES_REMOVED", "STOP_REMOVED"} & set(again.changes)
