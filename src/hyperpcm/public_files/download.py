"""Fetch one pinned file: verified while it streams, moved into place whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import logging
import os
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from hyperpcm.errors import ChecksumError, DataUnavailableError, OutputError, disk_full_as_error
from hyperpcm.public_files.pinned import PinnedFile, Progress

__all__ = ["install", "locked", "open_url"]

logger = logging.getLogger(__name__)

_BLOCK = 1 << 18
_LOCK_TIMEOUT_S = 900.0


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def install(
    source: _Reader, pinned: PinnedFile, destination: Path, *, origin: str, progress: Progress | None = None
) -> Path:
    """``destination``, holding exactly the pinned bytes read from ``source``.

    The bytes go to a hidden file beside it, are hashed on the way, flushed to the disk and renamed. Whatever
    goes wrong, nothing half-written carries the final name and the hidden file is removed.

    Raises:
        ChecksumError: the bytes are not the pinned ones, or more of them.
        DataUnavailableError: the source ended early or failed.
        DiskFullError: no space left.
        OutputError: the folder may not be written.
    """
    partial = destination.with_name(f".{destination.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with disk_full_as_error(destination):
            with _create(partial) as out:
                _copy(source, out, pinned, origin, progress)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(destination)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return destination


def _create(path: Path) -> BinaryIO:
    try:
        return path.open("xb")
    except PermissionError as error:
        raise OutputError(
            f"{path.parent} may not be written. Set HYPERPCM_DATA to a folder of your own."
        ) from error


def _copy(source: _Reader, out: BinaryIO, pinned: PinnedFile, origin: str, progress: Progress | None) -> None:
    digest, done = hashlib.sha256(), 0
    while done <= pinned.size:
        block = _read(source, origin, done, pinned)
        if not block:
            break
        done += len(block)
        if done > pinned.size:
            raise ChecksumError(
                f"{pinned.name}: {origin} sends more than the {pinned.size:,} bytes of the pinned file "
                f"(sha256 {pinned.sha256}). It is another file; nothing was kept."
            )
        digest.update(block)
        out.write(block)
        if progress is not None:
            progress(pinned.name, done, pinned.size)
    if done < pinned.size:
        raise DataUnavailableError(
            f"{pinned.name}: {origin} ended after {done:,} of {pinned.size:,} bytes. "
            "Run the same command again."
        )
    if digest.hexdigest() != pinned.sha256:
        raise ChecksumError(
            f"{pinned.name} from {origin} has the sha256 {digest.hexdigest()}; {pinned.sha256} is pinned. "
            "The file was altered on the way or at its home; nothing was kept."
        )


def _read(source: _Reader, origin: str, done: int, pinned: PinnedFile) -> bytes:
    try:
        return source.read(_BLOCK)
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataUnavailableError(
            f"{pinned.name}: {origin} broke off after {done:,} of {pinned.size:,} bytes ({error!r}). "
            "Run the same command again."
        ) from error


@contextlib.contextmanager
def locked(destination: Path) -> Iterator[None]:
    """Hold the lock of ``destination`` among all processes; leftovers of a killed writer are removed.

    Raises:
        OutputError: the folder cannot be made or written.
        DataUnavailableError: another process held the lock for fifteen minutes.
    """
    import filelock

    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(destination.with_name(f".{destination.name}.lock"), timeout=_LOCK_TIMEOUT_S)
        lock.acquire()
    except filelock.Timeout as error:
        raise DataUnavailableError(
            f"{destination}: another process has been fetching it "
            f"for {_LOCK_TIMEOUT_S:.0f} s ({error.lock_file})."
        ) from error
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise OutputError(
            f"{destination.parent} may not be written ({error}). Set HYPERPCM_DATA to a folder of your own."
        ) from error
    try:
        for leftover in destination.parent.glob(f".{destination.name}.*.part"):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def open_url(url: str, *, timeout_s: float = 30.0, allow_loopback_http: bool = False) -> Iterator[_Reader]:
    """The body of ``url``, for reading once; redirects are followed to https only.

    Args:
        url: https; plain http only to a loopback address and only with ``allow_loopback_http``.
        timeout_s: for connecting and for each wait for bytes.
        allow_loopback_http: for tests against a server on this machine.

    Raises:
        DataUnavailableError: the scheme is refused, the host cannot be reached, or it answers with an error.
    """
    _check_scheme(url, allow_loopback_http)
    opener = urllib.request.build_opener(_Redirects(allow_loopback_http))
    request = urllib.request.Request(url, headers={"User-Agent": "hyperpcm", "Accept-Encoding": "identity"})
    try:
        response = opener.open(request, timeout=timeout_s)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataUnavailableError(f"{url} cannot be had: {getattr(error, 'reason', error)}.") from error
    with response:
        yield response


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never down to an unencrypted or local address."""

    def __init__(self, allow_loopback_http: bool) -> None:
        self.allow_loopback_http = allow_loopback_http

    def redirect_request(  # type: ignore[no-untyped-def]  # the signature is the standard library's
        self, req, fp, code, msg, headers, newurl
    ) -> urllib.request.Request | None:
        """The request for ``newurl``; raises DataUnavailableError where its scheme is refused."""
        _check_scheme(newurl, self.allow_loopback_http)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, allow_loopback_http: bool) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        return
    if parts.scheme == "http" and allow_loopback_http and _is_loopback(parts.hostname or ""):
        return
    raise DataUnavailableError(f"{url} is refused: data is fetched over https only.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
