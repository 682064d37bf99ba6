"""Models and target models to files and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from torch import Tensor

from hyperpcm import __version__
from hyperpcm.checkpoint.archive import Archive, read_archive, write_archive
from hyperpcm.checkpoint.compact import COMPACT, Memo, compacted, expanded
from hyperpcm.checkpoint.consistency import check_model, check_state, check_target_model
from hyperpcm.checkpoint.document import FORMAT_VERSIONS
from hyperpcm.checkpoint.packing import packed, unpacked
from hyperpcm.encoders.base import Json
from hyperpcm.errors import (
    CorruptModelError,
    DataUnavailableError,
    HyperpcmError,
    MissingExtraError,
    ModelFileError,
)

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM
    from hyperpcm.target_model import TargetModel

__all__ = ["load_model", "load_target_model", "save_model", "save_target_model"]

_PACKED: Final = 2  # the first format of target models whose tensors are packed
_PLAIN: Final = 1  # the format of models whose tensors are stored as they are
_Built = TypeVar("_Built", "HyperPCM", "TargetModel")


def save_model(model: HyperPCM, path: Path, *, overwrite: bool = False, memo: Memo | None = None) -> None:
    """Write a model with its scalers, context memory and encoder settings: it predicts with no data at hand.

    A model that was made small, see `hyperpcm.model.shrinking`, is written in the form that takes the fewest
    bytes, and so are those that are made of it. Every number is stored as it is.

    Args:
        model: of any device; not mutated.
        path: of the file; ``model.safetensors`` by custom.
        overwrite: whether a file that is there may be replaced.
        memo: of a model that was made small: what is told in few bytes already, see
            `hyperpcm.checkpoint.compact.compacted`.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
        DivergedError: a weight is NaN or infinite.
    """
    from hyperpcm.model import HyperPCM
    from hyperpcm.model.card import SHRUNK

    if not isinstance(model, HyperPCM):
        raise TypeError(f"save_model writes a HyperPCM, not a {type(model).__name__}.")
    state, version = model.state(), _PLAIN
    if SHRUNK in model.card:
        state, version = compacted(*state, memo), FORMAT_VERSIONS["model"]
    write_archive(path, "model", *state, overwrite=overwrite, version=version)


def load_model(path: Path) -> HyperPCM:
    """Return the model in a file, on the CPU and in evaluation mode; scores equal those of the saved one.

    Raises:
        InputError: there is no such file.
        CorruptModelError: the file is truncated, altered, not a model file, or describes no model.
        IncompatibleModelError: it is whole, and of another kind, of a newer format version, for an encoder
            that this version does not have, or its weights do not fit its settings.
    """
    from hyperpcm.model import HyperPCM

    model, archive = _built(Path(path), "model", HyperPCM.from_state, check_model)
    model.origin = archive.sha256
    return model


def save_target_model(target_model: TargetModel, path: Path, *, overwrite: bool = False) -> None:
    """Write the compiled model of one target; the file scores SMILES on its own.

    Every number is stored as it is, in as few bytes as hold it.

    Args:
        target_model: not mutated.
        path: of the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
        DivergedError: a weight is NaN or infinite.
    """
    from hyperpcm.target_model import TargetModel

    if not isinstance(target_model, TargetModel):
        raise TypeError(f"save_target_model writes a TargetModel, not a {type(target_model).__name__}.")
    write_archive(path, "target_model", *packed(*target_model.state()), overwrite=overwrite)


def load_target_model(path: Path) -> TargetModel:
    """Return the target model in a file; its scores equal those of the saved one.

    Raises:
        InputError: there is no such file.
        CorruptModelError: the file is truncated, altered, not a model file, or describes no target model.
        IncompatibleModelError: it is whole, and of another kind, of a newer format version, for an encoder
            that this version does not have, or its parts do not fit together.
    """
    from hyperpcm.target_model import TargetModel

    target_model, _ = _built(Path(path), "target_model", TargetModel.from_state, check_target_model)
    return target_model


def _of_now(tensors: dict[str, Tensor], header: dict[str, Json]) -> tuple[dict[str, Tensor], dict[str, Json]]:
    """What a file of a time when networks had one share, for all targets, says today."""
    share = tensors.get("correction")
    if share is None or share.dim() > 0:
        return tensors, header
    return {**tensors, "correction": share.expand(2).clone()}, header


def _built(
    path: Path,
    kind: str,
    from_state: Callable[[Mapping[str, Tensor], Mapping[str, Any]], _Built],
    check: Callable[[_Built], None],
) -> tuple[_Built, Archive]:
    """What ``from_state`` makes of an archive, and that; what it cannot use is the fault of the file."""
    archive = read_archive(path, kind)
    try:
        stored = archive.tensors, archive.header
        if kind == "target_model" and archive.format_version >= _PACKED:
            stored = unpacked(*stored)
        if kind == "model" and COMPACT in archive.header:
            stored = expanded(*stored)
        if kind == "model":
            stored = _of_now(*stored)
        built = from_state(*stored)
        check_state(stored, built.state())
        check(built)
        return built, archive
    except (MissingExtraError, DataUnavailableError):
        raise  # the file is good; something has to be installed or fetched
    except ModelFileError as error:
        raise type(error)(f"{path}: {error}") from error
    except (
        HyperpcmError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise CorruptModelError(
            f"{path}: the file is whole, but what it holds does not describe a {kind.replace('_', ' ')} "
            f"({type(error).__name__}: {error}). Written by hyperpcm {archive.hyperpcm_version}; this is "
            f"{__version__}."
        ) from error
