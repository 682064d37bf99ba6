"""Orchestration of training and of evaluating a run; the only owner of Lightning Fabric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.training.evaluation import EvaluatedRun, evaluate_run
    from hyperpcm.training.run import FittedRun, fit
    from hyperpcm.training.run_folder import RunFolder

__all__ = ["EvaluatedRun", "FittedRun", "RunFolder", "evaluate_run", "fit"]

_HOMES = {
    "EvaluatedRun": "evaluation",
    "evaluate_run": "evaluation",
    "FittedRun": "run",
    "fit": "run",
    "RunFolder": "run_folder",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
