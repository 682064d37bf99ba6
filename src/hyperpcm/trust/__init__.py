"""Whether to believe a score: intervals, probabilities, the domain, evidence, atoms, and mutants.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.trust.attribution import AtomContributions, atom_contributions
    from hyperpcm.trust.card import Evidence, MeasuredCompound, RetrievedTarget
    from hyperpcm.trust.conformal import HeldOut, calibrate, conformal_quantiles
    from hyperpcm.trust.differences import Differences
    from hyperpcm.trust.evidence import TargetEvidence, evidence_card
    from hyperpcm.trust.masking import MaskedAtoms, masked_atoms
    from hyperpcm.trust.measured import (
        Coverage,
        coverage_by_level,
        coverage_of_kinds,
        half_widths,
        measured_coverage,
        summarised,
    )
    from hyperpcm.trust.measured_mutants import measured_differences
    from hyperpcm.trust.measured_probabilities import (
        ReliabilityMeasured,
        measured_reliability,
        summarised_reliability,
    )
    from hyperpcm.trust.mutants import MutantFigures, MutantTest, judged
    from hyperpcm.trust.mutation_scan import MutationScan, scan_mutations
    from hyperpcm.trust.probabilities import LogitMap, fit_logit_map

__all__ = [
    "AtomContributions",
    "Coverage",
    "Differences",
    "Evidence",
    "HeldOut",
    "LogitMap",
    "MaskedAtoms",
    "MeasuredCompound",
    "MutantFigures",
    "MutantTest",
    "MutationScan",
    "ReliabilityMeasured",
    "RetrievedTarget",
    "TargetEvidence",
    "atom_contributions",
    "calibrate",
    "conformal_quantiles",
    "coverage_by_level",
    "coverage_of_kinds",
    "evidence_card",
    "fit_logit_map",
    "half_widths",
    "judged",
    "masked_atoms",
    "measured_coverage",
    "measured_differences",
    "measured_reliability",
    "scan_mutations",
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
        (
            "Coverage",
            "coverage_by_level",
            "coverage_of_kinds",
            "half_widths",
            "measured_coverage",
            "summarised",
        ),
        "measured",
    ),
    **dict.fromkeys(
        ("ReliabilityMeasured", "measured_reliability", "summarised_reliability"), "measured_probabilities"
    ),
    **dict.fromkeys(("LogitMap", "fit_logit_map"), "probabilities"),
    "Differences": "differences",
    "measured_differences": "measured_mutants",
    **dict.fromkeys(("MutantFigures", "MutantTest", "judged"), "mutants"),
    **dict.fromkeys(("MutationScan", "scan_mutations"), "mutation_scan"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
