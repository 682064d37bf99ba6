"""Numbers, ranges and shades as pages write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.web.pages.words import number, scale_of, shade, size

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_every_number_lies_on_the_scale_in_its_order(values: list[float]) -> None:
    scale = scale_of(values, None)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 150 for place in places)


def test_the_threshold_stands_on_the_scale_only_where_it_is_in_sight() -> None:
    assert scale_of([5.0, 9.0], 7.0).active == pytest.approx(75.0)
    assert scale_of([5.0, 6.0], 7.0).active is None
    assert scale_of([], 7.0).active is None


def test_a_number_that_is_none_or_not_finite_is_a_dash() -> None:
    assert [number(value) for value in (None, math.nan, math.inf, -0.5)] == ["–", "–", "–", "−0.50"]


@given(FINITE, FINITE, FINITE)
def test_a_shade_is_one_of_six_and_does_not_fall(one: float, low: float, high: float) -> None:
    assert 0 <= shade(one, low, high) <= shade(max(one, high), low, high) <= 5


def test_sizes_are_said_in_the_unit_that_people_use() -> None:
    assert [size(amount) for amount in (999, 1000, 200_000_000, 1_500_000_000)] == [
        "999 bytes", "1 KB", "200 MB", "1.5 GB",
    ]  # fmt: skip
