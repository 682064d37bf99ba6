"""The copy of a data set that a user gave because it cannot be downloaded: checked, kept, and verified later.

The files are copied byte for byte; ``given.json`` beside them, written last, holds their sha256, so a copy
that is incomplete or was altered since is not taken for data.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from hyperpcm.datasets.dataset_record import DatasetRecord
from hyperpcm.errors import ConfigError, DataUnavailableError, TableError, disk_full_as_error

__all__ = ["copied_files", "copy_hashes", "receive_copy"]

RECEIPT = "given.json"

_CHECKS = MappingProxyType(
    {"lenselink": ("lenselink", "check_lenselink"), "chembl_quant": ("chembl_quant", "check_chembl_quant")}
)


def receive_copy(record: DatasetRecord, given: Path, folder: Path) -> dict[str, Path]:
    """The files of the copy at ``given``, now in ``folder``; an older copy is replaced.

    Args:
        record: of a data set with a local source.
        given: the file, or the folder that holds the files.
        folder: where the data set is kept.

    Raises:
        ConfigError: the data set is one that is downloaded.
        TableError: a file is missing or is not in the layout that the record describes.
        DiskFullError: no space left.
        OutputError: the folder may not be written.
    """
    if record.local is None:
        raise ConfigError(
            f"data set {record.name!r} is downloaded and verified; it takes no copy. Leave --from out, or "
            "name a folder of public files in HYPERPCM_MIRROR."
        )
    files = record.local.files
    sources = {key: given if len(files) == 1 else given / name for key, name in files.items()}
    for source in sources.values():
        if not source.is_file():
            raise TableError(
                f"{source}: there is no such file. {record.name} is given as {record.local.accepted}."
            )
    module, function = _CHECKS[record.name]
    getattr(importlib.import_module(f"hyperpcm.datasets.{module}"), function)(sources)
    from hyperpcm.public_files.download import locked

    receipt = folder / RECEIPT
    with disk_full_as_error(folder), locked(receipt):
        receipt.unlink(missing_ok=True)
        kept = {key: folder / name for key, name in files.items()}
        for key, source in sources.items():
            _copy(source, kept[key])
        text = json.dumps({key: _sha256(path) for key, path in kept.items()}, indent=1)
        partial = receipt.with_name(f".{RECEIPT}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(receipt)
    return kept


def copied_files(record: DatasetRecord, folder: Path) -> dict[str, Path]:
    """The files of a copy that was given before, by key, each verified.

    Raises:
        DataUnavailableError: none was given, or it was altered since; the message says where the data set is
            published and how to give a copy.
    """
    hashes = copy_hashes(record, folder)
    if record.local is None or hashes is None:
        local = record.local
        about = (
            "" if local is None else f" It is published at: {local.published}. Accepted is {local.accepted}."
        )
        raise DataUnavailableError(
            f"{record.name} cannot be downloaded by this program, and no whole copy of it is in {folder}."
            f"{about} Get it and run: hyperpcm data fetch {record.name} --from PATH"
        )
    return {key: folder / name for key, name in record.local.files.items()}


def copy_hashes(record: DatasetRecord, folder: Path) -> Mapping[str, str] | None:
    """Sha256 (hex) of each file of the copy in ``folder``; None if it is not there, whole and unaltered."""
    if record.local is None:
        return None
    try:
        noted = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        found = {key: _sha256(folder / name) for key, name in record.local.files.items()}
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return found if noted == found else None


def _copy(source: Path, destination: Path) -> None:
    partial = destination.with_name(f".{destination.name}.part")
    try:
        shutil.copyfile(source, partial)
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
