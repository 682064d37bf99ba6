"""The training state on disk: written between steps, read back to go on exactly there."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from hyperpcm.checkpoint import read_archive, write_archive
from hyperpcm.errors import CorruptModelError, InputError
from hyperpcm.training.loop import LoopState, Trainer
from hyperpcm.training.run_folder import RunFolder

__all__ = ["load_state", "save_state"]


def save_state(folder: RunFolder, trainer: Trainer, name: str = "last") -> None:
    """Write where training stands; the state of that name before stays whole until this one is."""
    folder.state_path.mkdir(exist_ok=True)
    tensors = {f"model.{key}": tensor for key, tensor in trainer.raw_model.state_dict().items()}
    tensors |= {f"loss.{key}": tensor for key, tensor in trainer.loss.state_dict().items()}
    tensors |= {f"best.{key}": tensor for key, tensor in trainer.best.items()}
    optimiser = trainer.optimiser.state_dict()
    groups = [
        {key: value for key, value in group.items() if key != "params"} for group in optimiser["param_groups"]
    ]
    for number, entries in optimiser["state"].items():
        tensors |= {f"optimiser.{number}.{key}": _tensor(value) for key, value in entries.items()}
    header: dict[str, Any] = {
        "state": dataclasses.asdict(trainer.state),
        "rates": [group["lr"] for group in groups],
        "precision": trainer.fabric.strategy.precision.state_dict(),
    }
    write_archive(
        folder.state_path / f"{name}.safetensors", "training_state", tensors, header, overwrite=True
    )


def load_state(folder: RunFolder, trainer: Trainer, name: str = "last") -> None:
    """Put model, optimiser and loop where the last checkpoint left them; nothing happens without one.

    Raises:
        CorruptModelError: the state is damaged or does not fit the model.
    """
    path = folder.state_path / f"{name}.safetensors"
    if not path.exists():
        return
    archive = read_archive(path, "training_state")
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "loss": {}, "best": {}, "optimiser": {}}
    try:
        for name, tensor in archive.tensors.items():
            part, _, key = name.partition(".")
            parts[part][key] = tensor
        trainer.fabric.strategy.precision.load_state_dict(archive.header["precision"])  # type: ignore[arg-type]
        trainer.raw_model.load_state_dict(parts["model"])
        trainer.loss.load_state_dict(parts["loss"])
        _load_optimiser(trainer.optimiser, parts["optimiser"])
        trainer.state = LoopState(**archive.header["state"])  # type: ignore[arg-type]
    except (RuntimeError, TypeError, KeyError, ValueError) as error:
        raise CorruptModelError(f"{path}: this training state does not fit the model: {error}") from None
    trainer.best = parts["best"]
    if trainer.state.best_epoch < 0:
        raise InputError(f"{path}: this training state was written before the first validation.")


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    current = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = tensor
    current["state"] = state
    optimiser.load_state_dict(current)


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value)
