"""Many targets or many compounds at once: panels of compiled targets, and what their scores say together."""

from __future__ import annotations

from hyperpcm.screening.panel import Panel, PanelScores
from hyperpcm.screening.selectivity import (
    fishing_scores,
    selectivity_entropy,
    selectivity_score,
    selectivity_window,
)

__all__ = [
    "Panel",
    "PanelScores",
    "fishing_scores",
    "selectivity_entropy",
    "selectivity_score",
    "selectivity_window",
]
