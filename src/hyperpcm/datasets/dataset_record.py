"""What the catalog says about one public data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.public_files.pinned import PinnedFile

__all__ = ["DatasetRecord", "LocalSource"]


@dataclasses.dataclass(frozen=True)
class LocalSource:
    """Where a data set is published that this program cannot download, and in which form a copy is accepted.

    Attributes:
        published: where it is to be had, and whether that address was verified.
        accepted: the forms in which a copy may be given, in one sentence.
        files: name under which each part of a copy is kept in the data folder, by key. A single part is
            given as a file, several as a folder that holds them under these names.
    """

    published: str
    accepted: str
    files: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The source as plain JSON values."""
        return {"published": self.published, "accepted": self.accepted, "files": dict(self.files)}


@dataclasses.dataclass(frozen=True)
class DatasetRecord:
    """One public data set.

    Attributes:
        name: the word that `hyperpcm.datasets.load` takes.
        title: one line for a list.
        quantity: what the labels mean.
        interactions: measured rows, before repeats are merged.
        compounds: distinct standardised structures.
        targets: distinct sequences.
        licence: terms, as far as the origin states them.
        citation: the papers to cite.
        pitfalls: what an honest evaluation on this set has to know.
        files: pinned files by key.
        local: for a data set that cannot be downloaded, where it is published and how to give a copy; then
            there are no pinned files.
        kept_with: another data set in whose folder the files are kept, where both are made of the same ones.
        made_of: other data sets that this one joins; it has no files of its own.
    """

    name: str
    title: str
    quantity: Quantity
    interactions: int
    compounds: int
    targets: int
    licence: str
    citation: str
    pitfalls: tuple[str, ...]
    files: Mapping[str, PinnedFile]
    kept_with: str | None = None
    local: LocalSource | None = None
    made_of: tuple[str, ...] = ()

    @property
    def download_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(pinned.size for pinned in self.files.values())

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return plain | {
            "quantity": dataclasses.asdict(self.quantity),
            "pitfalls": list(self.pitfalls),
            "files": {key: dataclasses.asdict(pinned) for key, pinned in self.files.items()},
            "download_bytes": self.download_bytes,
            "local": None if self.local is None else self.local.as_dict(),
            "made_of": list(self.made_of),
        }
