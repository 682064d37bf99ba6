"""The outlook: its sentence, and when it says that little is left."""

from __future__ import annotations

import dataclasses

from hyperpcm.adaptation import Outlook
from hyperpcm.datasets.interactions import Quantity

OUTLOOK = Outlook(
    batch=24, threshold=12.3, expected_top=3.25, expected_left=7.5, measured_top=2, best=13.0,
    is_measured=True, improvement=0.4, noise=0.25,
)  # fmt: skip
KIBA = Quantity("KIBA score", "")


def test_the_sentence_has_the_numbers():
    told = OUTLOOK.sentence(KIBA)
    for part in ("12.30 KIBA score", "2 measured so far", "3.2 expected among these 24", "7.5 among"):
        assert part in told
    assert "exceed the best measured (13.00) by 0.40" in told
    assert "hardly worth" not in told
    new = dataclasses.replace(OUTLOOK, is_measured=False).sentence(KIBA)
    assert "measured so far" not in new
    assert "the highest expected (13.00)" in new


def test_little_is_left_where_neither_a_top_compound_nor_a_clear_improvement_is_expected():
    little = dataclasses.replace(OUTLOOK, expected_top=0.3, improvement=0.1)
    assert little.finds_little
    assert "Little is left to be found" in little.sentence(KIBA)
    assert little.record()["finds_little"] is True
    assert not dataclasses.replace(little, improvement=0.2).finds_little
    assert not dataclasses.replace(little, expected_top=0.6).finds_little
