"""Tables of fingerprints in few bytes: what each differs in from the one before that is most like it.

Rows are taken in blocks. A row names the row of its block, before it, that differs from it in the fewest
bits, and lists those bits; or it names none and lists its own. Bits are numbered by how often they are
listed, so that the gaps between them are small numbers, which are told in a byte each and deflate well.
Compounds that were measured together stand together in most tables: that makes rows of one block alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["decoded_fingerprints", "encoded_fingerprints"]

_BLOCK: Final = 512  # rows; larger blocks take fewer bytes, and more time to write
_ESCAPE: Final = 255  # a byte that adds so much to the next one
_WORD: Final = 8  # bytes that are compared at once
_AT_ONCE: Final = 64  # blocks that are compared at once

Bytes = npt.NDArray[np.uint8]


def encoded_fingerprints(table: Bytes) -> bytes:
    """Return a table of packed bits as text of bytes, not deflated yet; `decoded_fingerprints` reads it.

    Args:
        table: uint8 [n, w]; not mutated.
    """
    rows, width = table.shape
    differing, back = _differences(table)
    row, column = np.nonzero(np.unpackbits(differing, axis=1))
    counts = np.bincount(row, minlength=rows)
    order = np.argsort(-np.bincount(column, minlength=8 * width), kind="stable")
    place = np.empty(8 * width, dtype=np.int64)
    place[order] = np.arange(8 * width)
    of_bits = place[column]
    of_bits = of_bits[np.lexsort((of_bits, row))]
    gaps = np.diff(of_bits, prepend=0) - 1
    first = np.diff(row, prepend=-1) > 0
    gaps[first] = of_bits[first]
    escapes = gaps // _ESCAPE
    text = np.full(len(gaps) + int(escapes.sum()), _ESCAPE, dtype=np.uint8)
    text[np.cumsum(escapes + 1) - 1] = gaps % _ESCAPE
    numbers = np.concatenate([order, back, counts])
    low, high = (part.astype(np.uint8).tobytes() for part in (numbers & 255, numbers >> 8))
    return low + high + text.tobytes()


def decoded_fingerprints(text: bytes, shape: tuple[int, int]) -> Bytes:
    """Return the table that a text is of, uint8 [n, w].

    Args:
        text: as from `encoded_fingerprints`.
        shape: of the table.

    Raises:
        ValueError: it is no such text, or of another shape.
    """
    rows, width = shape
    head = 8 * width + 2 * rows
    if min(shape) < 0 or 8 * width >= 2**16 or len(text) < 2 * head:
        raise ValueError(f"no table of {rows:,} × {width:,} bytes")
    low, high, gaps = np.split(np.frombuffer(text, dtype=np.uint8), [head, 2 * head])
    numbers = low.astype(np.uint16) + (high.astype(np.uint16) << 8)
    order, back, counts = np.split(numbers, [8 * width, 8 * width + rows])
    within = np.arange(rows) % _BLOCK
    if (np.sort(order) != np.arange(8 * width)).any() or (back > within).any():
        raise ValueError("a row or a bit that is not there")
    table = np.zeros((rows + -rows % _BLOCK, width), dtype=np.uint8)
    _set_bits(table.reshape(-1), _listed(gaps, counts, order), counts, width)
    blocks, behind = table.reshape(-1, _BLOCK, width), np.zeros(len(table), dtype=np.int64)
    behind[:rows] = back
    far = behind.reshape(-1, _BLOCK)
    for place in range(1, _BLOCK if len(blocks) else 0):
        refers = np.flatnonzero(far[:, place])
        blocks[refers, place] ^= blocks[refers, place - far[refers, place]]
    return table[:rows]


def _differences(table: Bytes) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """The bits that each row lists, and how far before it the row is that it names; 0: it names none."""
    rows, width = table.shape
    whole = np.zeros((rows + -rows % _BLOCK, width + -width % _WORD), dtype=np.uint8)
    whole[:rows, :width] = table
    blocks = whole.view(np.uint64).reshape(-1, _BLOCK, whole.shape[1] // _WORD)
    differing, back = blocks.copy(), np.zeros(blocks.shape[:2], dtype=np.int64)
    for start in range(0, len(blocks), _AT_ONCE):
        some = blocks[start : start + _AT_ONCE]
        for place in range(1, _BLOCK):
            own = some[:, place]
            # The row itself stands for no row: that of zeros. Of equal ones the nearest counts.
            others = np.concatenate([own[:, None] ^ some[:, :place], own[:, None]], axis=1)
            bits = np.bitwise_count(others).sum(2, dtype=np.int32)[:, ::-1]
            found = bits.argmin(1)
            back[start : start + _AT_ONCE, place] = found
            differing[start : start + _AT_ONCE, place] = others[np.arange(len(some)), place - found]
    packed = differing.view(np.uint8).reshape(whole.shape)[:rows, :width]
    return packed, back.reshape(-1)[:rows]


def _listed(
    gaps: Bytes, counts: npt.NDArray[np.uint16], order: npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint16]:
    """The bits that all rows list, one after the other."""
    ends = np.flatnonzero(gaps != _ESCAPE)
    number = int(counts.sum(dtype=np.int64))
    if len(ends) != number or (len(gaps) and gaps[-1] == _ESCAPE):
        raise ValueError(f"not {number:,} bits")
    sums = np.cumsum(gaps, dtype=np.int32)[ends]
    sums += np.arange(number, dtype=np.int32)  # a bit is one further than the gap says
    of_rows = counts[counts > 0].astype(np.int64)
    starts = np.cumsum(of_rows) - of_rows
    before = np.concatenate([np.zeros(1, dtype=np.int32), sums[starts[1:] - 1] + 1])[: len(of_rows)]
    sums -= np.repeat(before, of_rows)
    if number and int(sums.max()) >= len(order):
        raise ValueError("a bit that is not there")
    return order[sums]


def _set_bits(table: Bytes, bits: npt.NDArray[np.uint16], counts: npt.NDArray[np.uint16], width: int) -> None:
    """Set the bits that rows list; ``table`` is changed in place, as one row."""
    places = np.repeat(np.arange(len(counts), dtype=np.int64) * width, counts) + (bits >> 3)
    np.bitwise_or.at(table, places, (128 >> (bits & 7)).astype(np.uint8))
