"""What all weights have in common: a name, a licence, a folder, and terms that may have to be accepted."""

from __future__ import annotations

import dataclasses
import json
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import final

from hyperpcm.errors import DataUnavailableError, LicenceNotAcceptedError, disk_full_as_error
from hyperpcm.public_files.folder import data_folder
from hyperpcm.public_files.pinned import Progress

__all__ = ["Weights"]

_RECEIPT = "accepted.json"


@dataclasses.dataclass(frozen=True)
class Weights(ABC):
    """Published weights, pinned by content.

    Attributes:
        name: what users write; that of the encoder which runs on them.
        licence: SPDX expression.
        terms: one sentence on what the licence allows, for a notice.
        noncommercial: whether the licence forbids commercial use, so that it has to be accepted first.
        size: bytes to be fetched.
    """

    name: str
    licence: str
    terms: str
    noncommercial: bool
    size: int

    @property
    def folder(self) -> Path:
        """Where they are kept: below the data folder."""
        return data_folder() / "weights" / self.name

    @abstractmethod
    def is_here(self) -> bool:
        """Whether every file is on this machine; sizes are compared, nothing is read."""

    @abstractmethod
    def path(self, file: str) -> Path:
        """The verified file of this name.

        Raises:
            DataUnavailableError: it is not here, or damaged; the message says how to have it.
            LicenceNotAcceptedError: the terms have not been accepted.
        """

    @abstractmethod
    def _bring(self, progress: Progress | None) -> None:
        """Have every file here, verified."""

    @abstractmethod
    def source(self) -> str:
        """Where they come from, with the exact revision: for messages."""

    @final
    def is_accepted(self) -> bool:
        """Whether the terms need no acceptance or were accepted on this machine."""
        return not self.noncommercial or self._accepted_licence() == self.licence

    @final
    def lacks(self) -> str | None:
        """The command that makes them usable on this machine; None where they are."""
        return None if self.is_accepted() and self.is_here() else self._command()

    @final
    def fetch(self, *, accept_noncommercial: bool = False, progress: Progress | None = None) -> Path:
        """The folder that holds the weights; nothing is fetched that is here already.

        Args:
            accept_noncommercial: whether the user accepts terms that forbid commercial use. The acceptance is
                noted in the folder, so it is asked for once.
            progress: called with a file name, bytes so far and bytes in all.

        Raises:
            LicenceNotAcceptedError: such terms, not accepted.
            DataUnavailableError: no source has them.
            DiskFullError: no space left.
            OutputError: the data folder may not be written.
        """
        if self.noncommercial and not accept_noncommercial:
            self.check_accepted()
        self._bring(progress)
        if self.noncommercial and accept_noncommercial:
            self._note_acceptance()
        return self.folder

    @final
    def check_accepted(self) -> None:
        """Do nothing where the terms need no acceptance or were accepted on this machine.

        Raises:
            LicenceNotAcceptedError: they were not.
        """
        if not self.is_accepted():
            raise LicenceNotAcceptedError(
                f"The weights of {self.name} are licensed under {self.licence}: {self.terms} If you accept "
                f"that, run: {self._command()}"
            )

    @final
    def unavailable(self, why: str) -> DataUnavailableError:
        """The error for weights that are not usable: which, how large, and how to bring them."""
        return DataUnavailableError(
            f"The weights of {self.name} {why}: {self.source()}, {self.size / 1e6:,.0f} MB, kept in "
            f"{self.folder}. Run: {self._command()}"
        )

    def _command(self) -> str:
        consent = " --accept-noncommercial" if self.noncommercial else ""
        return f"hyperpcm encoders fetch {self.name}{consent}"

    def _accepted_licence(self) -> str | None:
        try:
            noted = json.loads((self.folder / _RECEIPT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return noted.get("licence") if isinstance(noted, dict) else None

    def _note_acceptance(self) -> None:
        receipt = self.folder / _RECEIPT
        partial = receipt.with_name(f".{_RECEIPT}.{secrets.token_hex(4)}.part")
        with disk_full_as_error(receipt):
            partial.write_text(json.dumps({"licence": self.licence}), encoding="utf-8")
            partial.replace(receipt)
