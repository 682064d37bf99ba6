"""Structures in pages: bounded in size and time, and never a way for text into a page."""

from __future__ import annotations

import time

import pytest

from hyperpcm.web.pages.drawings import drawing, weighted_drawing


def test_a_compound_is_one_svg_element_without_text_of_the_input() -> None:
    found = drawing("CC(=O)Oc1ccccc1C(=O)O")
    assert found is not None
    assert found.startswith("<svg")
    assert found.endswith("</svg>")
    assert "CC(" not in found


@pytest.mark.parametrize("text", ["", "no SMILES", "C" * 100_000, "<script>alert(1)</script>", "C" * 501])
def test_what_cannot_be_drawn_is_none(text: str) -> None:
    assert drawing(text) is None
    assert weighted_drawing(text, (), 200, 100) is None


@pytest.mark.parametrize(
    "smiles",
    [
        "C1CC2CC3CC4CC5CC6CC7CC8CC9CCC9CC8CC7CC6CC5CC4CC3CC2C1",
        "C(C)" * 100 + "C",
        "".join(f"C%{n}CC" for n in range(10, 99)) + "".join(f"C%{n}" for n in range(10, 99)),
        "C12C3C4C5C1C6C7C2C8C9C3C1C4C2C5C6C3C7C8C9C1C23",
    ],
)
def test_even_a_hostile_structure_is_drawn_or_refused_within_two_seconds(smiles: str) -> None:
    started = time.monotonic()
    drawing(smiles)
    assert time.monotonic() - started < 2


def test_atoms_are_coloured_by_their_weights() -> None:
    plain = drawing("CCO", 200, 100)
    coloured = weighted_drawing("CCO", (1.0, -1.0, 0.0), 200, 100)
    assert plain is not None
    assert coloured is not None
    assert coloured.count("<ellipse") == plain.count("<ellipse") + 2
