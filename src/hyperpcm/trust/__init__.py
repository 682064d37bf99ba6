"""Whether to believe a score: intervals and probabilities that hold for new targets, and the domain.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.trust.attribution import AtomContributions, atom_contributions
    from hyperpcm.trust.conformal import HeldOut, calibrate, conformal_quantiles
    from hyperpcm.trust.measured import Coverage, measured_coverage, summarised
    from hyperpcm.trust.measured_probabilities import (
        ReliabilityMeasured,
        measured_reliability,
        summarised_reliability,
    )
    from hyperpcm.trust.probabilities import LogitMap, fit_logit_map

__all__ = [
    "AtomContributions",
    "Coverage",
    "HeldOut",
    "LogitMap",
    "ReliabilityMeasured",
    "atom_contributions",
    "calibrate",
    "conformal_quantiles",
    "fit_logit_map",
    "measured_coverage",
    "measured_reliability",
    "summarised",
    "summarised_reliability",
]

_HOMES = {
    **dict.fromkeys(("AtomContributions", "atom_contributions"), "attribution"),
    **dict.fromkeys(("HeldOut", "calibrate", "conformal_quantiles"), "conformal"),
    **dict.fromkeys(("Coverage", "measured_coverage", "summarised"), "measured"),
    **dict.fromkeys(
        ("ReliabilityMeasured", "measured_reliability", "summarised_reliability"), "measured_probabilities"
    ),
    **dict.fromkeys(("LogitMap", "fit_logit_map"), "probabilities"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
