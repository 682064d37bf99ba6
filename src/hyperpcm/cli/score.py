"""`hyperpcm score`: compounds ranked by how strongly they act on one target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hyperpcm.cli.arguments import (
    CompoundColumns,
    FastaRecord,
    ModelAndCompounds,
    TargetProtein,
    column_roles,
)
from hyperpcm.cli.compounds import GivenCompounds, input_files, read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.intervals import (
    Level,
    abstained,
    check_domain,
    interval_cells,
    interval_header,
    tell_intervals,
    tell_probabilities,
)
from hyperpcm.cli.models import ScoredTarget, scored_target, tell_licences
from hyperpcm.cli.rejections import all_rejections, as_record, in_words, name_rejections
from hyperpcm.cli.tables import aligned, shortened, terminal_width
from hyperpcm.cli.targets import target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, split_model
from hyperpcm.errors import InputError, Rejection
from hyperpcm.target_model.told import (
    INTERVAL_COLUMNS,
    interval_columns,
    nearest_target,
    score_title,
    told_interval,
)

if TYPE_CHECKING:
    from hyperpcm.datasets.output import Column
    from hyperpcm.target_model import NearestLandmark, Scores, TargetModel

    Nearest = Mapping[int, NearestLandmark | None] | None  # by row; None where it was not asked for

__all__ = ["score"]

_BESIDE_FILE: Final = 10  # best rows shown where all are written to a file


def score(
    ctx: typer.Context,
    words: ModelAndCompounds,
    target: TargetProtein = None,
    record: FastaRecord = None,
    model: GivenModel = None,
    columns: CompoundColumns = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write all rows to this .csv, .tsv or .parquet file.")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Show this many of the best.")] = None,
    nearest: Annotated[
        bool,
        typer.Option(
            "--nearest", help="Tell the most similar of the training compounds that the target keeps."
        ),
    ] = False,
    level: Level = 0.8,
    abstain: Annotated[
        bool, typer.Option("--abstain", help="Do not rank compounds outside the model's domain; say why.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail at the first row that cannot be used.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Score compounds for one target and rank them, the strongest first.

    Without a model, hyperpcm score --target protein.fasta compounds.smi asks the default one: it needs no
    data and no training (hyperpcm models list).

    A row that cannot be used is named on stderr with the reason, and the others are scored. The file of
    --out holds every row in the order given, with its rank, its score or why it has none. Where the model was
    calibrated, each score has an interval and a verdict: inside the model's domain, at its edge, or outside;
    where labels were two classes, each score is a calibrated probability instead. Where a trained
    model knows the protein, what was measured on a compound stands beside its score.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    given_model, compounds = split_model(words, model)
    if not compounds:
        raise InputError("which compounds? Give SMILES, or files of them, after the model.")
    source = asked_model(console, given_model)
    fasta = target_file(target)
    inputs = [*source.files, *input_files(compounds), *([] if fasta is None else [fasta])]
    if out is not None:
        _check_out(out, overwrite, inputs)
    given = read_all(compounds, columns=roles or None)
    if strict:
        _refuse_any(given)
    asked = scored_target(source, target, record=record)
    target_model = asked.model
    tell_licences(console, target_model)
    if abstain:
        check_domain(target_model)
    with console.progress() as progress:
        scores = target_model.score(
            given.smiles, level=level, progress=progress.rows("compounds scored", len(given.smiles))
        )
    tell_intervals(console, target_model)
    tell_probabilities(console, target_model)
    rejections = all_rejections(given.rejections, scores.rejections)
    if abstain:
        rejections |= abstained(target_model, scores)
    name_rejections(console, rejections, len(given.smiles), out)
    if len(rejections) == len(given.smiles):
        raise InputError(f"none of the {len(given.smiles):,} compounds can be scored; the reasons are above.")
    if out is not None and top is None:
        top = _BESIDE_FILE
    order = [int(row) for row in scores.order() if int(row) not in rejections]
    best = order[:top]
    near = None
    if nearest:
        rows = best if out is None else range(len(given.smiles))
        near = dict(
            zip(rows, target_model.nearest_landmarks([scores.smiles[row] for row in rows]), strict=True)
        )
    if out is not None:
        _write(out, asked, given, scores, order, rejections, near, overwrite=overwrite)
    if as_json:
        found = _record(asked, given, scores, rejections, best, near)
        console.result_json({"model": str(source), **found})
    else:
        console.result(_ranking(asked, given, scores, best, near))
    if out is not None:
        console.note(f"{len(given.smiles):,} rows written to {out}")


def _check_out(out: Path, overwrite: bool, inputs: list[Path]) -> None:
    from hyperpcm.datasets.output import TableWriter

    TableWriter(out, _SCHEMA, overwrite=overwrite, inputs=inputs)  # refuses what could not be written later


def _refuse_any(given: GivenCompounds) -> None:
    """Raise at the first row that cannot be scored, before a model is loaded."""
    from hyperpcm.chem import standardise_all

    found = {one.row: one for one in standardise_all(given.smiles)[1]} | {
        one.row: one for one in given.rejections
    }
    if found:
        first = found[min(found)]
        raise InputError(in_words(first))


_NEAREST: Final[dict[str, type]] = {"nearest_compound": str, "nearest_similarity": float}
_MEASURED: Final[dict[str, type]] = {"measured": float}  # where the protein is known
_ERROR: Final = "nearest_error"  # of held-out rows whose nearest known compound was as near
_SCHEMA: Final[dict[str, type]] = {
    "row": int,
    "name": str,
    "given": str,
    "smiles": str,
    "score": float,
    "quantity": str,
    "rank": int,
    "rejected": str,
    "reason": str,
}


def _write(
    path: Path,
    asked: ScoredTarget,
    given: GivenCompounds,
    scores: Scores,
    order: list[int],
    rejections: dict[int, Rejection],
    near: Nearest,
    *,
    overwrite: bool,
) -> None:
    """All rows in the order given; rank 1 is the best."""
    from hyperpcm.datasets.output import TableWriter

    rows = range(len(given.smiles))
    ranks = {row: rank for rank, row in enumerate(order, start=1)}
    refused = [rejections.get(row) for row in rows]
    columns: dict[str, Column] = {
        "row": [row + 1 for row in rows],
        "name": list(given.names),
        "given": list(given.smiles),
        "smiles": list(scores.smiles),
        "score": scores.values,
        "quantity": [scores.quantity.name for _ in rows],
        "rank": [ranks.get(row) for row in rows],
        "rejected": [one.code if one else None for one in refused],
        "reason": [one.reason if one else None for one in refused],
    }
    schema = _SCHEMA
    if scores.intervals is not None:
        schema = schema | INTERVAL_COLUMNS
        columns |= interval_columns(scores.intervals)
    if asked.measured:
        schema = schema | _MEASURED
        columns["measured"] = [asked.measured.get(smiles or "") for smiles in scores.smiles]
    if near is not None:
        model = asked.model
        told = [_told(model, near[row]) for row in rows]
        kinds = _NEAREST | ({} if model.calibration is None else {_ERROR: float})
        schema = schema | kinds
        columns |= {name: [one[name] for one in told] for name in kinds}
    with TableWriter(path, schema, overwrite=overwrite) as writer:
        writer.write(columns)


def _told(model: TargetModel, nearest: NearestLandmark | None) -> dict[str, Any]:
    """The columns of `_NEAREST` for one compound, and the error at that distance where it is known."""
    calibration = model.calibration
    names = [*_NEAREST, *([] if calibration is None else [_ERROR])]
    if nearest is None:
        return dict.fromkeys(names)
    told = {"nearest_compound": nearest.smiles, "nearest_similarity": round(nearest.similarity, 4)}
    error = None if calibration is None else calibration.error_at("compound", nearest.similarity)
    return told if calibration is None else told | {_ERROR: error}


def _record(
    asked: ScoredTarget,
    given: GivenCompounds,
    scores: Scores,
    rejections: dict[int, Rejection],
    best: list[int],
    near: Nearest,
) -> dict[str, object]:
    """The result as JSON values."""
    model = asked.model
    ranked = [
        {
            "rank": rank,
            "row": row + 1,
            "name": given.names[row],
            "smiles": scores.smiles[row],
            "score": float(scores.values[row]),
            **told_interval(scores.intervals, row),
            **({"measured": asked.measured.get(scores.smiles[row] or "")} if asked.measured else {}),
            **({} if near is None else _told(model, near[row])),
        }
        for rank, row in enumerate(best, start=1)
    ]
    return {
        "target": model.name,
        "licences": model.licences,
        "quantity": scores.quantity.name,
        "unit": scores.quantity.unit,
        "kind": scores.quantity.kind,
        "nearest_target": nearest_target(model),
        "calibration": None if model.calibration is None else dict(model.calibration.held_out),
        "probabilities": model.provenance.get("model", {}).get("probabilities"),
        "scores": ranked,
        "rejected": [as_record(one) for one in rejections.values()],
    }


def _ranking(
    asked: ScoredTarget, given: GivenCompounds, scores: Scores, best: list[int], near: Nearest
) -> str:
    """The result as a table; without columns of names or of measured labels where there are none."""
    model = asked.model
    measured = [asked.measured.get(scores.smiles[row] or "") for row in best]
    is_measured = any(one is not None for one in measured)
    title = score_title(scores.quantity)
    named = any(given.names[row] for row in best)
    intervals = scores.intervals
    header = ["rank", title, *interval_header(intervals), *(["measured"] if is_measured else [])]
    header += [*(["name"] if named else []), "SMILES"]
    has_error = near is not None and model.calibration is not None
    header += [] if near is None else ["similarity", *(["error there"] if has_error else [])]
    header += [] if near is None else ["nearest compound"]
    rows = [
        [
            str(rank),
            f"{scores.values[row]:.3f}",
            *interval_cells(intervals, row),
            *(["" if known is None else f"{known:.2f}"] if is_measured else []),
            *([given.names[row]] if named else []),
            scores.smiles[row] or "",
            *([] if near is None else _in_cells(model, near[row])),
        ]
        for rank, (row, known) in enumerate(zip(best, measured, strict=True), start=1)
    ]
    right = {"rank", title, "measured", "similarity", "error there"}
    return aligned(header, rows, right=right, flexible="SMILES", width=terminal_width())


def _in_cells(model: TargetModel, nearest: NearestLandmark | None) -> list[str]:
    calibration = model.calibration
    if nearest is None:
        return ["", *([] if calibration is None else [""]), ""]
    error = None if calibration is None else calibration.error_at("compound", nearest.similarity)
    there = [] if calibration is None else ["" if error is None else f"{error:.2f}"]
    return [f"{nearest.similarity:.2f}", *there, shortened(nearest.smiles, 40)]
