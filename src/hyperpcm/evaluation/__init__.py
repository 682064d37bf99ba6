"""How good scores are beside those of the nulls: metrics of one model, results files, tables for people."""

from __future__ import annotations

from hyperpcm.evaluation.evaluate import choose_threshold, evaluate_scores
from hyperpcm.evaluation.nulls import Fittable, run_nulls
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.results import AccuracyResults, ResultRow
from hyperpcm.evaluation.shuffle import run_shuffled, shuffled_targets
from hyperpcm.evaluation.surroundings import Surroundings, surroundings
from hyperpcm.evaluation.tables import Comparison, compare, render_table

__all__ = [
    "AccuracyResults",
    "Comparison",
    "Fittable",
    "Performance",
    "ResultRow",
    "Surroundings",
    "choose_threshold",
    "compare",
    "evaluate_scores",
    "render_table",
    "run_nulls",
    "run_shuffled",
    "shuffled_targets",
    "surroundings",
]
