"""Whether to believe a score: intervals and probabilities that hold for new targets, domain, evidence.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.trust.attribution import AtomContributions, atom_contributions
    from hyperpcm.trust.card import Evidence, MeasuredCompound, RetrievedTarget
    from hyperpcm.trust.conformal import HeldOut, calibrate, conformal_quantiles
    from hyperpcm.trust.evidence import TargetEvidence, evidence_card
    from hyperpcm.trust.masking import MaskedAtoms, masked_atoms
    from hyperpcm.trust.measured import (
        Coverage,
        coverage_by_level,
        half_widths,
        measured_coverage,
        summarised,
    )
    from hyperpcm.trust.measured_probabilities import (
        ReliabilityMeasured,
        measured_reliability,
        summarised_reliability,
    )
    from hyperpcm.trust.probabilities import LogitMap, fit_logit_map

__all__ = [
    "AtomContributions",
    "Coverage",
    "Evidence",
    "HeldOut",
    "LogitMap",
    "MaskedAtoms",
    "MeasuredCompound",
    "ReliabilityMeasured",
    "RetrievedTarget",
    "TargetEvidence",
    "atom_contributions",
    "calibrate",
    "conformal_quantiles",
    "coverage_by_level",
    "evidence_card",
    "fit_logit_map",
    "half_widths",
    "masked_atoms",
    "measured_coverage",
    "measured_reliability",
    "summarised",
    "summarised_reliability",
]

_HOMES = {
    **dict.fromkeys(("AtomContributions", "atom_contributions"), "attribution"),
    **dict.fromkeys(("Evidence", "MeasuredCompound", "RetrievedTarget"), "card"),
    **dict.fromkeys(("TargetEvidence", "evidence_card"), "evidence"),
    **dict.fromkeys(("MaskedAtoms", "masked_atoms"), "masking"),
    **dict.fromkeys(("HeldOut", "calibrate", "conformal_quantiles"), "conformal"),
    **dict.fromkeys(
        ("Coverage", "coverage_by_level", "half_widths", "measured_coverage", "summarised"), "measured"
    ),
    **dict.fromkeys(
        ("ReliabilityMeasured", "measured_reliability", "summarised_reliability"), "measured_probabilities"
    ),
    **dict.fromkeys(("LogitMap", "fit_logit_map"), "probabilities"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
