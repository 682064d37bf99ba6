"""Which trained models have names: files in the folder of the package, and in a folder of the user.

A model is a file ``NAME.safetensors``. Beside it may lie ``NAME.json``, what is known of it in few words and
figures, and ``NAME.md``, its card for people, both written by `pack_model`.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hyperpcm.errors import CorruptModelError, InputError

__all__ = [
    "DEFAULT_NAME",
    "FOLDERS_VARIABLE",
    "SHIPPED",
    "PretrainedModel",
    "check_name",
    "find_model",
    "folder_of_user",
    "known_models",
    "model_named",
]

FOLDERS_VARIABLE: Final = "HYPERPCM_MODELS"
"""Environment variable with the folders that are looked through instead of the usual ones."""
DEFAULT_NAME: Final = "hyperpcm-chembl"
"""Of the model that answers where no other is asked."""
SHIPPED: Final = Path(__file__).resolve().parent / "models"
"""Folder of the models that come with the package."""

_ENDING: Final = ".safetensors"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class PretrainedModel:
    """A trained model under a name.

    Attributes:
        name: what it is asked for by.
        path: of its file.
    """

    name: str
    path: Path

    @property
    def is_shipped(self) -> bool:
        """Whether it came with the package."""
        return self.path.parent == SHIPPED

    @property
    def card_path(self) -> Path:
        """Its card for people."""
        return self.path.with_suffix(".md")

    @property
    def record_path(self) -> Path:
        """What is known of it in few words and figures."""
        return self.path.with_suffix(".json")

    def record(self) -> dict[str, Any]:
        """What is known of it (JSON values): as it was packed with, or as far as the file itself tells.

        Raises:
            CorruptModelError: the record, or the model of which there is none, cannot be read.
        """
        from hyperpcm.pretrained.record import read_record, record_of_file

        return read_record(self.record_path) if self.record_path.is_file() else record_of_file(self.path)

    def card(self) -> str:
        """Its card as Markdown; empty where the file was written without one.

        Raises:
            CorruptModelError: the card belongs to another file, or the model cannot be read.
        """
        from hyperpcm.pretrained.record import digest_of

        if not (self.card_path.is_file() and self.record_path.is_file()):
            return str(self.record()["card"])
        if digest_of(self.path) != self.record()["sha256"]:
            raise CorruptModelError(
                f"{self.path}: this is not the file that {self.card_path.name} was written for: its sha256 "
                f"does not fit. {_REPAIR}"
            )
        return self.card_path.read_text(encoding="utf-8")


_REPAIR: Final = "Install it again; for a shipped model: pip install --force-reinstall --no-deps hyperpcm"


def check_name(name: str) -> str:
    """Return a name that a model may have.

    Raises:
        InputError: it may not have this one.
    """
    if not _NAME.fullmatch(name) or name.endswith((_ENDING, ".json", ".md", ".hpcm", ".hpm")):
        raise InputError(
            f"{name!r} cannot be the name of a model: letters, digits, dots, dashes and underscores, no more "
            "than 100, and no ending of a file."
        )
    return name


def folder_of_user() -> Path:
    """Return the folder that a user's own models lie in."""
    import platformdirs

    return Path(platformdirs.user_data_dir("hyperpcm")) / "models"


def model_folders() -> list[Path]:
    """Return the folders that models are looked for in; the first with a name has it."""
    named = os.environ.get(FOLDERS_VARIABLE, "")
    if named:
        return [Path(one) for one in named.split(os.pathsep) if one]
    return [SHIPPED, folder_of_user()]


def known_models() -> tuple[PretrainedModel, ...]:
    """Return all models that have names: those that ship first, then by name."""
    found: dict[str, PretrainedModel] = {}
    for folder in model_folders():
        for path in sorted(folder.glob(f"*{_ENDING}")):
            if _NAME.fullmatch(path.stem):
                found.setdefault(path.stem, PretrainedModel(path.stem, path))
    return tuple(found.values())


def find_model(name: str) -> PretrainedModel | None:
    """Return the model of a name; None: there is none."""
    if not _NAME.fullmatch(name):
        return None
    paths = (folder / f"{name}{_ENDING}" for folder in model_folders())
    return next((PretrainedModel(name, path) for path in paths if path.is_file()), None)


def model_named(name: str) -> PretrainedModel:
    """Return the model of a name.

    Raises:
        InputError: there is none; the message lists those there are.
    """
    found = find_model(name)
    if found is not None:
        return found
    names = [one.name for one in known_models()]
    near = difflib.get_close_matches(name, names, n=1)
    meant = f" Is {near[0]} meant?" if near else ""
    listed = (
        f"There are {', '.join(names)}." if names else "None ships with this copy, and none is installed."
    )
    raise InputError(f"{name}: there is no model of this name. {listed}{meant}")
