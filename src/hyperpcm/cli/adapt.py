"""`hyperpcm adapt`: a compiled target learns from measurements on it, in closed form."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hyperpcm.cli.arguments import FastaRecord, TargetProtein, column_roles
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.models import target_model_of, tell_licences
from hyperpcm.cli.rejections import RejectionLog, as_record, rejection_log
from hyperpcm.cli.targets import target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, is_model
from hyperpcm.errors import InputError

if TYPE_CHECKING:
    from hyperpcm.datasets.assay import Assay
    from hyperpcm.target_model import Measurement, TargetModel

__all__ = ["adapt"]

_NAMED: Final = 3
_RELATIONS: Final = {0: "=", 1: ">", -1: "<"}
_SCHEMA: Final[dict[str, type]] = {"smiles": str, "relation": str, "value": float, "source": str}


def adapt(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [ASSAY]",
            help="Compiled target (.hpcm), or with --target a run, a model or its name; the default model "
            "where there is none. Then a table of measured compounds: SMILES and values, with relations and "
            "units or not.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write, such as kinase-v2.hpcm.")
    ] = None,
    target: TargetProtein = None,
    record: FastaRecord = None,
    model: GivenModel = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="ROLE=NAME", help="Column of the table: smiles=…, value=…, unit=…"),
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="What the values are, such as Kd, where the column does not tell.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, such as nM, likewise.")] = None,
    source: Annotated[
        str | None, typer.Option(help="What to call these measurements; the name of the file if not given.")
    ] = None,
    forget: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="Take back the measurements of this source.")
    ] = None,
    forget_all: Annotated[bool, typer.Option("--forget-all", help="Take back all measurements.")] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="Tell which measurements the model has seen, and change nothing.")
    ] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that cannot be used to this file, with reasons.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Let a compiled target learn from measurements on it: in closed form, in milliseconds, without training.

    The result scores like any compiled target, and keeps the measurements that it has seen: more can be
    added, and each source taken back. How far measurements of a few compounds carry was learned from other
    targets; where leaving one out at a time speaks against it, less of the correction is used, and that is
    told.
    """
    from hyperpcm.target_model.adapting import adapted, measurements_of, summary, unadapted, without_seen

    console: Console = ctx.obj
    given_model, assay = _model_and_assay(words or [], model)
    origin, fasta = asked_model(console, given_model), target_file(target)
    of_table = {
        "--column": columns,
        "--quantity": quantity,
        "--unit": unit,
        "--source": source,
        "--rejected": rejected,
    }
    given = [name for name, value in of_table.items() if value is not None and value != []]
    _check(assay, out, forget, given, forget_all=forget_all, seen=seen)
    inputs = [*origin.files, *(one for one in (fasta, assay) if one is not None)]
    if out is not None:
        _check_out(out, rejected, overwrite=overwrite, inputs=inputs, shows=seen)
    before = target_model_of(origin, target, record=record)
    if seen:
        _tell_seen(console, before, out, overwrite=overwrite, as_json=as_json)
        return
    assert out is not None
    tell_licences(console, before)
    found = before
    if forget_all or forget:
        found = unadapted(before, None if forget_all else _of_sources(before, forget or []))
    read: Assay | None = None
    if assay is not None:
        log = rejection_log(rejected, overwrite=overwrite, inputs=inputs)
        read = _read(console, assay, found, columns, quantity, unit, log)
        named = assay.name if source is None else source
        measurements = without_seen(found, measurements_of(read, named))
        _tell_repeats(console, found, measurements, named, len(read.smiles))
        found = adapted(found, measurements)
        _tell_contradictions(console, found, {one.smiles for one in measurements})
    from hyperpcm.checkpoint import save_target_model

    save_target_model(found, out, overwrite=overwrite)
    about = None if found.adaptation is None else summary(found.adaptation)
    if as_json:
        rejections = [] if read is None else [as_record(one) for one in read.rejections]
        notes = [] if read is None else list(read.notes)
        console.result_json(
            {"out": str(out), "name": found.name, "adaptation": about, "notes": notes, "rejected": rejections}
        )
        return
    console.result(f"{out}: " + _in_words(about, found.quantity.name))


def _model_and_assay(words: Sequence[str], given: Path | None) -> tuple[Path | None, Path | None]:
    """The model, if one is given, and the table, if there is one."""
    if len(words) > 2 or (given is not None and len(words) > 1):
        raise InputError(f"{words[-1]}: one table of measured compounds is read at a time.")
    if given is None and words and (len(words) == 2 or is_model(words[0]) or words[0].endswith(".hpcm")):
        given, words = Path(words[0]), words[1:]
    return given, Path(words[0]) if words else None


def _check(
    assay: Path | None,
    out: Path | None,
    forget: Sequence[str] | None,
    of_table: Sequence[str],
    *,
    forget_all: bool,
    seen: bool,
) -> None:
    """Refuse words that do not go together, such as those that say how to read a table that there is not."""
    if seen:
        if assay is not None or forget or forget_all or of_table:
            raise InputError("--seen tells what was measured and changes nothing; leave the rest out.")
        return
    if forget and forget_all:
        raise InputError("--forget-all takes back every source; leave --forget out.")
    if assay is None and not forget and not forget_all:
        raise InputError("a table of measured compounds is missing; or say what to take back with --forget.")
    if assay is None and of_table:
        raise InputError(
            f"{' and '.join(of_table)} would say how to read a table of measured compounds; there is none."
        )
    if out is None:
        raise InputError("say which file to write: --out kinase-v2.hpcm. The model given stays as it is.")


