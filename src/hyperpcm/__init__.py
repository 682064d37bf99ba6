"""Which compounds act on this protein, how strongly, and may I believe it?

The public names are imported when they are first asked for, so that ``import hyperpcm`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.checkpoint import load_model, load_target_model, save_model, save_target_model
    from hyperpcm.config import RunConfig, load_config
    from hyperpcm.datasets import Interactions, Quantity, Split, load, make_splits, read_table
    from hyperpcm.errors import HyperpcmError, InputError, Rejection
    from hyperpcm.model import HyperPCM
    from hyperpcm.pretrained import load_pretrained
    from hyperpcm.target_model import Scores, TargetModel
    from hyperpcm.training import evaluate_run, fit

__all__ = [
    "HyperPCM",
    "HyperpcmError",
    "InputError",
    "Interactions",
    "Quantity",
    "Rejection",
    "RunConfig",
    "Scores",
    "Split",
    "TargetModel",
    "evaluate_run",
    "fit",
    "load",
    "load_config",
    "load_model",
    "load_pretrained",
    "load_target_model",
    "make_splits",
    "read_table",
    "save_model",
    "save_target_model",
]

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("load_model", "load_target_model", "save_model", "save_target_model"), "checkpoint"),
    **dict.fromkeys(("RunConfig", "load_config"), "config"),
    **dict.fromkeys(("Interactions", "Quantity", "Split", "load", "make_splits", "read_table"), "datasets"),
    **dict.fromkeys(("HyperpcmError", "InputError", "Rejection"), "errors"),
    **dict.fromkeys(("HyperPCM",), "model"),
    **dict.fromkeys(("load_pretrained",), "pretrained"),
    **dict.fromkeys(("Scores", "TargetModel"), "target_model"),
    **dict.fromkeys(("evaluate_run", "fit"), "training"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
