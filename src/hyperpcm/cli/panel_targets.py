"""Which targets a panel has: compiled ones from files, or proteins that the model compiles now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.models import tell_licences
from hyperpcm.cli.targets import read_target, target_file
from hyperpcm.cli.which_model import asked_model
from hyperpcm.errors import InputError
from hyperpcm.screening.panel_files import target_files

if TYPE_CHECKING:
    from hyperpcm.cli.console import Console
    from hyperpcm.protein import Target
    from hyperpcm.target_model import TargetModel
    from hyperpcm.training.model_source import ModelSource

__all__ = ["AskedTargets", "PanelTargets", "Proteins", "asked_targets", "tell_all_licences"]

Proteins = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="Protein that the model compiles now: an amino-acid sequence, or a FASTA file, of which every "
        "record is taken. May be given again.",
    ),
]
"""Which proteins a model is asked about, for `asked_targets`."""


@dataclass(frozen=True)
class PanelTargets:
    """Compiled targets, each with a name and a seal that another target does not have."""

    models: list[TargetModel]
    names: list[str]
    seals: dict[str, str]


@dataclass(frozen=True)
class AskedTargets:
    """The targets that are asked for; none is loaded or compiled yet.

    Attributes:
        compiled: files of compiled targets.
        proteins: to be compiled.
        source: the model that compiles them; None where there are none.
        files: that are read.
    """

    compiled: tuple[Path, ...]
    proteins: tuple[Target, ...]
    source: ModelSource | None
    files: tuple[Path, ...]

    def load(self, *, measured: bool = True) -> PanelTargets:
        """Load those of files and compile the others.

        Args:
            measured: whether what they give to known compounds in general is measured; it takes longer.

        Raises:
            ModelFileError: a file cannot be used.
        """
        from hyperpcm.checkpoint import load_target_model, read_archive

        models = [load_target_model(path) for path in self.compiled]
        names = [model.name or path.stem for model, path in zip(models, self.compiled, strict=True)]
        seals = [read_archive(path).sha256 for path in self.compiled]
        if self.source is not None:
            from hyperpcm.model.compiling import unmeasured_target

            model = self.source.load()
            for number, one in enumerate(self.proteins, start=1):
                name = one.name or f"target {number}"
                made = model.compile_target if measured else partial(unmeasured_target, model)
                models.append(made(one.sequence, name=name))
                names.append(name)
                seals.append(hashlib.sha256(f"{model.origin} {one.sequence}".encode()).hexdigest())
        return PanelTargets(models, names, dict(zip(names, seals, strict=True)))


def asked_targets(
    console: Console, given: Sequence[Path] | None, proteins: Sequence[str] | None, model: Path | None
) -> AskedTargets:
    """Return the targets that are asked for.

    Args:
        console: where to tell which model is asked.
        given: compiled targets, or folders of them.
        proteins: FASTA files and sequences, as of --target.
        model: that compiles them; None: the default model.

    Raises:
        InputError: none is asked for, a file is missing or holds none, or a model is given without a protein.
    """
    compiled = target_files(given or ())
    if not compiled and not proteins:
        raise InputError(
            "which targets? Give compiled ones (.hpcm), or proteins with --target (a FASTA file or a "
            "sequence)."
        )
    if not proteins:
        if model is not None:
            raise InputError(f"--model {model}: compiled targets need no model. Say which protein: --target")
        return AskedTargets(tuple(compiled), (), None, tuple(compiled))
    found = tuple(target for one in proteins for target in _read(one))
    source = asked_model(console, model)
    if source.is_target:
        raise InputError(f"{source}: this is the model of one target already; give it without --model.")
    files = [path for one in proteins if (path := target_file(one)) is not None]
    return AskedTargets(tuple(compiled), found, source, (*compiled, *files, *source.files))


def _read(given: str) -> tuple[Target, ...]:
    """The protein of a sequence, or those of a FASTA file.

    Raises:
        InputError: as `read_target`; or a record cannot be used.
    """
    from hyperpcm.protein import read_fasta

    path = target_file(given)
    if path is None:
        return (read_target(given),)
    records = read_fasta(path)
    if records.rejections:
        first = records.rejections[0]
        raise InputError(f"{given}: record {first.row + 1} cannot be used: {first.code}: {first.reason}")
    if not records.targets:
        raise InputError(f"{given}: holds no sequence.")
    return records.targets


def tell_all_licences(console: Console, models: Sequence[TargetModel]) -> None:
    """Say once for each set of encoders what forbids commercial use."""
    for model in {tuple(sorted(model.licences.items())): model for model in models}.values():
        tell_licences(console, model)
