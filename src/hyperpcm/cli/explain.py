"""`hyperpcm explain`: which atoms and which known targets a score, or a target, rests on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.arguments import (
    CompoundColumns,
    FastaRecord,
    TargetProtein,
    column_roles,
)
from hyperpcm.cli.compounds import GivenCompounds, input_files, read_all
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.explained import atoms_table, known_targets_table
from hyperpcm.cli.models import Shortening, compiled, needed_target
from hyperpcm.cli.rejections import all_rejections, name_rejections
from hyperpcm.cli.rejections import as_record as rejection_record
from hyperpcm.cli.targets import read_target, target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, split_model
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.training.model_source import ModelSource

if TYPE_CHECKING:
    from hyperpcm.target_model import Scores, TargetModel
    from hyperpcm.trust import Evidence, TargetEvidence
    from hyperpcm.trust.explained import Explained

__all__ = ["explain"]

_MOST: Final = 200  # compounds on one page, and whose known targets are told


def explain(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [COMPOUNDS]...",
            help="Compiled target (.hpcm), or with --target a run, a model or its name; the default model "
            "where there is none. Then compounds: SMILES, or files: .smi, CSV, TSV, SDF, Parquet; - for "
            "standard input.",
        ),
    ] = None,
    target: TargetProtein = None,
    record: FastaRecord = None,
    model: GivenModel = None,
    known: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Known targets that are told, with the score without each: 5 where a run or a model is "
            "given; 0 for none.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another compiled target: explain the difference to its score, for selectivity."),
    ] = None,
    columns: CompoundColumns = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw the compounds on this .html page.")
    ] = None,
    orders: Annotated[
        int, typer.Option(min=1, help="Random orders of atoms where contributions are not exact.")
    ] = 16,
    mask: Annotated[
        bool,
        typer.Option(
            "--mask",
            help="Also tell what the score loses when an atom is masked: the check for learned encoders, "
            "made in any case where a target reads no fingerprint.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what a score rests on: which atoms of the compound, and which known targets.

    Contributions of atoms, of what is said of no atom (descriptors), and a baseline sum to the score. With
    --against they are those to the difference between two targets: which atoms make the compound selective.
    Where a target reads no fingerprint, it is told what the score loses when an atom is masked.

    With a run or a model and --target, the memory is at hand: known targets are told with the weight of their
    labels, with their measured compounds most similar to the asked one, and with the score of a model whose
    memory never held them. Without compounds, the card of the target is told.
    """
    from hyperpcm.datasets.output_files import check_output

    given_model, compounds = split_model(words or (), model)
    source, fasta = asked_model(ctx.obj, given_model), target_file(target)
    inputs = [*source.files, *input_files(compounds), *([] if fasta is None else [fasta])]
    if out is not None:
        check_output(out, overwrite=overwrite, inputs=inputs)
    protein = needed_target(source, target)
    number = _known_targets(ctx.obj, known, source, against, has_memory=protein is not None)
    request = _Request(
        ctx.obj, source, protein, record, number, against, out, orders, mask, overwrite, as_json
    )
    if compounds:
        _explain_compounds(request, read_all(compounds, columns=column_roles(columns or ()) or None))
    else:
        _explain_target(request)


@dataclass(frozen=True)
class _Request:
    """What is asked for: the words of the command line, with ``known`` as many targets as are told."""

    console: Console
    source: ModelSource
    protein: str | None
    record: str | None
    known: int
    against: Path | None
    out: Path | None
    orders: int
    mask: bool
    overwrite: bool
    as_json: bool

    def memory(self, protein: str) -> TargetEvidence:
        """The model with its memory as the target sees it."""
        from hyperpcm.trust import TargetEvidence

        found = read_target(protein, record=self.record)
        return TargetEvidence(self.source.load(), found.sequence, found.name, top=self.known)

    def compiled(self) -> TargetModel:
        """The target; with all digits where it is compiled here, as beside its known targets."""
        from hyperpcm.checkpoint import load_target_model

        if self.protein is None:
            return load_target_model(self.source.path)
        exact = Shortening(exact=True)
        return compiled(self.source, self.protein, record=self.record, name=None, shortening=exact)

    def other(self, target: TargetModel) -> TargetModel | None:
        """The target whose scores are subtracted."""
        from hyperpcm.checkpoint import load_target_model

        if self.against is None:
            return None
        other = load_target_model(self.against)
        if other.quantity != target.quantity:
            raise ConfigError(
                f"{self.against}: scores {other.quantity.name}, and {self.source} {target.quantity.name}; "
                "their difference means nothing."
            )
        return other


