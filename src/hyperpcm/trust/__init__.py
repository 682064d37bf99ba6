"""Whether to believe a score: intervals that hold for new targets, and where in the domain a row lies.

Public names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.trust.attribution import AtomContributions, atom_contributions
    from hyperpcm.trust.conformal import HeldOut, calibrate, conformal_quantiles
    from hyperpcm.trust.measured import (
        Coverage,
        coverage_by_level,
        half_widths,
        measured_coverage,
        summarised,
    )

__all__ = [
    "AtomContributions",
    "Coverage",
    "HeldOut",
    "atom_contributions",
    "calibrate",
    "conformal_quantiles",
    "coverage_by_level",
    "half_widths",
    "measured_coverage",
    "summarised",
]

_HOMES = {
    **dict.fromkeys(("AtomContributions", "atom_contributions"), "attribution"),
    **dict.fromkeys(("HeldOut", "calibrate", "conformal_quantiles"), "conformal"),
    **dict.fromkeys(
        ("Coverage", "coverage_by_level", "half_widths", "measured_coverage", "summarised"), "measured"
    ),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
