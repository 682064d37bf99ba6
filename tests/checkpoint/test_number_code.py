"""Numbers come back bit for bit from few bytes, and what does not fit together is refused."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperpcm.checkpoint.number_code import decoded_numbers, deflated, encoded_numbers, inflated

GENERATOR = np.random.default_rng(0)
WHOLE = GENERATOR.integers(-100, 101, (40, 30))
POWERS = 2.0 ** np.arange(-20, 10)
FAR = GENERATOR.integers(-(2**20), 2**20, (40, 30)).astype(np.float32)
EXAMPLES = {
    "any numbers": (GENERATOR.normal(size=(40, 30)).astype(np.float32), {"form": "planes"}),
    "one grid": ((WHOLE / 64).astype(np.float32), {"form": "grid", "axis": None, "bytes": 1}),
    "a grid for each column": (
        (WHOLE * POWERS).astype(np.float32),
        {"form": "grid", "axis": 1, "bytes": 1},
    ),
    "a grid for each row": (
        (WHOLE.T * POWERS[:, None]).astype(np.float32),
        {"form": "grid", "axis": 0, "bytes": 1},
    ),
    "a grid of two bytes": (
        (WHOLE * 300 + 1).astype(np.float32) / 8,
        {"form": "grid", "axis": None, "bytes": 2},
    ),
    "too wide for a grid": (FAR, {"form": "planes"}),
    "three axes": (
        (WHOLE / 4).astype(np.float32).reshape(4, 10, 30),
        {"form": "grid", "axis": None, "bytes": 1},
    ),
    "zeros": (np.zeros((40, 30), dtype=np.float32), {"form": "grid", "axis": None, "bytes": 1}),
    "zeros with a sign": (-np.zeros((40, 30), dtype=np.float32), {"form": "planes"}),
    "ascending": (np.arange(0, 90_000, 3, dtype=np.int32), {"form": "whole", "step": "from the one before"}),
    "near their place": (
        np.arange(30_000, dtype=np.int32) + GENERATOR.integers(0, 2, 30_000).astype(np.int32),
        {"form": "whole", "step": "from their place"},
    ),
    "small": (GENERATOR.integers(-3, 4, 3000, dtype=np.int64), {"form": "whole", "step": "as they are"}),
    "bytes": (GENERATOR.integers(0, 100, 3000, dtype=np.uint8), {"form": "whole", "step": "as they are"}),
    "none": (np.zeros((0, 4), dtype=np.float32), {}),
    "no whole ones": (np.zeros(0, dtype=np.int32), {}),
    "one": (np.float32([2.5]).reshape(()), {}),
}


def came_back(array: np.ndarray) -> tuple[bytes, dict]:
    before = array.copy()
    text, about = encoded_numbers(array)
    assert array.tobytes() == before.tobytes()
    found = decoded_numbers(text, json.loads(json.dumps(about)))
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    return text, about


@pytest.mark.parametrize("name", EXAMPLES)
def test_numbers_come_back_bit_for_bit_in_the_form_that_takes_the_least(name: str):
    array, expected = EXAMPLES[name]
    text, about = came_back(array)
    assert {key: about[key] for key in expected} == expected
    assert len(text) <= array.nbytes + 64


def test_numbers_on_a_grid_take_about_their_entropy():
    array = np.round(GENERATOR.normal(0, 4, 50_000)).astype(np.float32) / 16 + 0.0  # no zero has a sign
    _, counts = np.unique(array, return_counts=True)
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum() * len(array) / 8
    assert entropy < len(came_back(array)[0]) < 1.15 * entropy


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.sampled_from(["float32", "int64", "int32", "int16", "uint8"]),
    st.integers(-160, 130),
    st.booleans(),
)
def test_any_numbers_survive(seed: int, kind: str, power: int, rounded: bool):
    generator = np.random.default_rng(seed)
    numbers = generator.normal(0, 20, (21, 13))
    if kind == "float32":
        with np.errstate(over="ignore", under="ignore"):
            array = np.ldexp(numbers.round() if rounded else numbers, power).astype(np.float32)
        came_back(np.nan_to_num(array))
    else:
        came_back(np.abs(numbers).astype(kind))


@pytest.mark.parametrize(
    "edit",
    [
        {"shape": [40, 31]},
        {"shape": [-40, -30]},
        {"shape": [2**20, 2**20]},
        {"form": "other"},
        {"axis": 1},
        {"axis": "rows"},
        {"bytes": 2},
        {"bytes": 3},
        {"type": "object"},
        {"form": "whole", "step": "from nowhere"},
        {"form": "planes"},
    ],
)
def test_what_is_told_otherwise_than_it_is_is_refused(edit: dict):
    text, about = encoded_numbers(EXAMPLES["one grid"][0])
    with pytest.raises((KeyError, TypeError, ValueError, zlib.error)):
        decoded_numbers(text, about | edit)


def test_a_number_beyond_its_type_is_refused():
    text, about = encoded_numbers(np.arange(0, 70_000, 7, dtype=np.int32))
    with pytest.raises(ValueError, match="beyond"):
        decoded_numbers(text, about | {"type": "int16"})


def test_a_text_that_goes_on_or_ends_early_or_fills_the_memory_is_refused():
    text = deflated(b"abc" * 1000)
    assert inflated(text, 3000) == b"abc" * 1000
    for damaged in (text[:-3], text + b"x"):
        with pytest.raises(ValueError, match="not up to"):
            inflated(damaged)
    with pytest.raises(ValueError, match="not up to 2,999"):
        inflated(text, 2999)
