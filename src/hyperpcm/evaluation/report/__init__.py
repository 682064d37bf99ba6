"""The report of a training run: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from hyperpcm.evaluation.report.inputs import (
    CompiledTarget,
    DataSummary,
    MutantFindings,
    RankedCompound,
    ReportInputs,
    ScoredRows,
    SplitSummary,
    TrainingCurve,
)
from hyperpcm.evaluation.report.page import render_report, write_report

__all__ = [
    "CompiledTarget",
    "DataSummary",
    "MutantFindings",
    "RankedCompound",
    "ReportInputs",
    "ScoredRows",
    "SplitSummary",
    "TrainingCurve",
    "render_report",
    "write_report",
]
