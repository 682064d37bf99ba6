"""Lists of parts of a library, merged, are the list of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.screening import Hit, TopList


def offered(rows: list[int], scores: np.ndarray, smiles: list[str], size: int, step: int) -> TopList:
    """A list to which these rows were offered, so many at a time."""
    top = TopList(size)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        top.offer(scores[part], part, [smiles[row] for row in part], [""] * len(part), lambda _: True)
    return top


@pytest.mark.parametrize("seed", range(20))
def test_parts_merged_in_any_order_are_the_whole_although_equal_structures_differ_in_the_last_digit(
    seed: int,
):
    generator = np.random.default_rng(seed)
    number, size = 400, 25
    smiles = [f"s{kind}" for kind in generator.integers(0, 90, number)]
    base = {text: np.float32(generator.integers(0, 12)) for text in smiles}
    scores = np.array([base[text] for text in smiles], np.float32)
    up = generator.random(number) < 0.3
    scores[up] = np.nextafter(scores[up], np.float32(np.inf))
    best: dict[str, Hit] = {}
    for row, text in enumerate(smiles):
        hit = Hit(float(scores[row]), -row, text, "")
        best[text] = max(best.get(text, hit), hit)
    expected = sorted(best.values(), reverse=True)[:size]
    assert offered(list(range(number)), scores, smiles, size, 37).best() == expected
    cuts = np.sort(generator.choice(np.arange(1, number), 6, replace=False))
    parts = np.split(np.arange(number), cuts)
    generator.shuffle(parts)
    whole = TopList(size)
    for part in parts:
        whole.merge(offered(part.tolist(), scores, smiles, size, int(generator.integers(1, 50))).best())
    assert whole.best() == expected


def test_what_is_no_number_is_no_hit():
    top = offered([0, 1, 2], np.array([np.nan, 1.0, np.nan], np.float32), ["a", "b", "c"], size=5, step=2)
    assert [hit.smiles for hit in top.best()] == ["b"]
