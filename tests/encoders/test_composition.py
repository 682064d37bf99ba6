from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from contracts import ODD_TARGETS, TARGETS, UNREADABLE_TARGETS, EncoderContract
from hyperpcm.encoders.amino_acids import CONJOINT_GROUPS, PROPERTIES, SCALES, letter_table
from hyperpcm.encoders.composition import CompositionEncoder

ALPHABETICAL = "ACDEFGHIKLMNPQRSTVWY"
CDK2 = TARGETS[-1]


class TestCompositionEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return CompositionEncoder()

    @pytest.fixture
    def items(self):
        return TARGETS

    @pytest.fixture
    def odd_items(self):
        return [*ODD_TARGETS, "MKTAYIAKQR" * 4000]

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_TARGETS


def parts(sequence: str) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, float]:
    """Fractions [20], fraction of X, triads [343], statistics [8, 8], length."""
    row = CompositionEncoder().encode([sequence])[0].astype(np.float64)
    assert len(row) == 20 + 1 + 343 + 64 + 1
    return row[:20], row[20], row[21:364], row[364:428].reshape(8, 8), row[428]


def test_fractions_are_those_of_counting():
    fractions, unknown, *_ = parts(CDK2)
    np.testing.assert_allclose(fractions, [CDK2.count(acid) / len(CDK2) for acid in ALPHABETICAL], atol=1e-7)
    assert unknown == 0


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("B", {"D": 0.5, "N": 0.5}),
        ("Z", {"E": 0.5, "Q": 0.5}),
        ("J", {"I": 0.5, "L": 0.5}),
        ("U", {"C": 1}),
        ("O", {"K": 1}),
    ],
)
def test_a_letter_beyond_the_twenty_counts_as_what_it_stands_for(letter, expected):
    fractions, *_ = parts(letter)
    assert {acid: share for acid, share in zip(ALPHABETICAL, fractions, strict=True) if share} == expected


def test_unknown_residues_are_counted_apart_and_take_no_part_in_the_fractions():
    fractions, unknown, *_ = parts("AAXXC")
    assert unknown == pytest.approx(0.4)
    assert fractions[0] == pytest.approx(2 / 3)
    assert fractions.sum() == pytest.approx(1)


def test_triads_agree_with_a_loop():
    *_, triads, _, _ = parts(CDK2)
    counts = dict.fromkeys(itertools.product(range(7), repeat=3), 0)
    groups = [next(i for i, group in enumerate(CONJOINT_GROUPS) if acid in group) for acid in CDK2]
    for start in range(len(CDK2) - 2):
        counts[tuple(groups[start : start + 3])] += 1
    expected = [math.sqrt(count / (len(CDK2) - 2)) for count in counts.values()]
    np.testing.assert_allclose(triads, expected, atol=1e-6)


def test_triads_with_an_undecided_group_are_left_out():
    *_, triads, _, _ = parts("AAAXAABAAJAA")
    # AAA once before X; none holds X or B; AAJ, AJA, JAA after B. J is I or L: one group, so decided.
    assert (triads**2).sum() == pytest.approx(1)
    assert sorted((triads[triads > 0] ** 2).tolist()) == pytest.approx([0.25] * 4)


def statistics_by_loop(sequence: str, scale: int) -> list[float]:
    table = [PROPERTIES[acid][scale] for acid in ALPHABETICAL]
    centre = sum(table) / 20
    spread = math.sqrt(sum((value - centre) ** 2 for value in table) / 20)
    chain = [None if acid == "X" else (PROPERTIES[acid][scale] - centre) / spread for acid in sequence]
    known = [value for value in chain if value is not None]
    mean = sum(known) / len(known)
    values = [mean, math.sqrt(sum((value - mean) ** 2 for value in known) / len(known))]
    for lag in (1, 2, 3, 4):
        pairs = [(a, b) for a, b in zip(chain, chain[lag:], strict=False) if a is not None and b is not None]
        values.append(sum((a - mean) * (b - mean) for a, b in pairs) / max(len(pairs), 1))
    windows = []
    size = min(19, len(chain))
    for start in range(len(chain) - size + 1):
        inside = [value for value in chain[start : start + size] if value is not None]
        windows += [sum(inside) / len(inside)] if inside else []
    return [*values, min(windows), max(windows)]


@pytest.mark.parametrize("sequence", [CDK2, "MKT", "M", "MKXXWYA", "X" * 25 + "MKTAYIAKQR", TARGETS[0]])
def test_property_statistics_agree_with_a_loop(sequence):
    _, _, _, statistics, _ = parts(sequence)
    for scale in range(len(SCALES)):
        np.testing.assert_allclose(statistics[scale], statistics_by_loop(sequence, scale), atol=2e-6)


def test_the_length_column_grows_with_the_logarithm_of_the_length():
    lengths = [parts("MK" * half)[-1] for half in (1, 10, 100, 20_000)]
    np.testing.assert_allclose(lengths, np.log([2, 20, 200, 40_000]) / np.log(40_000), atol=1e-6)


def test_lower_case_is_the_same_target():
    assert np.array_equal(*CompositionEncoder().encode([CDK2, CDK2.lower()]))


def test_the_order_of_residues_matters():
    assert not np.array_equal(*CompositionEncoder().encode(["ACDEFGHIKL", "LKIHGFEDCA"]))


def test_every_letter_counts_as_one_residue_and_x_as_none():
    shares = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", letter_table().sum(axis=1), strict=True))
    assert shares.pop("X") == 0
    assert set(shares.values()) == {1}


def test_the_conjoint_groups_hold_each_amino_acid_once():
    assert sorted("".join(CONJOINT_GROUPS)) == list(ALPHABETICAL)


def test_published_sums_of_the_property_tables_hold():
    # Kyte and Doolittle's twenty values sum to -9.8, from isoleucine's 4.5 down to arginine's -4.5.
    columns = dict(zip(SCALES, zip(*(PROPERTIES[acid] for acid in ALPHABETICAL), strict=True), strict=True))
    assert sum(columns["hydropathy"]) == pytest.approx(-9.8)
    assert (PROPERTIES["I"][0], PROPERTIES["R"][0]) == (4.5, -4.5)
    assert (min(columns["volume"]), max(columns["volume"])) == (60.1, 227.8)  # glycine and tryptophan
    assert {acid for acid in ALPHABETICAL if PROPERTIES[acid][2] > 0.5} == set("KR")
    assert {acid for acid in ALPHABETICAL if PROPERTIES[acid][2] < -0.5} == set("DE")
