"""How cells of all kinds of tables are marked."""

from __future__ import annotations

import pytest

from hyperpcm.benchmark.view import mark_of


@pytest.mark.parametrize(
    ("low", "high", "higher", "lower"),
    [
        (0.1, 0.2, "better", "worse"),
        (-0.2, -0.1, "worse", "better"),
        (-0.1, 0.1, "undecided", "undecided"),
        (0.0, 0.1, "undecided", "undecided"),
        (-0.1, 0.0, "undecided", "undecided"),
        (0.0, 0.0, "", ""),
        (float("nan"), float("nan"), "", ""),
        (None, None, "", ""),
    ],
)
def test_an_interval_is_marked_by_its_side_of_0_and_by_which_way_is_better(low, high, higher, lower):
    assert mark_of(low, high) == higher
    assert mark_of(low, high, lower_is_better=True) == lower
