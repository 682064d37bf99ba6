"""The join finds exactly the close pairs that a look at every pair finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hyperpcm.chem.neighbours import close_pairs


def by_sets(bits: np.ndarray, limit: float) -> np.ndarray:
    sets = [set(np.flatnonzero(row)) for row in bits]
    close = np.zeros((len(sets), len(sets)), dtype=bool)
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            close[i, j] = bool(one | other) and len(one & other) >= limit * len(one | other) - 1e-9
    return close


@pytest.mark.parametrize("limit", [0.05, 0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("width", [12, 300])
def test_close_pairs_are_those_of_sets(limit: float, width: int):
    random = np.random.default_rng(width)
    parents = random.random((12, width)) < random.uniform(0.02, 0.5, (12, 1))
    bits = (parents[random.integers(0, 12, 220)] ^ (random.random((220, width)) < 0.05)).astype(np.uint8)
    bits[:3] = 0
    np.testing.assert_array_equal(close_pairs(csr_array(bits), limit).toarray(), by_sets(bits, limit))


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(st.sets(st.integers(0, 14), max_size=12), min_size=1, max_size=14),
    limit=st.sampled_from([0.1, 1 / 3, 0.5, 0.6, 2 / 3, 0.75, 1.0]),
)
def test_small_sets_at_simple_fractions_are_not_missed(rows, limit: float):
    bits = np.zeros((len(rows), 15), dtype=np.uint8)
    for place, members in enumerate(rows):
        bits[place, list(members)] = 1
    np.testing.assert_array_equal(close_pairs(csr_array(bits), limit).toarray(), by_sets(bits, limit))


def test_blocks_of_rows_join_with_later_blocks():
    random = np.random.default_rng(2)
    parents = random.random((40, 200)) < 0.2
    bits = (parents[random.integers(0, 40, 2500)] ^ (random.random((2500, 200)) < 0.03)).astype(np.int64)
    shared = bits @ bits.T
    size = bits.sum(axis=1)
    expected = shared >= 0.6 * (size[:, None] + size[None, :] - shared) - 1e-9
    np.testing.assert_array_equal(close_pairs(csr_array(bits), 0.6).toarray(), expected)
