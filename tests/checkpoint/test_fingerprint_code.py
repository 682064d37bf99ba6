"""Fingerprints come back bit for bit from few bytes, and no damaged text becomes a table."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from hyperpcm.checkpoint.fingerprint_code import decoded_fingerprints, encoded_fingerprints
from hyperpcm.checkpoint.number_code import deflated
from hyperpcm.chem import morgan_counts
from small_models import many_smiles


def series(rows: int, width: int, seed: int = 0) -> np.ndarray:
    """Tables whose rows come in series of 20 that share most bits, as compounds of one paper do."""
    generator = np.random.default_rng(seed)
    bits = np.zeros((rows, 8 * width), dtype=bool)
    for start in range(0, rows, 20):
        own = bits[start : start + 20]
        own |= generator.random(8 * width) < 0.03
        own ^= generator.random(own.shape) < 0.003
    return np.packbits(bits, axis=1)


@pytest.mark.parametrize("rows", [0, 1, 2, 511, 512, 513, 1200])
@pytest.mark.parametrize("width", [1, 8, 13, 256])
def test_a_table_comes_back_bit_for_bit(rows: int, width: int):
    table = series(rows, width)
    before = table.copy()
    text = encoded_fingerprints(table)
    assert table.tobytes() == before.tobytes()
    found = decoded_fingerprints(text, table.shape)
    assert (found.dtype, found.shape, found.tobytes()) == (table.dtype, table.shape, table.tobytes())


@pytest.mark.parametrize("bits", [0.0, 0.5, 1.0])
def test_tables_without_and_with_all_bits_come_back(bits: float):
    table = np.packbits(np.random.default_rng(0).random((600, 4096)) < bits, axis=1)
    assert decoded_fingerprints(encoded_fingerprints(table), table.shape).tobytes() == table.tobytes()


def test_real_fingerprints_take_a_fraction_of_what_deflating_leaves():
    table = np.packbits(morgan_counts(many_smiles(300), width=2048) > 0, axis=1)
    text = encoded_fingerprints(table)
    assert decoded_fingerprints(text, table.shape).tobytes() == table.tobytes()
    assert len(deflated(text)) < 0.6 * len(zlib.compress(table.tobytes(), 9))


def test_a_damaged_text_is_refused_or_gives_another_table_and_nothing_else():
    table = series(600, 16)
    text = encoded_fingerprints(table)
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(text), 400):
        damaged = bytearray(text)
        damaged[place] ^= 1 << int(generator.integers(8))
        try:
            found = decoded_fingerprints(bytes(damaged), table.shape)
        except ValueError:
            continue
        assert found.shape == table.shape


@pytest.mark.parametrize("shape", [(601, 16), (599, 16), (600, 17), (600, 2**13), (-1, 16)])
def test_a_text_of_another_shape_is_refused(shape: tuple[int, int]):
    with pytest.raises(ValueError, match=r"\w"):
        decoded_fingerprints(encoded_fingerprints(series(600, 16)), shape)


@pytest.mark.parametrize("cut", [0, 100, 2000, -1])
def test_a_text_that_ends_early_is_refused(cut: int):
    text = encoded_fingerprints(series(600, 16))
    with pytest.raises(ValueError, match=r"\w"):
        decoded_fingerprints(text[:cut], (600, 16))
