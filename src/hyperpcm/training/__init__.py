"""Orchestration of training and of evaluating a run; the only owner of Lightning Fabric."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"hyperpcm.training.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
