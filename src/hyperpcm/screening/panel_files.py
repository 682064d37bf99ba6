"""The compiled targets of a panel: files, or folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hyperpcm.errors import InputError

__all__ = ["target_files"]


def target_files(given: Sequence[Path]) -> list[Path]:
    """The files of compiled targets, those of a folder in the order of their names.

    Raises:
        InputError: there is no such file, or a folder holds none.
    """
    files: list[Path] = []
    for one in given:
        if not one.exists():
            raise InputError(f"{one}: there is no such file or folder. Give compiled targets (.hpcm).")
        inside = sorted(one.glob("*.hpcm")) if one.is_dir() else [one]
        if not inside:
            raise InputError(f"{one}: this folder holds no compiled target (.hpcm).")
        files += inside
    return list(dict.fromkeys(files))
