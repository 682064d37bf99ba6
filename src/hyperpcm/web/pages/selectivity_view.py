"""A few compounds on the panel side by side: which targets tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from hyperpcm.web.pages.compound_view import facts
from hyperpcm.web.pages.drawings import drawing
from hyperpcm.web.pages.words import counted, number, shade, titled

if TYPE_CHECKING:
    from hyperpcm.web.answers import PanelAnswer

__all__ = ["MOST_DRAWN", "selectivity_view"]

MOST_DRAWN: Final = 20
"""Compounds that stand side by side."""
_IN_MAP: Final = 60
_SMALL: Final = (150, 100)


def selectivity_view(answer: PanelAnswer) -> dict[str, Any]:
    """Return what the template of the page needs.

    Args:
        answer: of several compounds.
    """
    scores = [{one.target: one.score for one in compound.targets} for compound in answer.compounds]
    strongest = {name: max(own[name] for own in scores) for name in answer.targets}
    drawn = set(sorted(answer.targets, key=lambda name: -strongest[name])[:_IN_MAP])
    names = [name for name in answer.targets if name in drawn]  # those that score alike side by side
    shown = [own[name] for own in scores for name in names]
    low, high = min(shown), max(shown)
    left_out = len(answer.targets) - len(names)
    return {
        "heading": f"{counted(len(scores), 'compound')} on {counted(len(answer.targets), 'target')}",
        "title": titled(answer.quantity),
        "low": number(low),
        "high": number(high),
        "more": f"{counted(left_out, 'target')} on which all of them are weaker are not drawn."
        if left_out
        else "",
        "compounds": [
            {
                "number": place,
                "name": compound.name or f"Compound {place}",
                "smiles": compound.smiles,
                "drawing": drawing(compound.smiles, *_SMALL),
                "alone": f"/compound?{urlencode({'smiles': compound.smiles})}",
                "facts": facts(compound, answer),
            }
            for place, compound in enumerate(answer.compounds, start=1)
        ],
        "rows": [
            {
                "name": name,
                "cells": [
                    {"score": number(own[name]), "shade": shade(own[name], low, high)} for own in scores
                ],
            }
            for name in names
        ],
    }
