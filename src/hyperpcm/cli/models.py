"""Which target model is meant, and what is said of it on stderr."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console
    from hyperpcm.target_model import TargetModel
    from hyperpcm.training.model_source import ModelSource

__all__ = [
    "ScoredTarget",
    "Shortening",
    "compiled",
    "needed_target",
    "scored_target",
    "target_model_of",
    "tell_landmarks",
    "tell_licences",
    "tell_rounding",
]


@dataclass(frozen=True)
class Shortening:
    """How a compiled target is made smaller; the fields are the options of `HyperPCM.compile_target`."""

    exact: bool = False
    max_landmarks: int | None = None
    landmark_tolerance: float = 0.0

    def options(self) -> dict[str, Any]:
        """Return them by name."""
        return dataclasses.asdict(self)


def compiled(
    source: ModelSource,
    target: str,
    *,
    record: str | None,
    name: str | None,
    shortening: Shortening | None = None,
) -> TargetModel:
    """The target model that the trained model in a file makes of a target.

    Args:
        source: the model.
        target: a FASTA file or a sequence.
        record: which record of the file.
        name: what to call the target.
        shortening: how it is made smaller; None: as `HyperPCM.compile_target` does.

    Raises:
        InputError: as `hyperpcm.cli.targets.read_target`.
        ModelFileError: the file cannot be used.
    """
    from hyperpcm.cli.targets import read_target

    protein = read_target(target, record=record, name=name)
    options = (shortening or Shortening()).options()
    return source.load().compile_target(protein.sequence, name=protein.name, **options)


def target_model_of(source: ModelSource, target: str | None, *, record: str | None) -> TargetModel:
    """The target model in a file, or the one that the trained model in it makes of a target.

    Raises:
        InputError: a target is needed and not given, or given and not needed.
        ModelFileError: the file cannot be used.
    """
    from hyperpcm.checkpoint import load_target_model

    needed = needed_target(source, target)
    if needed is None:
        return load_target_model(source.path)
    return compiled(source, needed, record=record, name=None)


@dataclass(frozen=True)
class ScoredTarget:
    """A target that is scored now.

    Attributes:
        model: of it.
        measured: what the trained model knows of its own compounds, by standardised SMILES; nothing where a
            compiled target is given, which holds no such table.
    """

    model: TargetModel
    measured: Mapping[str, float]


def scored_target(source: ModelSource, target: str | None, *, record: str | None) -> ScoredTarget:
    """The target model in a file, or one that is made to score now and is kept in no file.

    What shortening it would change is not measured, for that takes longer than most lists of compounds do.

    Raises:
        InputError: a target is needed and not given, or given and not needed.
        ModelFileError: the file cannot be used.
    """
    from hyperpcm.cli.targets import read_target
    from hyperpcm.model.compiling import unmeasured_target
    from hyperpcm.model.listing import labels_on

    needed = needed_target(source, target)
    if needed is None:
        return ScoredTarget(target_model_of(source, None, record=None), {})
    protein, model = read_target(needed, record=record), source.load()
    target_model = unmeasured_target(model, protein.sequence, protein.name)
    return ScoredTarget(target_model, labels_on(model, target_model.sequence))


def needed_target(source: ModelSource, target: str | None) -> str | None:
    """The target that the trained model in a file is asked about; None: the file is a compiled target.

    Raises:
        InputError: a target is needed and not given, or given and not needed.
        ModelFileError: the file cannot be used.
    """
    if source.is_target:
        if target is not None:
            raise InputError(f"{source}: this is the model of one target already; leave --target out.")
        return None
    if target is None:
        raise InputError(
            f"{source}: a trained model scores compounds for one target: say which with --target "
            "(a FASTA file or a sequence), or compile it once with `hyperpcm compile`."
        )
    return target


def tell_licences(console: Console, target_model: TargetModel) -> None:
    """Say on stderr when an encoder that the model was made with forbids commercial use."""
    from hyperpcm.encoders.licences import noncommercial_notice

    notice = noncommercial_notice(target_model.licences)
    if notice is not None:
        console.note(notice)


def tell_rounding(console: Console, largest: float) -> None:
    """Say on stderr by how much rounded weights change scores, where they do.

    Args:
        console: where to tell.
        largest: difference, in label units or probability.
    """
    if largest > 0:
        console.note(f"rounded weights change scores by up to {largest:.1g}; --exact keeps all digits")


def tell_landmarks(console: Console, record: Mapping[str, Any] | None) -> None:
    """Say on stderr what leaving landmark compounds out changes, where any is left out.

    Args:
        console: where to tell.
        record: what a compiled target states of its landmarks; None: it retrieves no labels.
    """
    if record is None or record["kept"] == record["of"]:
        return
    told = (
        f"{record['kept']:,} of {record['of']:,} landmark compounds are kept, which changes scores of known "
        f"compounds by up to {record['largest_difference']:.2g} ({record['typical_difference']:.2g} in root "
        "mean square)"
    )
    if record["largest_difference"] <= record["tolerance"]:
        console.note(told)
    elif record["tolerance"] > 0:
        console.error(
            f"{told}. The tolerance of {record['tolerance']:.2g} needs more than the {record['limit']:,} "
            "that are allowed: allow more with --max-landmarks, or a larger tolerance."
        )
    else:
        console.error(f"{told}. Keep more of them with --max-landmarks.")
