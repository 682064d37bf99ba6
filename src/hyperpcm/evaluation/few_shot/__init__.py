"""The few-shot setting: how scores of a held-out target improve with 1, 2, 4, … measured compounds."""

from __future__ import annotations

from hyperpcm.evaluation.few_shot.curves import METRICS, Curves, FewShotInputs, measure_curves
from hyperpcm.evaluation.few_shot.draws import Draw, FewShotProtocol, draw_targets, scaffold_groups
from hyperpcm.evaluation.few_shot.results import (
    LABELS_ROW,
    FewShotPart,
    check_protocol,
    part_path,
    read_parts,
    summarise,
    summary_path,
)
from hyperpcm.evaluation.few_shot.statistics import PairedDifference, paired_difference, worse_share
from hyperpcm.evaluation.few_shot.tables import all_curves, render_few_shot

__all__ = [
    "LABELS_ROW",
    "METRICS",
    "Curves",
    "Draw",
    "FewShotInputs",
    "FewShotPart",
    "FewShotProtocol",
    "PairedDifference",
    "all_curves",
    "check_protocol",
    "draw_targets",
    "measure_curves",
    "paired_difference",
    "part_path",
    "read_parts",
    "render_few_shot",
    "scaffold_groups",
    "summarise",
    "summary_path",
    "worse_share",
]
