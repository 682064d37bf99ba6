"""Which files of a transformer's folder are used, and what tells one such folder from another."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from hyperpcm.errors import ConfigError

__all__ = ["FileRecord", "check_content", "chosen_files", "content_of", "record_of", "records_of"]

_SETTINGS: Final = ("config.json",)
_TOKENIZER: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
)
_VOCABULARY: Final = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")
_SAFETENSORS: Final = ("model.safetensors", "model-*-of-*.safetensors")
_PICKLED: Final = ("pytorch_model.bin", "pytorch_model-*-of-*.bin")


@dataclasses.dataclass(frozen=True, slots=True)
class FileRecord:
    """One file, by content.

    Attributes:
        sha256: hex digest.
        size: bytes.
    """

    sha256: str
    size: int


def chosen_files(names: Iterable[str], where: str) -> list[str]:
    """Give the names, among those of a folder, of the files that a transformer is loaded from, sorted.

    They are the configuration, the tokenizer and the weights: safetensors where there are any, else PyTorch's
    own files, which are only ever read with ``weights_only``. Nothing that holds code is chosen.

    Args:
        names: files at the top of the folder.
        where: what the folder is called in errors.

    Raises:
        ConfigError: no configuration, no weights, or no tokenizer.
    """
    present = set(names)
    weights, index = _matching(present, _SAFETENSORS), "model.safetensors.index.json"
    if not weights:
        weights, index = _matching(present, _PICKLED), "pytorch_model.bin.index.json"
    needed = {
        "config.json": _SETTINGS[0] in present,
        "weights (model.safetensors or pytorch_model.bin)": bool(weights),
        f"a tokenizer ({', '.join(_VOCABULARY)})": bool(present.intersection(_VOCABULARY)),
    }
    missing = [what for what, there in needed.items() if not there]
    if missing:
        raise ConfigError(
            f"{where} is not the folder of a transformer: it lacks {' and '.join(missing)}. "
            "Give the folder that save_pretrained wrote, or that was downloaded whole."
        )
    if len(weights) > 1 or "-of-" in weights[0]:
        if index not in present:
            raise ConfigError(
                f"{where} lacks {index}, which says which part of the weights is in which file."
            )
        weights = [*weights, index]
    return sorted([*present.intersection(_SETTINGS), *present.intersection(_TOKENIZER), *weights])


def _matching(names: set[str], patterns: tuple[str, ...]) -> list[str]:
    """The names that the first pattern with any match covers."""
    for pattern in patterns:
        found = sorted(fnmatch.filter(names, pattern))
        if found:
            return found
    return []


def record_of(path: Path) -> FileRecord:
    """Read a file through: its sha256 and size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(digest, path.stat().st_size)


def records_of(folder: Path) -> dict[str, FileRecord]:
    """The files of a folder that a transformer is loaded from, by name, read through.

    Raises:
        ConfigError: it is not a folder, or lacks something.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is not a folder. Give the folder that holds config.json and the weights."
        )
    names = chosen_files((entry.name for entry in folder.iterdir() if entry.is_file()), str(folder))
    return {name: record_of(folder / name) for name in names}


def content_of(files: Mapping[str, FileRecord]) -> str:
    """Sha256 (64 hex digits) over names and contents: equal for equal folders, wherever they are."""
    lines = "".join(f"{files[name].sha256}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def check_content(encoder: str, place: object, found: str, wanted: str | None) -> None:
    """Do nothing where nothing is wanted, or just this.

    Args:
        encoder: its name, for the message.
        place: file or folder whose content it is.
        found: the content, a sha256.
        wanted: the content that a spec asks for; None: any.

    Raises:
        ConfigError: another content is wanted.
    """
    if wanted not in (None, found):
        raise ConfigError(
            f"encoder {encoder!r}: {place} holds another network (content {found[:12]}…) than is wanted "
            f"({str(wanted)[:12]}…): the numbers would differ"
        )
