"""Mutants among sequences: found by few substitutions, never through a gap, with the right wild type."""

from __future__ import annotations

import itertools
import random

import pytest

from hyperpcm.protein import mutant_pairs, mutated, near_identical, parse_mutation

GENERATOR = random.Random(3)
WILD = "".join(GENERATOR.choices("ACDEFGHIKLMNPQRSTVWY", k=300))
OTHER = "".join(GENERATOR.choices("ACDEFGHIKLMNPQRSTVWY", k=290))


def changed(sequence: str, *positions: int) -> str:
    """The sequence with another residue at some positions, from 1."""
    letters = list(sequence)
    for position in positions:
        letters[position - 1] = "W" if letters[position - 1] != "W" else "A"
    return "".join(letters)


def distance(one: str, other: str) -> int | None:
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else None


def test_pairs_are_those_that_a_comparison_of_all_finds():
    generator = random.Random(0)
    sequences = [WILD, OTHER, changed(WILD, 7), changed(WILD, 300), changed(OTHER, 1, 150, 290)]
    sequences += [changed(WILD, *generator.sample(range(1, 301), count)) for count in (2, 4, 5, 6, 9)]
    found = {
        (pair.wild_type, pair.mutant): len(pair.mutation.substitutions) for pair in near_identical(sequences)
    }
    expected = {}
    for (i, one), (j, other) in itertools.combinations(enumerate(sequences), 2):
        apart = distance(one, other)
        if apart is not None and 0 < apart <= 5:
            expected[i, j] = apart
    assert found == expected
    assert len(expected) > 6


def test_a_mutation_makes_the_mutant_of_the_wild_type():
    for positions in ((1,), (300,), (50, 51, 52, 250)):
        (pair,) = near_identical([WILD, changed(WILD, *positions)])
        assert mutated(WILD, pair.mutation) == changed(WILD, *positions)
        assert [one.position for one in pair.mutation.substitutions] == list(positions)


def test_a_sequence_with_some_residues_more_at_its_ends_is_found_in_its_own_numbering():
    longer = "MG" + changed(WILD, 120) + "H"
    (pair,) = near_identical([longer, WILD])
    assert (pair.wild_type, pair.mutant, pair.shift) == (0, 1, -2)
    assert [one.position for one in pair.mutation.substitutions] == [122]
    turned = pair.turned()
    assert [str(one) for one in turned.mutation.substitutions] == [f"{WILD[119]}120{longer[121]}"]


@pytest.mark.parametrize(
    "other",
    [
        WILD[:100] + WILD[105:],  # a deletion
        WILD[:100] + "GG" + WILD[100:],  # an insertion
        WILD[:280],  # too much is missing
        WILD + "GSGSGSGS" * 2,
        changed(WILD, *range(10, 70, 10)),  # six substitutions
        WILD[1:],  # nothing but the end differs
    ],
)
def test_what_differs_by_more_than_substitutions_is_no_mutant(other: str):
    assert near_identical([WILD, other]) == []


def test_the_wild_type_is_what_the_others_are_nearest_to():
    sequences = [changed(WILD, 10), changed(WILD, 10, 20), WILD, OTHER, changed(WILD, 30), changed(WILD, 200)]
    found = mutant_pairs(sequences, list("abcdef"))
    assert {(pair.wild_type, pair.mutant) for pair in found} == {(2, 0), (2, 1), (2, 4), (2, 5)}
    assert [len(pair.mutation.substitutions) for pair in found] == [1, 2, 1, 1]
    for pair in found:
        assert mutated(WILD, pair.mutation) == sequences[pair.mutant]


def test_of_two_alone_the_shorter_name_is_the_wild_type():
    pair = [mutated(WILD, parse_mutation(f"{WILD[9]}10P")), WILD]
    (found,) = mutant_pairs(pair, ["BRAF(V600E)", "BRAF"])
    assert (found.wild_type, found.mutant) == (1, 0)
    (turned,) = mutant_pairs(pair, ["x", "y"])
    assert (turned.wild_type, turned.mutant) == (0, 1)


def test_no_mutants_are_found_where_there_are_none():
    assert mutant_pairs([WILD, OTHER], ["a", "b"]) == []
    assert mutant_pairs([], []) == []


def test_repeats_within_a_sequence_hide_no_mutant():
    repeated = WILD[:40] * 5
    (pair,) = near_identical([repeated, changed(repeated, 90)])
    assert [one.position for one in pair.mutation.substitutions] == [90]
    (pair,) = near_identical(["G" + changed(repeated, 90), repeated])
    assert (pair.shift, [one.position for one in pair.mutation.substitutions]) == (-1, [91])
