"""Many targets or many compounds at once: panels of compiled targets, and libraries of any size."""

from __future__ import annotations

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
