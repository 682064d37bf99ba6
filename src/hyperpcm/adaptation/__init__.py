"""Learning from a few measurements on one target: methods behind one call, and what to measure next.

`Posterior` is the product's own method; `FineTuning`, `HeadRegression` and `ResidualRidge` are its rivals,
each an `hyperpcm.datasets.few_shot.Adapter`. Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.adaptation.acquisition import STRATEGIES, expected_improvement
    from hyperpcm.adaptation.campaign import Campaign, Suggestion
    from hyperpcm.adaptation.curve import CurvePoint, learning_curve
    from hyperpcm.adaptation.fine_tuning import FineTuning, tunable_embedding, tunable_weights
    from hyperpcm.adaptation.kernels import HeadRegression, ResidualRidge
    from hyperpcm.adaptation.library_state import LibraryState, scored_library, state_folder
    from hyperpcm.adaptation.posterior import Posterior
    from hyperpcm.adaptation.suggest_compounds import HeldCompounds
    from hyperpcm.adaptation.suggest_conditions import CompoundTable, Condition
    from hyperpcm.adaptation.suggest_outlook import Outlook
    from hyperpcm.adaptation.views import TargetView, TargetViews

__all__ = [
    "STRATEGIES",
    "Campaign",
    "CompoundTable",
    "Condition",
    "CurvePoint",
    "FineTuning",
    "HeadRegression",
    "HeldCompounds",
    "LibraryState",
    "Outlook",
    "Posterior",
    "ResidualRidge",
    "Suggestion",
    "TargetView",
    "TargetViews",
    "expected_improvement",
    "learning_curve",
    "scored_library",
    "state_folder",
    "tunable_embedding",
    "tunable_weights",
]

_HOMES = {
    **dict.fromkeys(("STRATEGIES", "expected_improvement"), "acquisition"),
    **dict.fromkeys(("Campaign", "Suggestion"), "campaign"),
    **dict.fromkeys(("FineTuning", "tunable_embedding", "tunable_weights"), "fine_tuning"),
    **dict.fromkeys(("HeadRegression", "ResidualRidge"), "kernels"),
    **dict.fromkeys(("CurvePoint", "learning_curve"), "curve"),
    **dict.fromkeys(("LibraryState", "scored_library", "state_folder"), "library_state"),
    "Posterior": "posterior",
    "HeldCompounds": "suggest_compounds",
    **dict.fromkeys(("CompoundTable", "Condition"), "suggest_conditions"),
    "Outlook": "suggest_outlook",
    **dict.fromkeys(("TargetView", "TargetViews"), "views"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
