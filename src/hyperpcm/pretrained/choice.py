"""Which model answers where none is given: of the environment, of the user's choice, or the shipped one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import ConfigError, InputError, OutputError
from hyperpcm.pretrained.registry import DEFAULT_NAME, FOLDERS_VARIABLE, find_model, known_models

__all__ = [
    "MODEL_VARIABLE",
    "DefaultModel",
    "choice_path",
    "choose",
    "default_model",
    "needed_default",
    "reset",
]

MODEL_VARIABLE: Final = "HYPERPCM_MODEL"
"""Environment variable with a model: a name, a file or the folder of a run, also with overlays."""

_HOW: Final = (
    "Train one and give it (hyperpcm train --data chembl20 -o run; then --model run), make a file the "
    "default (hyperpcm models use FILE), or install a release of hyperpcm, which has one."
)


@dataclass(frozen=True)
class DefaultModel:
    """The model that is asked where none is given.

    Attributes:
        given: a name or a path, also with overlays as ``run+project.hpm``.
        by: who says so: the environment variable, the user's choice, or this package.
    """

    given: Path
    by: Literal["environment", "user", "package"]

    @property
    def reason(self) -> str:
        """Why it is the default, in words."""
        if self.by != "package":
            return (
                f"as {MODEL_VARIABLE} says"
                if self.by == "environment"
                else "as chosen with hyperpcm models use"
            )
        found = find_model(str(self.given))
        ships = found is None or found.is_shipped
        return "which ships with hyperpcm" if ships else f"found as {FOLDERS_VARIABLE} says"


def choice_path() -> Path:
    """Return the file that holds the user's choice."""
    import platformdirs

    return Path(platformdirs.user_config_dir("hyperpcm")) / "model.json"


def default_model() -> DefaultModel | None:
    """Return the model that is asked where none is given; None: there is none.

    Raises:
        ConfigError: the file of the user's choice cannot be read.
    """
    named = os.environ.get(MODEL_VARIABLE, "")
    if named:
        return DefaultModel(Path(named), "environment")
    chosen = _chosen()
    if chosen is not None:
        return DefaultModel(Path(chosen), "user")
    if find_model(DEFAULT_NAME) is not None:
        return DefaultModel(Path(DEFAULT_NAME), "package")
    return None


def needed_default() -> DefaultModel:
    """Return the model that is asked where none is given.

    Raises:
        ConfigError: as `default_model`.
        InputError: there is none; the message tells how to get one.
    """
    found = default_model()
    if found is not None:
        return found
    names = [one.name for one in known_models()]
    listed = f" Those with a name: {', '.join(names)} (--model NAME)." if names else ""
    raise InputError(f"no model was given, and this copy of hyperpcm ships none. {_HOW}{listed}")


def choose(given: str) -> Path:
    """Make a model the default of every command of this user.

    Args:
        given: name of a model; or a file or the folder of a run, also with overlays, as it is found from
            any folder later.

    Returns:
        The file that holds the choice; whoever reads it while it is written finds the one before.

    Raises:
        OutputError: the user's folder of settings cannot be written to.
        DiskFullError: no space is left.
    """
    path = choice_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: this folder cannot be made ({error.strerror}).") from error
    with atomic_file(path, overwrite=True) as stream:
        stream.write(json.dumps({"model": given}, ensure_ascii=True).encode("ascii") + b"\n")
    return path


def reset() -> bool:
    """Forget the user's choice, and return whether there was one.

    Raises:
        OutputError: the file may not be removed.
    """
    path = choice_path()
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputError(f"{path}: this file cannot be removed ({error.strerror}).") from error
    return True


def _chosen() -> str | None:
    """What the user chose; None: nothing."""
    path = choice_path()
    again = "Choose again: hyperpcm models use NAME, or hyperpcm models use --reset"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the chosen model cannot be read ({error}). {again}") from error
    chosen = record.get("model") if isinstance(record, dict) else None
    if not isinstance(chosen, str) or not chosen or "\0" in chosen:
        raise ConfigError(f"{path}: holds no model. {again}")
    return chosen
