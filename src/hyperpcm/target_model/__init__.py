"""One compiled target: a small frozen QSAR model of one protein, and the scores it gives.

Public names are imported when they are first asked for, so that the scores of the NumPy form need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperpcm.target_model.label_scale import LabelScale
    from hyperpcm.target_model.model import TargetModel
    from hyperpcm.target_model.numpy_form import NumpyTargetModel
    from hyperpcm.target_model.prior import CompiledRidge, CompiledTrees, RetrievedPrior
    from hyperpcm.target_model.scores import Scores

__all__ = [
    "CompiledRidge",
    "CompiledTrees",
    "LabelScale",
    "NumpyTargetModel",
    "RetrievedPrior",
    "Scores",
    "TargetModel",
]

_HOMES = {
    "LabelScale": "label_scale",
    "NumpyTargetModel": "numpy_form",
    "Scores": "scores",
    "TargetModel": "model",
    **dict.fromkeys(("CompiledRidge", "CompiledTrees", "RetrievedPrior"), "prior"),
}


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return list(__all__)
