"""Merging of repeats, against a loop that states the rule once more."""

from __future__ import annotations

import logging
import statistics
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.merge import merge_repeats

PKD = Quantity("pKd", "-log10(M)", active_at=7.0)
BINARY = Quantity("activity", "", "binary")

Row = tuple[int, int, float, int]
"""Compound, target, value, relation."""


def table(rows: list[Row], quantity: Quantity = PKD, **more: Any) -> Interactions:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Interactions(
        name="toy",
        quantity=quantity,
        compounds=("C", "CC", "CCC"),
        targets=("MK", "MV"),
        compound_names=("c0", "c1", "c2"),
        target_names=("t0", "t1"),
        compound_index=np.array(columns[0], dtype=np.int64),
        target_index=np.array(columns[1], dtype=np.int64),
        values=np.array(columns[2], dtype=np.float32),
        relations=np.array(columns[3], dtype=np.int8),
        **more,
    )


def rows_of(merged: Interactions) -> list[Row]:
    columns = (merged.compound_index, merged.target_index, merged.values, merged.relations)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def merged_by_loop(rows: list[Row]) -> list[Row]:
    cells: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    for compound, target, value, relation in rows:
        cells[compound, target].append((value, relation))
    result = []
    for (compound, target), labels in cells.items():
        exact = [value for value, relation in labels if relation == 0]
        signs = {relation for _, relation in labels}
        bounds = [value for value, _ in labels]
        if exact:
            result.append((compound, target, statistics.median(exact), 0))
        elif signs == {1}:
            result.append((compound, target, max(bounds), 1))
        elif signs == {-1}:
            result.append((compound, target, min(bounds), -1))
    return result


a_row = st.tuples(
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(8, 40).map(lambda quarter: quarter / 4),
    st.integers(-1, 1),
)


@given(st.lists(a_row, max_size=30))
def test_merged_rows_equal_those_of_a_loop(rows: list[Row]):
    merged = merge_repeats(table(rows))
    assert rows_of(merged) == merged_by_loop(rows)
    lost = len({row[:2] for row in rows}) - len(merged)
    assert lost == len(merged.rejections)


@given(st.lists(a_row, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_any_label(rows: list[Row], random: Any):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert sorted(rows_of(merge_repeats(table(shuffled)))) == sorted(rows_of(merge_repeats(table(rows))))


@given(st.lists(a_row, max_size=20))
def test_merging_twice_changes_nothing(rows: list[Row]):
    once = merge_repeats(table(rows))
    assert merge_repeats(once).fingerprint() == once.fingerprint()


def test_a_table_without_repeats_comes_back_as_it_is():
    plain = table([(0, 0, 5.0, 0), (0, 1, 6.0, -1)])
    assert merge_repeats(plain) is plain


def test_counts_and_spread_are_noted_and_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="hyperpcm"):
        merged = merge_repeats(table([(0, 0, 5.0, 0), (0, 0, 6.5, 0), (1, 0, 6.0, 0)]))
    assert merged.values.tolist() == [5.75, 6.0]
    (note,) = merged.notes
    assert "2 of 3 rows are repeats of 1 (compound, target) pairs" in note
    assert "up to 1.50 (1 pairs by 1 or more)" in note
    assert note in caplog.text


def test_bounds_both_ways_are_reported_and_left_out():
    merged = merge_repeats(table([(1, 1, 6.0, 0), (0, 0, 5.0, 1), (0, 0, 8.0, -1)]))
    assert rows_of(merged) == [(1, 1, 6.0, 0)]
    (rejection,) = merged.rejections
    assert (rejection.row, rejection.code, rejection.text) == (1, "CONTRADICTORY", "c0, t0")
    assert ">5, <8" in rejection.reason


def test_binary_labels_are_merged_by_majority_and_a_tie_is_reported():
    rows: list[Row] = [(0, 0, 1.0, 0), (0, 0, 1.0, 0), (0, 0, 0.0, 0), (1, 0, 1.0, 0), (1, 0, 0.0, 0)]
    merged = merge_repeats(table(rows, BINARY))
    assert rows_of(merged) == [(0, 0, 1.0, 0)]
    assert [rejection.row for rejection in merged.rejections] == [3]
    assert "2 pairs had both labels" in merged.notes[0]


def test_the_middle_of_bins_is_the_edge_of_a_bin():
    binned = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    merged = merge_repeats(table([(0, 0, 7.0, 0), (0, 0, 6.0, 0), (0, 0, 9.0, 0), (0, 0, 8.0, 0)], binned))
    assert merged.values.tolist() == [7.0]


a_mixed_row = st.tuples(
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(4, 10).map(float),
    st.sampled_from(["point", "bin", ">"]),
)


@given(st.lists(a_mixed_row, max_size=30))
def test_in_a_table_of_both_points_beat_bins_and_bins_beat_bounds(rows: list[tuple[int, int, float, str]]):
    binned = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    plain: list[Row] = [
        (compound, target, value + (0.25 if kind == "point" else 0), int(kind == ">"))
        for compound, target, value, kind in rows
    ]
    merged = merge_repeats(table(plain, binned, binned=[kind == "bin" for *_, kind in rows]))
    cells: dict[tuple[int, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for compound, target, value, kind in rows:
        cells[compound, target][kind].append(value)
    expected = []
    for (compound, target), of in cells.items():
        if of["point"]:
            expected.append((compound, target, statistics.median(of["point"]) + 0.25, 0, False))
        elif of["bin"]:
            expected.append((compound, target, statistics.median_low(of["bin"]), 0, True))
        else:
            expected.append((compound, target, max(of[">"]), 1, False))
    found = [(*row, bin_) for row, bin_ in zip(rows_of(merged), merged.is_binned().tolist(), strict=True)]
    assert found == expected


def test_a_merged_table_of_both_says_how_often_a_value_beat_a_bin():
    binned = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    rows: list[Row] = [(0, 0, 6.0, 0), (1, 0, 7.0, 0), (0, 0, 6.4, 0), (1, 0, 8.0, 0)]
    merged = merge_repeats(table(rows, binned, binned=[True, True, False, True]))
    assert "4 of 4 rows are repeats of 2 (compound, target) pairs, 1 of them of a value" in merged.notes[0]


def test_folds_are_kept_where_merged_rows_agree_and_dropped_where_they_do_not():
    rows: list[Row] = [(0, 0, 5.0, 0), (1, 0, 5.0, 0), (0, 0, 6.0, 0)]
    merged = merge_repeats(table(rows, folds={"agreed": [2, -1, 2], "torn": [0, 1, -1]}))
    assert merged.folds["agreed"].tolist() == [2, -1]
    assert "torn" not in merged.folds
    assert any("'torn' dropped: 1 merged pairs" in note for note in merged.notes)


def test_the_earliest_year_is_kept():
    merged = merge_repeats(table([(0, 0, 5.0, 0), (1, 0, 5.0, 0), (0, 0, 6.0, 0)], year=[2004, 2001, 1999]))
    assert merged.year is not None
    assert merged.year.tolist() == [1999, 2001]
