"""Weights from the Hugging Face hub, or from a folder that was copied by hand: pinned when they are brought.

What comes is a commit, never a moving branch, and the sha256 of every file is written to a receipt. From then
on the receipt rules: files are read only as they were, and an encoder's spec holds their content, so a model
that was made with one commit refuses the vectors of another.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from hyperpcm.encoders.transformer_config import profile_of
from hyperpcm.encoders.weights.base import Weights
from hyperpcm.encoders.weights.hub_download import download, listing_of
from hyperpcm.encoders.weights.hub_models import HubModel
from hyperpcm.encoders.weights.model_files import FileRecord, records_of
from hyperpcm.encoders.weights.receipt import Receipt
from hyperpcm.errors import ChecksumError, ConfigError, DataUnavailableError, OutputError, disk_full_as_error
from hyperpcm.public_files.download import locked
from hyperpcm.public_files.obtaining import mirror_folder
from hyperpcm.public_files.pinned import Progress

__all__ = ["HubWeights", "hub_weights"]

logger = logging.getLogger(__name__)

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclasses.dataclass(frozen=True)
class HubWeights(Weights):
    """The files of one published transformer.

    Attributes:
        model: the row of the table.
        revision: a commit, branch or tag to bring instead of the commit of the row.
        given: a folder to copy from instead of asking the hub.
        timeout_s: for connecting and for each wait for an answer.
    """

    model: HubModel
    revision: str | None = None
    given: Path | None = None
    timeout_s: float = 10.0

    def asked(self, *, revision: str | None = None, folder: Path | None = None) -> HubWeights:
        """The same weights, of another revision or out of a folder, for `fetch`.

        Raises:
            ConfigError: a folder with a revision that is not a commit of 40 hex digits.
        """
        if folder is not None and revision is not None and not _COMMIT.fullmatch(revision):
            raise ConfigError(
                f"{self.name}: of a folder only the commit can be stated, 40 hex digits, not {revision!r}"
            )
        return dataclasses.replace(self, revision=revision, given=folder)

    def receipt(self) -> Receipt | None:
        """What was brought; None where nothing was."""
        return Receipt.read(self.folder)

    def is_here(self) -> bool:
        """Whether every file of the receipt is there; sizes are compared, nothing is read."""
        receipt = self.receipt()
        return receipt is not None and receipt.is_there(self.folder)

    def path(self, file: str) -> Path:
        """The verified file of this name.

        Raises:
            DataUnavailableError: it is not here, or damaged.
            LicenceNotAcceptedError: the terms have not been accepted.
        """
        return self.verified_folder() / file

    def verified_folder(self) -> Path:
        """The folder, once every file in it was read and found as the receipt says.

        Raises:
            DataUnavailableError: it is not here, or damaged.
            LicenceNotAcceptedError: the terms have not been accepted.
        """
        self.check_accepted()
        receipt = self.receipt()
        if receipt is None:
            raise self.unavailable("are not on this machine")
        damaged = receipt.damaged(self.folder)
        if damaged is not None:
            raise self.unavailable(f"are damaged ({damaged})")
        return self.folder

    def source(self) -> str:
        """The files, the repository and the commit: the one that is here, else the one that would be."""
        receipt = self.receipt()
        revision = receipt.revision if receipt is not None else self.revision or self.model.commit
        return f"config.json, the tokenizer and the weights of {self.model.repository} at {revision}"

    def _bring(self, progress: Progress | None) -> None:
        with locked(self.folder / "weights"):
            if self.given is not None:
                self._copy(self.given, self.revision or _commit_of_snapshot(self.given), str(self.given))
                return
            receipt = self.receipt()
            whole = receipt is not None and receipt.damaged(self.folder) is None
            if receipt is not None and whole and self.revision in (None, receipt.commit):
                return
            wanted = self.revision or (receipt.commit if receipt is not None else None) or self.model.commit
            mirrored = self._mirrored(wanted)
            if mirrored is not None:
                self._copy(mirrored, wanted, "mirror")
                return
            try:
                self._download(wanted, receipt if whole else None, progress)
            except ChecksumError:
                raise
            except DataUnavailableError as error:
                raise DataUnavailableError(self._advice(wanted, str(error))) from error

    def _download(self, wanted: str, whole: Receipt | None, progress: Progress | None) -> None:
        listing = listing_of(self.model.repository, wanted, timeout_s=self.timeout_s)
        if whole is not None and whole.commit == listing.commit:
            return
        place = self.folder / f".fetching-{listing.commit}"
        files = download(listing, place, progress, timeout_s=self.timeout_s)
        self._check(place, files, listing.commit)
        self._install(place, Receipt(self.model.repository, listing.commit, "hub", files))

    def _copy(self, source: Path, commit: str | None, origin: str) -> None:
        if source.resolve() == self.folder.resolve():
            raise ConfigError(
                f"{source} is where the weights of {self.name} are kept. Give the folder copied."
            )
        files = records_of(source)
        self._check(source, files, commit)
        place = self.folder / ".copying"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        with disk_full_as_error(place):
            for name in files:
                shutil.copyfile(source / name, place / name)
        self._install(place, Receipt(self.model.repository, commit, origin, files))

    def _check(self, folder: Path, files: Mapping[str, FileRecord], commit: str | None) -> None:
        """Refuse the folder of another model, and other weights than those of the pinned commit."""
        found = profile_of(folder)
        if (found.family, found.hidden) != (self.model.family, self.model.hidden):
            raise ConfigError(
                f"{folder} is not {self.model.repository}: its config.json describes {found.family!r} of "
                f"width {found.hidden}, {self.name} is {self.model.family!r} of width {self.model.hidden}."
            )
        known = self.model.weights_sha256
        digests = {one.sha256 for one in files.values()}
        if known is not None and commit in (None, self.model.commit) and known not in digests:
            raise ChecksumError(
                f"The weights in {folder} are not those of {self.model.repository} at {self.model.commit} "
                f"(sha256 {known}). If they are of another commit, state it: "
                f"hyperpcm encoders fetch {self.name} --from {folder} --revision COMMIT"
            )

    def _install(self, place: Path, receipt: Receipt) -> None:
        """Move verified files into place; without a receipt, which is written last, they count as nothing."""
        before = self.receipt()
        damaged = receipt.damaged(place)
        if damaged is not None:
            raise ChecksumError(f"{damaged} changed while it was brought. Run the same command again.")
        try:
            Receipt.remove(self.folder)
            for name in set(before.files if before is not None else ()) - set(receipt.files):
                (self.folder / name).unlink(missing_ok=True)
            for name in receipt.files:
                (place / name).replace(self.folder / name)
            receipt.write(self.folder)
        except PermissionError as error:
            raise OutputError(f"{self.folder} may not be written ({error}).") from error
        shutil.rmtree(place, ignore_errors=True)
        logger.info("%s: %s at %s is here", self.name, self.model.repository, receipt.revision)

    def _mirrored(self, commit: str) -> Path | None:
        """The folder of a mirror that holds this commit; None where there is none."""
        mirror = mirror_folder()
        if mirror is None:
            return None
        place = mirror / "huggingface.co" / self.model.repository / "resolve" / commit
        return place if (place / "config.json").is_file() else None

    def _advice(self, wanted: str, reason: str) -> str:
        repository = self.model.repository
        return (
            f"The weights of {self.name} cannot be fetched: {reason} Needed are config.json, the tokenizer's "
            f"files and the weights of {repository} at {wanted}, about {self.size / 1e6:,.0f} MB. Where "
            f"there is a network, run: hf download {repository} --revision {wanted} --local-dir FOLDER. "
            f"Bring it here and run: hyperpcm encoders fetch {self.name} --from FOLDER --revision COMMIT"
        )


def hub_weights(model: HubModel) -> HubWeights:
    """The weights of a row of the table."""
    terms = {
        "MIT": "they may be used for any purpose; the notice of copyright is to be kept.",
        "AFL-3.0": "they may be used for any purpose, with attribution.",
        "CC-BY-NC-SA-4.0": "they may be used and shared with attribution and under the same terms, not for "
        "commercial purposes. Models trained on their output carry the same mark.",
        "NOASSERTION": "their authors state no licence; ask them before you share the weights or sell a "
        "product that needs them.",
    }
    return HubWeights(
        name=model.name,
        licence=model.licence,
        terms=terms[model.licence],
        noncommercial="-NC" in model.licence,
        size=model.size,
        model=model,
    )


def _commit_of_snapshot(folder: Path) -> str | None:
    """The commit in the name of a folder of the hub's own cache, ``snapshots/<commit>``; else None."""
    resolved = folder.absolute()
    is_snapshot = resolved.parent.name == "snapshots" and _COMMIT.fullmatch(resolved.name)
    return resolved.name if is_snapshot else None
