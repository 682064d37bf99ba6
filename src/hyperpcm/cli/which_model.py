"""Which model a command asks: the one before its other words, the one of --model, or the default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.compounds import COMPOUND_FILES
from hyperpcm.errors import InputError
from hyperpcm.training.model_source import ModelSource, model_source

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console

__all__ = ["GivenModel", "asked_model", "first_is_model", "is_model", "split_model"]

GivenModel = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="Run, model or its name (hyperpcm models list), also with overlays as RUN+project.hpm; it can "
        "as well be the first of the words before. The default model answers where neither is given.",
    ),
]
"""Which model is asked, for `asked_model`."""

_ENDINGS: Final = (".hpcm", ".safetensors", ".hpm", ".pt", ".pth", ".pkl", ".ckpt", ".bin")
_LARGEST_HEADER: Final = 2**26


def split_model(words: Sequence[str], given: Path | None) -> tuple[Path | None, list[str]]:
    """Return the model that is given, if one is, and the words that are not it.

    Args:
        words: of the command line, of which the first may be a model.
        given: with --model.

    Raises:
        InputError: the first word could be neither a model nor a compound.
    """
    if given is not None or not words or not first_is_model(words[0]):
        return given, list(words)
    return Path(words[0]), list(words[1:])


def first_is_model(word: str) -> bool:
    """Whether a word is a model rather than a compound: what is there decides, then what could be one.

    Raises:
        InputError: it is neither; a mistyped run is not to be answered for by another model.
    """
    if is_model(word) or word.lower().endswith(_ENDINGS):
        return True
    if word == "-" or _is_there(word) or word.lower().endswith(COMPOUND_FILES):
        return False
    from hyperpcm.chem import standardise_all

    if standardise_all([word])[1] and not any(sign in word for sign in "()=#[]@"):
        raise InputError(
            f"{word}: this is no file or folder, no name of a model (hyperpcm models list), and no SMILES."
        )
    return False


def is_model(word: str) -> bool:
    """Whether a word is the name of a model, the folder of a run or model, or the file of one."""
    from hyperpcm.pretrained.registry import find_model

    if word.endswith(".hpm") and "+" in word:
        return True
    if not _is_there(word):
        return find_model(word) is not None
    path = Path(word)
    if path.is_dir():
        return True
    return word.lower().endswith(_ENDINGS) or _begins_like_a_model(path)


def asked_model(console: Console, given: Path | None) -> ModelSource:
    """Return the model that is asked, and say on stderr which it is where a name or the default leads to it.

    Args:
        console: where to tell.
        given: a file, a run or a name, also with overlays; None: the default model.

    Raises:
        ConfigError: as `model_source`.
        InputError: likewise.
    """
    source = model_source(given)
    if source.reason is not None:
        console.note(f"asked: {source}, {source.reason} (hyperpcm models show)")
    elif source.name is not None:
        console.note(f"asked: {source}")
    return source


def _is_there(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # no name of a file has thousands of letters or a NUL
        return False


def _begins_like_a_model(path: Path) -> bool:
    """Whether a file begins with the header of safetensors, whatever its name is."""
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
    except OSError:
        return False
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= _LARGEST_HEADER
