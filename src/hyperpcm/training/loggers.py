"""Where each epoch's record goes: always JSON lines in the run folder, TensorBoard and W&B on request."""

from __future__ import annotations

import importlib.util
from types import TracebackType
from typing import Any

from hyperpcm.config import RunConfig, TrainingConfig
from hyperpcm.errors import MissingExtraError
from hyperpcm.training.run_folder import RunFolder

__all__ = ["RunLoggers", "check_loggers"]


def check_loggers(training: TrainingConfig) -> None:
    """Refuse, before anything expensive happens, a logger that is not installed.

    Raises:
        MissingExtraError: the message holds the install command.
    """
    if training.tensorboard and not _is_installed("tensorboard"):
        raise MissingExtraError("TensorBoard", "tensorboard")
    if training.wandb and not _is_installed("wandb"):
        raise MissingExtraError("Weights & Biases", "wandb")


def _is_installed(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None  # W&B leaves folders of its own name: no package


class RunLoggers:
    """Context that receives every epoch's record.

    Args:
        config: of the run.
        folder: None keeps nothing on disk.
        history: records of epochs before a resume; the same list the loop appends to.

    Raises:
        MissingExtraError: a logger was asked for that is not installed.
    """

    def __init__(self, config: RunConfig, folder: RunFolder | None, history: list[dict[str, Any]]) -> None:
        self._folder, self._history = folder, history
        self._tensorboard, self._wandb = None, None
        if folder is None:
            return
        if config.training.tensorboard:
            self._tensorboard = _tensorboard(folder)
        if config.training.wandb:
            self._wandb = _wandb(folder, config)

    def epoch(self, record: dict[str, Any]) -> None:
        """Write one record everywhere."""
        if self._folder is not None:
            self._folder.write_history(self._history)
        numbers = {key: value for key, value in record.items() if isinstance(value, int | float)}
        if self._tensorboard is not None:
            for key, value in numbers.items():
                self._tensorboard.add_scalar(key, value, record["epoch"])
        if self._wandb is not None:
            self._wandb.log(numbers, step=record["epoch"])

    def __enter__(self) -> RunLoggers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if error is None else 1)


def _tensorboard(folder: RunFolder) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("TensorBoard", "tensorboard") from None
    return SummaryWriter(str(folder.path / "tensorboard"))


def _wandb(folder: RunFolder, config: RunConfig) -> Any:
    try:
        import wandb
    except ImportError:
        raise MissingExtraError("Weights & Biases", "wandb") from None
    return wandb.init(
        project="hyperpcm", dir=str(folder.path), config=config.model_dump(mode="json"), resume="allow"
    )
