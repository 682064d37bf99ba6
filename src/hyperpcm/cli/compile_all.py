"""Every record of a FASTA file compiled into a folder: the files of a panel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.console import Console
from hyperpcm.cli.models import Shortening, tell_landmarks, tell_licences, tell_rounding
from hyperpcm.cli.rejections import in_words
from hyperpcm.errors import InputError, ModelFileError, OutputError
from hyperpcm.training.model_source import ModelSource

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM
    from hyperpcm.protein import Target

__all__ = ["compile_all"]

_ODD: Final = re.compile(r"[^\w.+-]+")  # what does not go into the name of a file
_LONGEST: Final = 100  # letters of the name of a file
_LISTED: Final = 20  # refused records named on stderr


def compile_all(
    console: Console,
    source: ModelSource,
    fasta: str,
    folder: Path,
    shortening: Shortening,
    *,
    overwrite: bool,
) -> dict[str, Any]:
    """Compile every record of a FASTA file; one that cannot be used is named, and the others are compiled.

    Args:
        console: where to tell.
        source: the trained model.
        fasta: the file.
        folder: gets a file NAME.hpcm for each record; made if need be.
        shortening: how targets are made smaller.
        overwrite: whether files of other models may be replaced.

    Returns:
        How many there are and were there before, and the largest of what shortening changes (JSON values).

    Raises:
        InputError: no record can be used, or two have one name.
        OutputError: a file is there that this model did not make of this sequence, or it cannot be written.
    """
    from hyperpcm.checkpoint import save_target_model
    from hyperpcm.protein import read_fasta

    records = read_fasta(Path(fasta))
    targets = _named(records.targets, fasta)
    for one in records.rejections[:_LISTED]:
        console.error(in_words(one))
    if len(records.rejections) > _LISTED:
        console.error(f"… and {len(records.rejections) - _LISTED:,} more records that cannot be used")
    if not targets:
        raise InputError(f"{fasta}: holds no sequence that can be used.")
    model = source.load()
    _make(folder)
    kept, largest, last = 0, 0.0, None
    landmarks: dict[str, Any] | None = None
    with console.progress() as progress:
        step = progress.rows("targets compiled", len(targets))
        for done, (stem, target) in enumerate(targets.items(), start=1):
            path = folder / f"{stem}.hpcm"
            if path.exists() and not overwrite:
                _check_kept(path, model, target, shortening)
                kept += 1
            else:
                last = model.compile_target(target.sequence, name=target.name or stem, **shortening.options())
                save_target_model(last, path, overwrite=overwrite)
                largest = max(largest, last.provenance["rounding"]["largest_difference"])
                landmarks = _worse(landmarks, last.provenance.get("landmarks"))
            step(done)
    if last is not None:
        tell_licences(console, last)
        tell_landmarks(console, landmarks)
        tell_rounding(console, largest)
    console.note(f"Score compounds on all of them: hyperpcm panel {folder} --compounds compounds.smi")
    return {
        "out": str(folder),
        "targets": len(targets),
        "there_before": kept,
        "largest_difference_of_rounding": largest,
        "landmarks": landmarks,
    }


def _worse(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of what two targets state of their landmarks, the one that changes scores more."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda record: record["largest_difference"])


def _named(targets: tuple[Target, ...], fasta: str) -> dict[str, Target]:
    """The targets by name of their file."""
    found: dict[str, Target] = {}
    for number, target in enumerate(targets, start=1):
        stem = _ODD.sub("_", target.name).strip("._")[:_LONGEST] or f"record-{number}"
        if stem in found:
            raise InputError(
                f"{fasta}: two records would be written to {stem}.hpcm; give each a name of its own."
            )
        found[stem] = target
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror}).") from None


def _check_kept(path: Path, model: HyperPCM, target: Target, shortening: Shortening) -> None:
    """Refuse a file that is not what would be written."""
    from hyperpcm.checkpoint import load_target_model

    try:
        there = load_target_model(path)
    except ModelFileError as error:
        raise OutputError(f"{error} Remove it, or allow it to be replaced (--overwrite).") from None
    if there.sequence != target.sequence or there.provenance.get("model_sha256") != model.origin:
        raise OutputError(
            f"{path}: exists already, and was compiled from another model or sequence. Choose another "
            "folder, or allow it to be replaced (--overwrite)."
        )
    weights = there.provenance.get("rounding", {}).get("weights", "single")
    if shortening.exact and weights != "single":
        raise OutputError(
            f"{path}: exists already, with rounded weights, and --exact asks for all digits. Choose another "
            "folder, or allow it to be replaced (--overwrite)."
        )
    limit = model.landmark_limit(shortening.max_landmarks)
    asked = {"limit": limit, "tolerance": shortening.landmark_tolerance * model.label_scale.scale}
    stated = there.provenance.get("landmarks", asked)
    if any(stated[name] != value for name, value in asked.items()):
        raise OutputError(
            f"{path}: exists already, compiled with another limit or tolerance of landmark compounds. Choose "
            "another folder, or allow it to be replaced (--overwrite)."
        )
