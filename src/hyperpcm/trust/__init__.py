"""Whether to believe a score: intervals for new targets, the domain, atoms, and what is known of mutants.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.trust.attribution import AtomContributions, atom_contributions
    from hyperpcm.trust.conformal import HeldOut, calibrate, conformal_quantiles
    from hyperpcm.trust.differences import Differences
    from hyperpcm.trust.measured import Coverage, measured_coverage, summarised
    from hyperpcm.trust.measured_mutants import measured_differences
    from hyperpcm.trust.mutants import MutantFigures, MutantTest, judged
    from hyperpcm.trust.mutation_scan import MutationScan, scan_mutations

__all__ = [
    "AtomContributions",
    "Coverage",
    "Differences",
    "HeldOut",
    "MutantFigures",
    "MutantTest",
    "MutationScan",
    "atom_contributions",
    "calibrate",
    "conformal_quantiles",
    "judged",
    "measured_coverage",
    "measured_differences",
    "scan_mutations",
    "summarised",
]

_HOMES = {
    **dict.fromkeys(("AtomContributions", "atom_contributions"), "attribution"),
    **dict.fromkeys(("HeldOut", "calibrate", "conformal_quantiles"), "conformal"),
    "Differences": "differences",
    "measured_differences": "measured_mutants",
    **dict.fromkeys(("MutantFigures", "MutantTest", "judged"), "mutants"),
    **dict.fromkeys(("MutationScan", "scan_mutations"), "mutation_scan"),
    **dict.fromkeys(("Coverage", "measured_coverage", "summarised"), "measured"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
