"""Which model is meant: a file, the folder of a run, a name, or any with overlays laid over its memory."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM

__all__ = ["ModelSource", "model_file", "model_source"]


@dataclass(frozen=True)
class ModelSource:
    """A model file, with the overlays that are laid over its memory.

    Attributes:
        path: of the model.
        overlays: files of them, in the order in which they are laid.
        name: that it was asked for by; None: it was given as a file or a folder.
        reason: why it is asked where no model was given, in words; None: it was given.
    """

    path: Path
    overlays: tuple[Path, ...] = ()
    name: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        """As it is given on the command line."""
        return "+".join([self.name or str(self.path), *map(str, self.overlays)])

    @property
    def files(self) -> list[Path]:
        """What is read."""
        return [self.path, *self.overlays]

    @property
    def is_target(self) -> bool:
        """Whether it is a compiled target.

        Raises:
            InputError: it is one, and overlays are given.
            ModelFileError: the file cannot be used.
        """
        from hyperpcm.checkpoint import archive_kind

        found = archive_kind(self.path) == "target_model"
        if found and self.overlays:
            raise InputError(
                f"{self}: {self.path} is the model of one target, which has no memory that an overlay could "
                "be laid over. Lay it over the run or model, and compile the target from both."
            )
        return found

    def load(self) -> HyperPCM:
        """The trained model with its overlays.

        Raises:
            ModelFileError: a file cannot be used, or an overlay was made for another model.
        """
        from hyperpcm.checkpoint import load_model, load_overlaid

        return load_overlaid(self.path, self.overlays) if self.overlays else load_model(self.path)


def model_source(given: Path | None) -> ModelSource:
    """The model that is meant, with its overlays.

    Args:
        given: a model file, the folder of a run, or the name of a model (`hyperpcm.pretrained`); with
            overlays as ``run+project.hpm``. None: the default model.

    Raises:
        ConfigError: the user's choice of a default model cannot be read.
        InputError: there is no such file, the run has not ended, or there is no default model.
    """
    if given is None:
        from hyperpcm.pretrained.choice import needed_default

        default = needed_default()
        try:
            return dataclasses.replace(_given_source(default.given), reason=default.reason)
        except InputError as error:
            raise InputError(f"the default model, {default.reason}: {error}") from None
    return _given_source(given)


def _given_source(given: Path) -> ModelSource:
    """The model that was given."""
    if given.exists() or "+" not in str(given):
        return _named_source(given)
    parts = str(given).split("+")
    found: list[Path] = []
    while parts:
        # The longest name that exists: a plus may be part of a name.
        most = next((n for n in range(len(parts), 0, -1) if Path("+".join(parts[:n])).exists()), 1)
        found.append(Path("+".join(parts[:most])))
        parts = parts[most:]
    for overlay in found[1:]:
        if not overlay.is_file():
            raise InputError(f"{given}: there is no overlay {overlay}. Write one: hyperpcm memory add")
    return dataclasses.replace(_named_source(found[0]), overlays=tuple(found[1:]))


def _named_source(given: Path) -> ModelSource:
    """The model without overlays; a file or folder of the same name goes before the name of a model."""
    from hyperpcm.pretrained.registry import find_model

    found = None if given.exists() else find_model(str(given))
    return ModelSource(model_file(given)) if found is None else ModelSource(found.path, name=found.name)


def model_file(given: Path) -> Path:
    """The file of the model that is meant.

    Args:
        given: the file itself, or the folder of a run.

    Raises:
        InputError: there is none, or the run has not ended.
    """
    from hyperpcm.training.run_folder import RunFolder

    if not given.exists():
        raise InputError(
            f"{given}: there is no such file or folder. Give a model, the folder of a run, or a name that "
            "hyperpcm models list tells."
        )
    if not given.is_dir():
        return given
    run = RunFolder(given)
    if not run.model_path.is_file():
        run.config()  # says so if this is no run at all
        raise InputError(
            f"{given}: this run has not ended, so it has no {run.model_path.name} yet. "
            f"Go on with it: hyperpcm train --resume --out {given}"
        )
    return run.model_path