def _check_out(
    out: Path, rejected: Path | None, *, overwrite: bool, inputs: Sequence[Path], shows: bool
) -> None:
    if rejected is not None and rejected.resolve() == out.resolve():
        raise InputError(f"{out}: --out and --rejected are one file. Write the refused rows to another one.")
    from hyperpcm.datasets.output import TableWriter
    from hyperpcm.datasets.output_files import check_output

    if shows:
        TableWriter(out, _SCHEMA, overwrite=overwrite, inputs=inputs)  # refuses what could not be written
    else:
        check_output(out, overwrite=overwrite, inputs=inputs)


def _read(
    console: Console,
    assay: Path,
    target: TargetModel,
    columns: Sequence[str] | None,
    quantity: str | None,
    unit: str | None,
    log: AbstractContextManager[RejectionLog],
) -> Assay:
    """The measurements of a table; rows that cannot be used are named."""
    from hyperpcm.datasets.assay import read_assay

    roles = column_roles(columns or ())
    with log as refused:
        read = read_assay(
            assay, target.quantity, target.sequence, columns=roles or None, quantity=quantity, unit=unit
        )
        refused.add(read.rejections)
    for note in read.notes:
        console.note(note)
    refused.tell(console, len(read.smiles) + len(read.rejections), "used")
    return read


def _of_sources(target: TargetModel, sources: Sequence[str]) -> Any:
    """What tells the measurements of some sources.

    Raises:
        InputError: the target has seen nothing of one of them.
    """
    seen = [] if target.adaptation is None else [one.source for one in target.adaptation.measurements]
    unknown = [source for source in sources if source not in seen]
    if unknown:
        known = ", ".join(sorted(set(seen))) or "none at all"
        raise InputError(
            f"{unknown[0]}: the model has seen no measurement of this source. It has seen: {known}."
        )
    return lambda one: one.source in sources


def _tell_repeats(
    console: Console, before: TargetModel, measurements: Sequence[Measurement], source: str, rows: int
) -> None:
    """Say which rows count for nothing, and where others of that source were seen."""
    if len(measurements) < rows:
        console.note(f"{rows - len(measurements):,} of {rows:,} rows were seen before and count once")
    had = () if before.adaptation is None else before.adaptation.measurements
    same = sum(one.source == source for one in had)
    if measurements and same:
        name = printable(source)
        console.note(
            f"{_counted(same, 'measurement')} of the source {name} were seen before; these are added. If "
            f"they take the place of those, say --forget {name}; if they are another file's, --source NAME"
        )


def _tell_contradictions(console: Console, target: TargetModel, compounds: Collection[str]) -> None:
    """Name those of some compounds whose measurements contradict one another, whichever file they are of."""
    from hyperpcm.target_model.adapting import CONTRADICTION, contradictions

    apart = contradictions(target, compounds)
    if apart:
        named = "; ".join(
            f"{printable(smiles)} by {distance:.2f}" for smiles, distance in list(apart.items())[:_NAMED]
        )
        console.error(
            f"{_counted(len(apart), 'compound')} with measurements more than {CONTRADICTION:g} apart; "
            f"values count with their mean, and before bounds: {named}"
        )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _in_words(about: Mapping[str, Any] | None, quantity: str) -> str:
    from hyperpcm.target_model.adapting import CHOICES

    if about is None:
        return "the model as it was before any measurement"
    measured = _counted(about["measurements"], "measurement")
    lines = [f"{measured} of {_counted(about['compounds'], 'compound')} seen"]
    if about["bounds"]:
        lines[0] += f", {about['bounds']:,} of them bounds"
    lines.append(f"  {CHOICES[about['choice']]}")
    if about["rmse_before"] is not None:
        lines.append(
            f"  error on a measured compound: {about['rmse_before']:.2f} {quantity} before, "
            f"{about['rmse_left_out']:.2f} told from the other compounds"
        )
    if about["choice"] != "none":
        lines.append(f"  assay: offset {about['offset']:+.2f}, slope {about['slope']:.2f}")
    return "\n".join(lines)


def _tell_seen(
    console: Console, target: TargetModel, out: Path | None, *, overwrite: bool, as_json: bool
) -> None:
    """The measurements that a target has seen, in their order."""
    from hyperpcm.target_model.adapting import summary

    measured = () if target.adaptation is None else target.adaptation.measurements
    rows = [
        {"smiles": one.smiles, "relation": _RELATIONS[one.relation], "value": one.value, "source": one.source}
        for one in measured
    ]
    if out is not None:
        from hyperpcm.datasets.output import TableWriter

        with TableWriter(out, _SCHEMA, overwrite=overwrite) as writer:
            writer.write({name: [row[name] for row in rows] for name in _SCHEMA})
        console.note(f"{len(rows):,} measurements written to {out}")
    about = None if target.adaptation is None else summary(target.adaptation)
    if as_json:
        console.result_json({"adaptation": about, "measurements": rows})
        return
    if out is None and measured:
        from hyperpcm.cli.tables import aligned, terminal_width

        quantity = target.quantity.name
        shown = [[one.source, _RELATIONS[one.relation], f"{one.value:.3f}", one.smiles] for one in measured]
        header = ["source", "relation", quantity, "compound"]
        console.result(aligned(header, shown, right=(quantity,), flexible="compound", width=terminal_width()))
    console.result(_in_words(about, target.quantity.name))
