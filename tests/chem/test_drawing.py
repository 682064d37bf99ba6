from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from hyperpcm.chem import depict_svg
from hyperpcm.errors import InvalidSmilesError

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
SVG = "{http://www.w3.org/2000/svg}"


def contrast(colour, background):
    """WCAG 2.2 contrast ratio of two #rrggbb colours."""

    def luminance(text):
        channels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(colour), luminance(background)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_drawing_is_one_svg_element_of_the_size_asked_for():
    root = ElementTree.fromstring(depict_svg(IMATINIB, width=200, height=150))
    assert root.tag == SVG + "svg"
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("200px", "150px", "0 0 200 150")


def test_a_drawing_has_a_line_for_every_bond():
    drawing = depict_svg("CCCCC", width=200, height=150)
    assert drawing.count("<path") >= 4
    assert depict_svg("CCCCCCCCCC", width=200, height=150).count("<path") > drawing.count("<path")


def test_drawings_share_no_identifier_or_class_and_bring_no_font_script_or_address():
    drawing = depict_svg("C[C@H](N)C(=O)[O-].[Na+]")
    assert not re.search(r"\sid=|class=|<text|<script|<style|href|url\(|<\?xml|<!--", drawing)
    assert re.findall(r"https?://[^'\"]*", drawing) == ["http://www.w3.org/2000/svg"]


def test_a_drawing_is_the_same_every_time():
    assert depict_svg(IMATINIB) == depict_svg(IMATINIB)


def test_the_background_is_transparent_and_bonds_take_the_colour_of_the_text():
    drawing = depict_svg("CCC")
    assert "<rect" not in drawing
    assert set(re.findall(r"(?:stroke|fill):(#\w+|currentColor)", drawing)) == {"currentColor"}


def test_every_element_colour_stands_out_on_white_and_on_near_black():
    drawing = depict_svg("O=S(=O)(N)c1c(F)c(Cl)c(Br)c(I)c1P(C)C")
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}", drawing))
    assert len(colours) == 5
    for colour in colours:
        assert contrast(colour, "#ffffff") >= 3
        assert contrast(colour, "#15171c") >= 3


def test_a_small_compound_is_not_blown_up():
    ends = [float(x) for x in re.findall(r"[ML] ([\d.]+),", depict_svg("CC", width=400, height=400))]
    assert 20 < max(ends) - min(ends) < 26


def test_atom_maps_are_not_drawn():
    assert depict_svg("[CH3:7][CH2:8][OH:9]") == depict_svg("CCO")


@pytest.mark.parametrize(
    ("smiles", "code"),
    [
        ("", "EMPTY"),
        (None, "TYPE"),
        ("C1CC", "PARSE"),
        ("</svg><script>alert(1)</script>", "UNSUPPORTED"),
        ("<svg/onload=alert(1)", "PARSE"),
        ("CC |$<script>$|", "TRAILING_TEXT"),
        ("C(C)(C)(C)(C)C", "SANITIZE"),
        ("C" * 301, "TOO_LARGE"),
        ("C" * 5000, "TOO_LARGE"),
        ("CC>>CO", "UNSUPPORTED"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_code(smiles, code):
    with pytest.raises(InvalidSmilesError) as refused:
        depict_svg(smiles)
    assert refused.value.code == code


def test_the_largest_compound_has_a_drawing_of_bounded_size():
    assert len(depict_svg("C" * 300)) < 100_000


@pytest.mark.parametrize("side", [0, -5, 39, 2001])
def test_a_side_out_of_range_is_refused(side):
    with pytest.raises(ValueError, match="40 to 2000"):
        depict_svg("CCO", width=side)