def _known_targets(
    console: Console, known: int | None, source: ModelSource, against: Path | None, *, has_memory: bool
) -> int:
    """How many known targets are told; says why there are none where some were asked for."""
    from hyperpcm.trust.evidence import TOP

    if known and against is not None:
        raise InputError(
            "--known tells what the score on one target rests on, and --against explains a difference of "
            "two. Leave one of them out."
        )
    if not has_memory or against is not None:
        if known:
            console.note(
                f"{source}: a compiled target holds no memory, so known targets are not told. Give the run "
                "or the model that it came from, with --target."
            )
        return 0
    return TOP if known is None else known


def _explain_target(request: _Request) -> None:
    """Tell what a target alone rests on."""
    from hyperpcm.trust.explained import evidence_record

    console, out = request.console, request.out
    if request.protein is None or request.against is not None:
        raise InputError(
            f"{request.source}: say which compounds are to be explained (SMILES or files). What a target "
            "alone rests on is told with a run or a model, and --target."
        )
    if not request.known:
        raise InputError("--known 0 leaves nothing to tell where no compounds are given.")
    card = request.memory(request.protein).of_target()
    _tell_own(console, card)
    if out is not None:
        from hyperpcm.cli.explain_page import write_target_page

        write_target_page(out, card, overwrite=request.overwrite)
    if request.as_json:
        titles = {"target": card.target, "against": None, "evidence": evidence_record(card)}
        console.result_json(titles | {"compounds": [], "rejected": []})
    else:
        console.result(known_targets_table(card))
    if out is not None:
        console.note(f"the card of the target is on {out}")


def _explain_compounds(request: _Request, given: GivenCompounds) -> None:
    """Tell what scores rest on."""
    from hyperpcm.trust.explained import as_record

    console, out = request.console, request.out
    if request.known and len(given.smiles) > _MOST:
        raise InputError(
            f"{len(given.smiles):,} compounds: known targets are taken out of the memory in turn, for "
            f"{_MOST} compounds at most. Give fewer, or leave known targets out with --known 0."
        )
    memory = request.memory(request.protein) if request.protein is not None and request.known else None
    target = request.compiled() if memory is None else memory.compiled
    other = request.other(target)
    scores = target.score(given.smiles)
    rejections = all_rejections(given.rejections, scores.rejections)
    name_rejections(console, rejections, len(given.smiles), None)
    rows = [row for row in range(len(given.smiles)) if row not in rejections]
    if not rows:
        raise InputError(f"none of the {len(given.smiles):,} compounds can be used; the reasons are above.")
    explained = _explained(request, target, other, memory, scores, [(row, given.names[row]) for row in rows])
    if explained[0].card is not None:
        _tell_own(console, explained[0].card)
    if out is not None:
        from hyperpcm.cli.explain_page import write_page

        write_page(out, target, other, scores, explained, most=_MOST, overwrite=request.overwrite)
    if request.as_json:
        titles = {"target": target.name, "against": None if other is None else other.name}
        named = [as_record(one, scores) for one in explained]
        refused = [rejection_record(one) for one in rejections.values()]
        console.result_json(titles | {"evidence": None, "compounds": named, "rejected": refused})
    else:
        console.result("\n\n".join(_told(one) for one in explained))
    if out is not None:
        console.note(f"compounds drawn on {out}: {min(len(explained), _MOST):,} of {len(explained):,}")


def _explained(
    request: _Request,
    target: TargetModel,
    other: TargetModel | None,
    memory: TargetEvidence | None,
    scores: Scores,
    named: Sequence[tuple[int, str]],
) -> list[Explained]:
    """What is told of each compound, given as rows and names."""
    from hyperpcm.trust.explained import Explained, atoms_of

    structures = [scores.smiles[row] or "" for row, _ in named]
    near = target.nearest_landmarks(structures)
    explained = []
    with request.console.progress() as progress:
        tell = progress.rows("compounds explained", len(named))
        for place, ((row, name), smiles) in enumerate(zip(named, structures, strict=True)):
            atoms, masked = atoms_of(target, smiles, other, orders=request.orders, mask=request.mask)
            explained.append(Explained(row, name, smiles, atoms, masked, near[place]))
            tell(place + 1)
        if memory is None:
            return explained
        cards = memory.of_compounds(
            structures, progress=lambda done, of: progress("known targets taken out", done, of)
        )
    return [dataclasses.replace(one, card=card) for one, card in zip(explained, cards, strict=True)]


def _tell_own(console: Console, card: Evidence) -> None:
    """Say on stderr that the target is a known one, where it is."""
    if card.own is None:
        return
    other = "" if card.own == card.target else f" ({printable(card.own)} of the memory)"
    console.note(f"{printable(card.target)} is a known target{other}: its own labels are used.")


def _told(one: Explained) -> str:
    if one.card is None:
        return atoms_table(one)
    return f"{atoms_table(one)}\n\n{known_targets_table(one.card)}"
