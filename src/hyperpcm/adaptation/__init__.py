"""Learning from measurements on one target: which compounds to measure next.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.adaptation.acquisition import STRATEGIES, expected_improvement
    from hyperpcm.adaptation.campaign import Campaign, Suggestion
    from hyperpcm.adaptation.library_state import LibraryState, scored_library, state_folder
    from hyperpcm.adaptation.suggest_compounds import HeldCompounds
    from hyperpcm.adaptation.suggest_conditions import CompoundTable, Condition
    from hyperpcm.adaptation.suggest_outlook import Outlook

__all__ = [
    "STRATEGIES",
    "Campaign",
    "CompoundTable",
    "Condition",
    "HeldCompounds",
    "LibraryState",
    "Outlook",
    "Suggestion",
    "expected_improvement",
    "scored_library",
    "state_folder",
]

_HOMES = {
    **dict.fromkeys(("STRATEGIES", "expected_improvement"), "acquisition"),
    **dict.fromkeys(("Campaign", "Suggestion"), "campaign"),
    **dict.fromkeys(("LibraryState", "scored_library", "state_folder"), "library_state"),
    "HeldCompounds": "suggest_compounds",
    **dict.fromkeys(("CompoundTable", "Condition"), "suggest_conditions"),
    "Outlook": "suggest_outlook",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
