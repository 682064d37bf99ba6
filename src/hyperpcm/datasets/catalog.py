"""The catalog of public data sets: which there are, whether they are here, and how to have them here.

Importing this module and describing a data set imports no chemistry, no table library and no network code.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from hyperpcm.datasets.local_copy import copied_files, copy_hashes, receive_copy
from hyperpcm.datasets.records import DATASETS, DatasetRecord
from hyperpcm.errors import ConfigError, DataUnavailableError
from hyperpcm.public_files.folder import data_folder
from hyperpcm.public_files.pinned import Progress, file_is_there, file_is_whole

__all__ = [
    "DATASETS",
    "DatasetRecord",
    "data_folder",
    "fetch",
    "file_hashes",
    "is_given",
    "is_local",
    "local_path",
    "receive",
    "record",
]


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
    found = record(name)
    if file is not None and found.made_of:
        raise ConfigError(f"data set {name!r} has no files of its own: it is made of {_parts(found)}.")
    files = found.files if found.local is None else found.local.files
    folder = data_folder() / (found.kept_with or name)
    if file is None:
        return folder
    if file not in files:
        raise ConfigError(f"data set {name!r} has no file {file!r}. It has: {', '.join(files)}.")
    return folder / (found.files[file].name if found.local is None else found.local.files[file])


def is_local(name: str, *, verify: bool = True) -> bool:
    """Whether all files of the data set ``name`` are here, whole and unaltered.

    Args:
        name: of the data set.
        verify: read each file and compare its sha256; otherwise its size alone, which is enough for a list.

    Raises:
        ConfigError: no such data set.
    """
    if parts := record(name).made_of:
        return all(is_local(part, verify=verify) for part in parts)
    if record(name).local is not None:
        return copy_hashes(record(name), local_path(name)) is not None
    is_here = file_is_whole if verify else file_is_there
    return all(is_here(local_path(name, key), pinned) for key, pinned in record(name).files.items())


def is_given(name: str) -> bool:
    """Whether the data set ``name``, or one that it is made of, cannot be downloaded and takes a copy.

    Raises:
        ConfigError: no such data set.
    """
    found = record(name)
    return found.local is not None or any(is_given(part) for part in found.made_of)


def file_hashes(name: str) -> list[str]:
    """Sha256 (hex) of each file of the data set ``name``: those pinned, or those of the copy that was given.

    Raises:
        ConfigError: no such data set.
        DataUnavailableError: it has to be given, and was not.
    """
    found = record(name)
    if found.made_of:
        return [sha256 for part in found.made_of for sha256 in file_hashes(part)]
    if found.local is None:
        return [pinned.sha256 for pinned in found.files.values()]
    hashes = copy_hashes(found, local_path(name))
    return list(hashes.values()) if hashes is not None else list(copied_files(found, local_path(name)))


def receive(name: str, given: Path) -> dict[str, Path]:
    """The files of the data set ``name`` by key, copied from ``given`` once they are found to be readable.

    Args:
        name: of a data set that cannot be downloaded.
        given: a file, or a folder with the files that its record names.

    Raises:
        ConfigError: no such data set, or one that is downloaded.
        TableError: a file is missing or is not in the layout expected.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    found = record(name)
    if found.made_of:
        copies = " or ".join(part for part in found.made_of if is_given(part))
        raise ConfigError(
            f"data set {name!r} is made of {_parts(found)}; give the copy of {copies}: "
            f"hyperpcm data fetch {copies} --from {given}"
        )
    return receive_copy(found, given, local_path(name))


def fetch(name: str, *, progress: Progress | None = None) -> dict[str, Path]:
    """The files of the data set ``name`` by key, each verified; those that are missing are fetched first.

    A folder that ``HYPERPCM_MIRROR`` names is looked in (``<host>/<path>``) before the network. A data set
    that cannot be downloaded is there once a copy was given (`receive`).

    Raises:
        ConfigError: no such data set.
        ChecksumError: a file arrived that is not the pinned one.
        DataUnavailableError: a file cannot be had; the message says what to do by hand.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    found = record(name)
    if found.made_of:
        return _fetch_parts(found, progress)
    if found.local is not None:
        return copied_files(found, local_path(name))
    from hyperpcm.public_files.obtaining import mirror_folder, obtain

    mirror = mirror_folder()
    return {
        key: obtain(pinned, local_path(name, key), mirror=mirror, progress=progress)
        for key, pinned in found.files.items()
    }


def _fetch_parts(found: DatasetRecord, progress: Progress | None) -> dict[str, Path]:
    """The files of all parts; those that must be given first, so that nothing is downloaded in vain."""
    files: dict[str, Path] = {}
    for part in sorted(found.made_of, key=lambda one: not is_given(one)):
        try:
            files |= fetch(part, progress=progress)
        except DataUnavailableError as error:
            if not is_given(part):
                raise
            raise DataUnavailableError(f"{found.name} is made of {_parts(found)}: {error}") from error
    return files


def _parts(found: DatasetRecord) -> str:
    return " and ".join(found.made_of)
