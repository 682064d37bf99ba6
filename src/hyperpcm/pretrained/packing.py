"""Put a trained model under a name: its file, what is known of it, and its card, into a folder of models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import InputError, OutputError
from hyperpcm.pretrained.card import shipped_card
from hyperpcm.pretrained.record import record_of
from hyperpcm.pretrained.registry import PretrainedModel, check_name, folder_of_user, known_models

__all__ = ["LARGEST", "pack_model", "remove_model"]

LARGEST: Final = 25_000_000
"""Bytes of a model that ships with the package."""


def pack_model(
    file: Path,
    name: str,
    folder: Path | None = None,
    *,
    figures: Mapping[str, Any] | None = None,
    licence: Mapping[str, str] | None = None,
    commit: str | None = None,
    largest: int | None = None,
    overwrite: bool = False,
) -> PretrainedModel:
    """Copy a trained model into a folder of models, with its record and card; each file whole or not at all.

    Args:
        file: of the model; it is loaded, and so checked.
        name: what to call it.
        folder: of models; None: that of the user.
        figures: as from `hyperpcm.pretrained.figures.card_figures`; None: the card is the one in the file.
        licence: of the ``weights``, and the ``attribution`` that goes with them.
        commit: of the code that trained the model, so that a card can tell which figures are of other code.
        largest: bytes that it may have.
        overwrite: whether a model of this name in the folder may be replaced.

    Raises:
        InputError: there is no such file, the name cannot be used or is taken, or the model is too large.
        ModelFileError: the file is no trained model that can be used.
        OutputError: a model of this name is there, or the folder cannot be written to.
        DiskFullError: no space is left.
    """
    from hyperpcm.checkpoint import load_model

    check_name(name)
    place = folder_of_user() if folder is None else folder
    if folder is None and any(one.name == name and one.is_shipped for one in known_models()):
        raise InputError(f"{name}: a model of this name ships with hyperpcm. Choose another name.")
    model = load_model(file)
    size = file.stat().st_size
    if largest is not None and size > largest:
        raise InputError(f"{file}: has {size:,} bytes, and a model that ships may have {largest:,}.")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{place}: this folder cannot be made ({error.strerror}).") from error
    packed = PretrainedModel(name, place / f"{name}.safetensors")
    with file.open("rb") as source, atomic_file(packed.path, overwrite=overwrite) as stream:
        shutil.copyfileobj(source, stream)
    record = record_of(model, packed.path, name)
    record["licence"] |= dict(licence or {})
    if commit is not None:
        record["commit"] = commit
    if figures is not None:
        record["figures"] = dict(figures)
    write_card(packed, record)
    return packed


def write_card(packed: PretrainedModel, record: Mapping[str, Any]) -> None:
    """Write the record of a model and the card that is made of it, over those that are there.

    Args:
        packed: the model.
        record: of it.

    Raises:
        OutputError: the folder cannot be written to.
        DiskFullError: no space is left.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    for path, content in ((packed.record_path, text + "\n"), (packed.card_path, shipped_card(record))):
        with atomic_file(path, overwrite=True) as stream:
            stream.write(content.encode())


def remove_model(name: str) -> PretrainedModel:
    """Remove a model from the user's folder, with its card, and return what it was.

    Raises:
        InputError: the user has none of this name.
        OutputError: a file of it cannot be removed.
    """
    check_name(name)
    found = PretrainedModel(name, folder_of_user() / f"{name}.safetensors")
    if not found.path.is_file():
        raise InputError(f"{name}: no model of this name was added. hyperpcm models list tells which were.")
    try:
        for path in (found.path, found.record_path, found.card_path):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{found.path}: cannot be removed ({error.strerror}).") from error
    return found
