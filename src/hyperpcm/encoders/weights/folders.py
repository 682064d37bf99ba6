"""Folders of a user's own transformers, found again by what is in them."""

from __future__ import annotations

import functools
import json
import logging
import secrets
import shutil
from pathlib import Path

from hyperpcm.encoders.weights.model_files import chosen_files, content_of, records_of
from hyperpcm.errors import ConfigError, DataUnavailableError, disk_full_as_error
from hyperpcm.public_files.download import locked
from hyperpcm.public_files.folder import data_folder

__all__ = ["content_of_folder", "keep_folder", "place_of", "remember"]

logger = logging.getLogger(__name__)


def content_of_folder(folder: Path) -> str:
    """Give the sha256 over the files of a transformer's folder; read again only once a file was changed.

    Raises:
        ConfigError: not a folder, or no transformer in it.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is not a folder. Give the folder that holds config.json and the weights."
        )
    names = chosen_files((entry.name for entry in folder.iterdir() if entry.is_file()), str(folder))
    stats = [(folder / name).stat() for name in names]
    state = tuple((name, one.st_size, one.st_mtime_ns) for name, one in zip(names, stats, strict=True))
    return _content(folder, state)


@functools.lru_cache(maxsize=8)
def _content(folder: Path, _state: tuple[tuple[str, int, int], ...]) -> str:
    """The content of a folder whose files have this state."""
    return content_of(records_of(folder))


def place_of(content: str, encoder: str) -> Path:
    """Find the folder with a content: kept in the data folder, or where it was last named.

    Raises:
        DataUnavailableError: it is in neither place.
    """
    kept = _home() / content
    if kept.is_dir():
        return kept
    try:
        noted = json.loads(_note(content).read_text(encoding="utf-8"))
        folder = str(noted["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        folder = ""
    if folder and Path(folder).is_dir():
        return Path(folder)
    was = f" (it was in {folder})" if folder else ""
    raise DataUnavailableError(
        f"the folder of the transformer with the content {content[:12]}… is not known on this machine{was}. "
        f"Bring it here and run: hyperpcm encoders fetch {encoder} --from FOLDER"
    )


def remember(content: str, folder: Path) -> None:
    """Note where a folder is; where that cannot be written, the folder has to be named again."""
    if folder == _home() / content:
        return
    note = _note(content)
    partial = note.with_name(f".{note.name}.{secrets.token_hex(4)}.part")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({"folder": str(folder)}), encoding="utf-8")
        partial.replace(note)
    except OSError as error:
        logger.info("where %s is could not be noted (%s)", folder, error)


def keep_folder(folder: Path) -> Path:
    """Copy the files of a transformer's folder into the data folder, under its content.

    Raises:
        ConfigError: no transformer is in it.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    files = records_of(folder)
    kept = _home() / content_of(files)
    with locked(kept):
        if not kept.is_dir():
            partial = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}.part")
            try:
                with disk_full_as_error(kept):
                    partial.mkdir()
                    for name in files:
                        shutil.copyfile(folder / name, partial / name)
                    partial.rename(kept)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return kept


def _home() -> Path:
    return data_folder() / "weights" / "folders"


def _note(content: str) -> Path:
    return _home() / f"{content}.json"
