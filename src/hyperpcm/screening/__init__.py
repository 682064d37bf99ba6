"""Many targets or many compounds at once: panels of compiled targets, and libraries of any size.

The names below are resolved when first used: who prepares compounds needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.screening.backing import Backing, backing_of_hits
    from hyperpcm.screening.filters import FILTERS, StructureFilter, diverse, diverse_hits
    from hyperpcm.screening.library_index import LibraryIndex, LoadedIndex, build_index
    from hyperpcm.screening.panel import Panel, PanelScores
    from hyperpcm.screening.recipe import CompoundRecipe
    from hyperpcm.screening.screen import Screened, screen_library
    from hyperpcm.screening.screen_state import StateFolder, screen_job
    from hyperpcm.screening.selectivity import (
        fishing_scores,
        selectivity_entropy,
        selectivity_score,
        selectivity_window,
    )
    from hyperpcm.screening.top import Hit, TopList

__all__ = [
    "FILTERS",
    "Backing",
    "CompoundRecipe",
    "Hit",
    "LibraryIndex",
    "LoadedIndex",
    "Panel",
    "PanelScores",
    "Screened",
    "StateFolder",
    "StructureFilter",
    "TopList",
    "backing_of_hits",
    "build_index",
    "diverse",
    "diverse_hits",
    "fishing_scores",
    "screen_job",
    "screen_library",
    "selectivity_entropy",
    "selectivity_score",
    "selectivity_window",
]

_HOMES = {
    "FILTERS": "filters",
    "Backing": "backing",
    "CompoundRecipe": "recipe",
    "Hit": "top",
    "LibraryIndex": "library_index",
    "LoadedIndex": "library_index",
    "Panel": "panel",
    "PanelScores": "panel",
    "Screened": "screen",
    "StateFolder": "screen_state",
    "StructureFilter": "filters",
    "TopList": "top",
    "backing_of_hits": "backing",
    "build_index": "library_index",
    "diverse": "filters",
    "diverse_hits": "filters",
    "fishing_scores": "selectivity",
    "screen_job": "screen_state",
    "screen_library": "screen",
    "selectivity_entropy": "selectivity",
    "selectivity_score": "selectivity",
    "selectivity_window": "selectivity",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
