"""Substitutions: read, refused with what stands there instead, hinted at another numbering, enumerated."""

from __future__ import annotations

import pytest

from hyperpcm.errors import InputError
from hyperpcm.protein import (
    check_mutations,
    fitting_starts,
    mutated,
    parse_mutation,
    single_substitutions,
)

WILD = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T315I", "T315I"),
        (" t315i ", "T315I"),
        ("L858R/T790M", "T790M/L858R"),
        ("L858R+T790M", "T790M/L858R"),
        ("V559D-T670I", "V559D/T670I"),
        ("L858RT790M", "T790M/L858R"),
    ],
)
def test_a_mutation_is_read_in_the_ways_it_is_written(text: str, expected: str):
    assert str(parse_mutation(text)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no substitution"),
        ("315", "no substitution"),
        ("T315", "no substitution"),
        ("E746_A750del", "no substitution"),
        ("T315I/", "no substitution"),
        ("T315B", "B is none of the 20"),
        ("T315T", "by itself"),
        ("T315I/T315V", "one position twice"),
    ],
)
def test_what_is_no_mutation_is_refused(text: str, says: str):
    with pytest.raises(InputError, match=says):
        parse_mutation(text)


def test_substitutions_are_made_where_they_are_numbered():
    made = mutated(WILD, parse_mutation("T3S/Y5F"))
    assert [(place, made[place]) for place in range(len(WILD)) if made[place] != WILD[place]] == [
        (2, "S"),
        (4, "F"),
    ]
    assert mutated(WILD, parse_mutation("T203S/Y205F"), first=201) == made


def test_a_position_outside_is_refused_with_the_residues_there_are():
    with pytest.raises(InputError, match="no residue 57; the sequence has the residues 1 to 56"):
        mutated(WILD, parse_mutation("T57S"))
    with pytest.raises(InputError, match="no residue 3; the sequence has the residues 201 to 256"):
        mutated(WILD, parse_mutation("T3S"), first=201)


def test_another_residue_is_refused_with_the_one_that_stands_there():
    with pytest.raises(InputError, match=r"T2S: residue 2 is K, not T\. Check the sequence"):
        mutated(WILD, parse_mutation("T2S"))


def test_a_constant_shift_of_all_positions_is_hinted_at():
    wanted = [parse_mutation(one) for one in ("T203S", "Y205F", "Q209A")]
    assert fitting_starts(WILD, wanted) == (201,)
    with pytest.raises(InputError, match=r"All 3 positions fit where .* 201: use --first 201"):
        check_mutations(WILD, wanted)
    check_mutations(WILD, wanted, first=201)


def test_starts_below_one_are_found_and_the_least_shift_comes_first():
    repeated = "AKTAKTAKT"
    wanted = [parse_mutation("K1A"), parse_mutation("T2A")]
    starts = fitting_starts(repeated, wanted)
    assert starts == (0, -3, -6)
    for start in starts:
        check_mutations(repeated, wanted, first=start)


def test_where_no_shift_fits_the_message_says_so():
    with pytest.raises(InputError, match=r"With no other number .* check the sequence"):
        check_mutations(WILD, [parse_mutation("W3S"), parse_mutation("W5F")])


def test_all_substitutions_of_a_position_are_the_19_others():
    found = single_substitutions(WILD, "3, 5-6")
    assert len(found) == len(set(found)) == 3 * 19
    assert [one.substitutions[0].position for one in found[::19]] == [3, 5, 6]
    made = {mutated(WILD, one)[2] for one in found[:19]}
    assert made == set("ACDEFGHIKLMNPQRSTVWY") - {"T"}


def test_a_position_named_twice_counts_once():
    assert single_substitutions(WILD, "3,3,2-4") == single_substitutions(WILD, "2-4")


@pytest.mark.parametrize("positions", ["", "x", "3-", "5-3", "0", "50-57", "1,99"])
def test_positions_that_do_not_exist_are_refused(positions: str):
    with pytest.raises(InputError):
        single_substitutions(WILD, positions)


def test_positions_follow_the_numbering_of_the_sequence():
    assert str(single_substitutions(WILD, "-2", first=-2)[0]) == "M-2A"
    assert str(single_substitutions(WILD, "-1-0", first=-2)[-1]) == "T0Y"
