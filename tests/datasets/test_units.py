from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT
from hyperpcm.datasets.units import (
    BadValueError,
    Unit,
    has_decimal_comma,
    known_unit,
    parse_relation,
    parse_value,
    to_p_scale,
)
from hyperpcm.errors import LabelError


@pytest.mark.parametrize(
    ("text", "exponent"),
    [
        ("nM", -9), ("nm", -9), ("NM", -9), ("uM", -6), ("µM", -6), ("μM", -6), ("mM", -3), ("M", 0),
        ("pM", -12),
        ("fM", -15), ("nmol/L", -9), ("mol/l", 0), ("nanomolar", -9), (" n M ", -9),
    ],
)  # fmt: skip
def test_concentrations_are_known_however_they_are_written(text, exponent):
    assert known_unit(text).exponent == exponent


@pytest.mark.parametrize(
    "text", ["pKd", "pKi", "pIC50", "pChEMBL", "-log10(M)", "-log(M)", "−log10 M", "-log10[M]"]
)
def test_p_scales_are_known(text):
    assert known_unit(text).is_p


@pytest.mark.parametrize("text", ["%", "MM", "m", "", "KIBA score", "ug.mL-1", "log", "kcal/mol", "min"])
def test_other_units_are_never_converted(text):
    assert known_unit(text) is None


@pytest.mark.parametrize(
    ("text", "value", "sign"),
    [
        (">10", 10, ">"), ("<= 5", 5, "<="), ("~7", 7, "~"), ("≥10", 10, "≥"), ("1e-9", 1e-9, ""),
        (" 7.25 ", 7.25, ""),
        (">>100", 100, ">>"), ("=>3", 3, "=>"), ("ca. 12", 12, "ca."), ("-.5", -0.5, ""), ("−3", -3, ""),
        ("5.", 5, ""),
    ],
)  # fmt: skip
def test_a_value_is_read_with_its_sign(text, value, sign):
    assert parse_value(text) == (pytest.approx(value), sign)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1,234.5", "AMBIGUOUS_NUMBER"), ("1,234", "AMBIGUOUS_NUMBER"), ("1.234,5", "AMBIGUOUS_NUMBER"),
        ("5,3", "AMBIGUOUS_NUMBER"), ("1'234", "AMBIGUOUS_NUMBER"), ("inf", "NOT_FINITE"),
        ("-Infinity", "NOT_FINITE"),
        ("1e400", "NOT_FINITE"), ("1e39", "NOT_FINITE"), ("nan", "NO_VALUE"), ("", "NO_VALUE"),
        ("N/A", "NO_VALUE"),
        ("abc", "NOT_A_NUMBER"), ("5-10", "NOT_A_NUMBER"), ("10 nM", "NOT_A_NUMBER"),
        ("1_000", "NOT_A_NUMBER"),
        ("١٢", "NOT_A_NUMBER"), ("7.1 ± 0.2", "NOT_A_NUMBER"), ("><5", "RELATION"), ("0x10", "NOT_A_NUMBER"),
    ],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused_with_its_reason(text, code):
    with pytest.raises(BadValueError) as caught:
        parse_value(text)
    assert caught.value.code == code


def test_a_unit_within_the_cell_is_named_in_the_reason():
    with pytest.raises(BadValueError, match="holds its unit"):
        parse_value("10 nM")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
@example(3.4028234663852886e38)  # the largest of them
def test_every_float_that_python_writes_is_read_back(number):
    assert parse_value(repr(number)) == (number, "")


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("=", EXACT), ("", EXACT), ("'='", EXACT), (">", ABOVE), ("'>='", ABOVE), ("=>", ABOVE),
        (">>", ABOVE),
        ("≥", ABOVE), ("<", BELOW), ("=<", BELOW), ("<<", BELOW), ("≤", BELOW), ("~", EXACT),
    ],
)  # fmt: skip
def test_relations_are_mapped_to_three(text, relation):
    assert parse_relation(text) == (relation, text == "~")


def test_an_unknown_relation_is_refused():
    with pytest.raises(BadValueError, match="is none of"):
        parse_relation("about")


def test_concentrations_become_minus_log10_of_molar_and_relations_turn_round():
    units = [Unit("nM", -9), Unit("uM", -6), Unit("-log10(M)", is_p=True), Unit("%")]
    values = np.array([10_000.0, 10.0, 7.5, 50.0, 0.0, -3.0])
    relations = np.array([1, -1, 1, 0, 0, 0], np.int8)
    scaled, turned = to_p_scale(values, relations, units, np.array([0, 1, 2, 3, 0, 1]))
    expected = [-math.log10(10_000e-9), -math.log10(10e-6), 7.5, math.nan, math.nan, math.nan]
    np.testing.assert_allclose(scaled, expected, rtol=1e-12)
    assert turned[:3].tolist() == [-1, 1, 1]
    assert relations.tolist() == [1, -1, 1, 0, 0, 0]


def where(row):
    return f"line {row + 2}"


def test_a_comma_is_a_decimal_sign_only_where_it_cannot_be_anything_else():
    assert has_decimal_comma(["5,3", "7", "> 1,25"], "\t", where)
    assert has_decimal_comma(["7,125", "6,250"], ";", where)
    assert not has_decimal_comma(["5,3", "7"], ",", where)
    assert not has_decimal_comma(["5,3", "7"], "", where)
    assert not has_decimal_comma(["5.3", None, "7"], ";", where)


def test_two_conventions_or_none_that_is_certain_are_an_error_with_lines():
    with pytest.raises(LabelError, match="line 3 has a number with a comma and line 2 one with a point"):
        has_decimal_comma(["5.3", "7,2"], ";", where)
    with pytest.raises(LabelError, match="line 2: every comma"):
        has_decimal_comma(["7,125", "10,000"], "\t", where)
