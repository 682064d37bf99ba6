"""The compiled targets of a panel, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.cli.models import tell_licences

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console
    from hyperpcm.screening import Panel
    from hyperpcm.target_model import TargetModel

__all__ = ["panel_of", "tell_all_licences"]


def panel_of(files: list[Path], device: str, precision: str) -> tuple[Panel, list[TargetModel]]:
    """The targets stacked on a device, in a precision; one without a name is called as its file."""
    from hyperpcm.checkpoint import load_target_model
    from hyperpcm.screening import Panel

    models = [load_target_model(path) for path in files]
    names = [model.name or path.stem for model, path in zip(models, files, strict=True)]
    return Panel(models, names, device=device, precision=precision), models


def tell_all_licences(console: Console, models: Sequence[TargetModel]) -> None:
    """Say once for each set of encoders what forbids commercial use."""
    for model in {tuple(sorted(model.licences.items())): model for model in models}.values():
        tell_licences(console, model)
