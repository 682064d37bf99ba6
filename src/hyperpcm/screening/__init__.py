"""Many targets or many compounds at once: panels of compiled targets, and libraries of any size."""

from __future__ import annotations

from hyperpcm.screening.filters import FILTERS, StructureFilter, diverse, diverse_hits
from hyperpcm.screening.library_index import LibraryIndex, LoadedIndex, build_index
from hyperpcm.screening.nearest import nearest_of_hits
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
    "build_index",
    "diverse",
    "diverse_hits",
    "fishing_scores",
    "nearest_of_hits",
    "screen_job",
    "screen_library",
    "selectivity_entropy",
    "selectivity_score",
    "selectivity_window",
]
