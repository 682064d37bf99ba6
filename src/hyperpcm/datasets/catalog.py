"""The catalog of public data sets: which there are, whether they are here, and how to have them here.

Importing this module and describing a data set imports no chemistry, no table library and no network code.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from hyperpcm.datasets.pinned import Progress, file_is_whole
from hyperpcm.datasets.records import DATASETS, DatasetRecord
from hyperpcm.errors import ConfigError

__all__ = ["DATASETS", "DatasetRecord", "data_folder", "fetch", "is_local", "local_path", "record"]

FOLDER_VARIABLE = "HYPERPCM_DATA"


def data_folder() -> Path:
    """Where files are kept: the folder that ``HYPERPCM_DATA`` names, else one in the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("hyperpcm")) / "datasets"


def record(name: str) -> DatasetRecord:
    """What is known about the data set ``name``.

    Raises:
        ConfigError: there is no such data set; the message lists those there are.
    """
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"there is no data set {name!r}.{hint} Known: {', '.join(DATASETS)}.")


def local_path(name: str, file: str | None = None) -> Path:
    """Where the data set ``name``, or one ``file`` of it, is kept; whether or not it is there.

    Raises:
        ConfigError: no such data set, or no such file in it.
    """
    files = record(name).files
    folder = data_folder() / (record(name).kept_with or name)
    if file is None:
        return folder
    if file not in files:
        raise ConfigError(f"data set {name!r} has no file {file!r}. It has: {', '.join(files)}.")
    return folder / files[file].name


def is_local(name: str) -> bool:
    """Whether all files of the data set ``name`` are here, whole and unaltered.

    Raises:
        ConfigError: no such data set.
    """
    return all(file_is_whole(local_path(name, key), pinned) for key, pinned in record(name).files.items())


def fetch(name: str, *, progress: Progress | None = None) -> dict[str, Path]:
    """The files of the data set ``name`` by key, each verified; those that are missing are fetched first.

    A folder that ``HYPERPCM_MIRROR`` names is looked in (``<host>/<path>``) before the network.

    Raises:
        ConfigError: no such data set.
        ChecksumError: a file arrived that is not the pinned one.
        DataUnavailableError: a file cannot be had; the message says what to do by hand.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    from hyperpcm.datasets.obtaining import mirror_folder, obtain

    mirror = mirror_folder()
    return {
        key: obtain(pinned, local_path(name, key), mirror=mirror, progress=progress)
        for key, pinned in record(name).files.items()
    }
