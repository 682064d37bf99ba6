"""Where each epoch's record goes: always JSON lines in the run folder, TensorBoard and W&B on request.

Both also get every setting and, at the end, the files of the run; evaluation adds its results to them.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from hyperpcm.config import RunConfig, TrainingConfig
from hyperpcm.errors import MissingExtraError
from hyperpcm.training.run_folder import RunFolder

__all__ = ["RunLoggers", "check_loggers", "log_results"]


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
            self._tensorboard = _tensorboard(folder, history[-1]["epoch"] + 1 if history else 0)
            self._tensorboard.add_text("settings", f"```json\n{config.to_json()}\n```", 0)
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

    def files(self, *paths: Path) -> None:
        """Keep files of the run with its curves: W&B gets copies, TensorBoard their names and sizes."""
        if self._tensorboard is not None:
            lines = [f"- `{path.resolve()}` ({path.stat().st_size} bytes)" for path in paths]
            self._tensorboard.add_text("files", "\n".join(lines), self._history[-1]["epoch"])
        if self._wandb is not None:
            _keep(self._wandb, "model", paths)

    def __enter__(self) -> RunLoggers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()
        if self._wandb is not None:
            self._wandb.finish(exit_code=0 if error is None else 1)


def log_results(folder: RunFolder, config: RunConfig, numbers: Mapping[str, float], *paths: Path) -> None:
    """Add what came out of an evaluation to the curves of a run.

    Args:
        folder: of the run.
        config: of the run; tells which loggers it has.
        numbers: metrics by name; those that are not finite should be left out.
        paths: files to keep beside them.

    Raises:
        MissingExtraError: a logger was asked for that is not installed.
    """
    check_loggers(config.training)
    epoch = folder.history()[-1]["epoch"]
    if config.training.tensorboard:
        writer = _tensorboard(folder)
        for key, value in numbers.items():
            writer.add_scalar(key, value, epoch)
        writer.close()
    if config.training.wandb:
        run = _wandb(folder, config)
        run.summary.update(dict(numbers))
        _keep(run, "results", paths)
        run.finish()


def _keep(run: Any, kind: str, paths: tuple[Path, ...]) -> None:
    import wandb

    artifact = wandb.Artifact(f"{kind}-{run.id}", type=kind)
    for path in paths:
        artifact.add_file(str(path), name=path.name)
    run.log_artifact(artifact)


def _tensorboard(folder: RunFolder, first_step: int | None = None) -> Any:
    """Return a writer; what an interrupted run wrote from the first step on counts no more."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtraError("TensorBoard", "tensorboard") from None
    return SummaryWriter(str(folder.tensorboard_path), purge_step=first_step)


def _wandb(folder: RunFolder, config: RunConfig) -> Any:
    """Return the W&B run of the folder, always the same one."""
    try:
        import wandb
    except ImportError:
        raise MissingExtraError("Weights & Biases", "wandb") from None
    if not folder.wandb_path.exists():
        folder.write_text(folder.wandb_path, json.dumps({"id": secrets.token_hex(4)}))
    return wandb.init(
        project="hyperpcm",
        id=json.loads(folder.wandb_path.read_text(encoding="utf-8"))["id"],
        name=folder.path.resolve().name,
        dir=str(folder.path),
        config=config.model_dump(mode="json"),
        resume="allow",
    )
