"""Fetch chosen files of one commit from the Hugging Face hub, with short waits and without telemetry."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hyperpcm.encoders.weights.model_files import FileRecord, chosen_files, record_of
from hyperpcm.errors import ChecksumError, DataUnavailableError, MissingExtraError, disk_full_as_error
from hyperpcm.public_files.pinned import Progress

__all__ = ["Listing", "download", "listing_of"]

_HOME: Final = "https://huggingface.co"
_TIMEOUT_S: Final = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """What the hub has of a repository.

    Attributes:
        repository: owner/name.
        commit: 40 hex digits, whatever the revision was called.
        files: the chosen files, and the sha256 that the hub states of each; None where it states none.
    """

    repository: str
    commit: str
    files: Mapping[str, str | None]


def listing_of(repository: str, revision: str, *, timeout_s: float = _TIMEOUT_S) -> Listing:
    """Ask the hub which commit a revision is, and choose among its files.

    Args:
        repository: owner/name.
        revision: a commit, a branch or a tag.
        timeout_s: for connecting and for each wait for an answer.

    Raises:
        DataUnavailableError: offline, no answer, no such repository or revision, or it wants an account.
        ConfigError: the repository holds no transformer.
        MissingExtraError: ``huggingface_hub`` is not installed.
    """
    with _hub_errors(repository, revision):
        hub = _hub()
        api = hub.HfApi(endpoint=_endpoint())
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=timeout_s)
    stated = {one.rfilename: (one.lfs or {}).get("sha256") for one in info.siblings or []}
    names = chosen_files((name for name in stated if "/" not in name), f"{repository} at {info.sha}")
    return Listing(repository, str(info.sha), {name: stated[name] for name in names})


def download(
    listing: Listing, folder: Path, progress: Progress | None = None, *, timeout_s: float = _TIMEOUT_S
) -> dict[str, FileRecord]:
    """Bring the files of a listing into a folder; a file that is there half goes on where it stopped.

    Raises:
        ChecksumError: a file is not what the hub says it is; it is deleted.
        DataUnavailableError: the hub stopped answering.
        DiskFullError: no space left.
    """
    records = {}
    for name, sha256 in listing.files.items():
        with _hub_errors(listing.repository, listing.commit), disk_full_as_error(folder / name):
            _hub().hf_hub_download(
                listing.repository,
                name,
                revision=listing.commit,
                local_dir=folder,
                etag_timeout=timeout_s,
                endpoint=_endpoint(),
                tqdm_class=_bar(name, progress),
            )
        records[name] = record_of(folder / name)
        if sha256 is not None and records[name].sha256 != sha256:
            (folder / name).unlink()
            raise ChecksumError(
                f"{name} of {listing.repository} has the sha256 {records[name].sha256}; the hub says "
                f"{sha256}. It was altered on the way and is deleted; run the same command again."
            )
    return records


def _hub() -> Any:
    """The client of the hub, told to send no telemetry."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError("huggingface_hub", "plm")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    return huggingface_hub


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT") or _HOME


@contextmanager
def _hub_errors(repository: str, revision: str) -> Iterator[None]:
    """Turn whatever the client raises into one error that says what to do."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise DataUnavailableError("HF_HUB_OFFLINE is set, so the hub is not asked.")
    _hub()
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise DataUnavailableError(
            f"{repository} is given to accounts that accepted its terms: accept them at "
            f"{_HOME}/{repository}, make a token at {_HOME}/settings/tokens and set HF_TOKEN to it."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise DataUnavailableError(f"{repository} has no revision {revision!r}.") from error
    except errors.RepositoryNotFoundError as error:
        raise DataUnavailableError(
            f"{_endpoint()} shows no repository {repository}, or shows it to some accounts only "
            "(set HF_TOKEN to a token of such an account)."
        ) from error
    except _transport_errors() as error:
        said = str(error).strip() or type(error).__name__
        raise DataUnavailableError(f"{_endpoint()} cannot be had ({said.splitlines()[0]}).") from error


def _transport_errors() -> tuple[type[BaseException], ...]:
    """What the HTTP library under the client raises; which one it is depends on the client's version."""
    from huggingface_hub import errors

    names = {"httpx2": "HTTPError", "httpx": "HTTPError", "requests": "RequestException"}
    loaded = [(sys.modules[module], name) for module, name in names.items() if module in sys.modules]
    found = [getattr(module, name) for module, name in loaded]
    known = (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.FileMetadataError)
    return (*found, *known, ConnectionError, TimeoutError)


def _bar(file: str, progress: Progress | None) -> Any:
    """A progress bar for the client that shows nothing and tells `progress` instead."""
    import huggingface_hub.utils

    base: Any = huggingface_hub.utils.tqdm  # type: ignore[attr-defined]

    class Bar(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **(options | {"disable": True}))

        def update(self, n: float = 1) -> None:
            """Count, and tell."""
            self.n += n
            if progress is not None and self.total:
                progress(file, int(self.n), int(self.total))

    return Bar
