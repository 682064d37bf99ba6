"""`hyperpcm memory`: what a trained model knows, with more of it or less, and nothing trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hyperpcm.cli.arguments import (
    AsJson,
    TableColumns,
    TableTargets,
    column_roles,
    existing_file,
    existing_table,
)
from hyperpcm.cli.console import Console
from hyperpcm.cli.memory_change import Change, Writing
from hyperpcm.cli.memory_input import held_pairs, known_row, read_measurements, tell_rejected
from hyperpcm.cli.memory_tables import show_target, show_targets
from hyperpcm.cli.targets import read_target, target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, is_model
from hyperpcm.errors import IncompatibleModelError, InputError
from hyperpcm.training.model_source import ModelSource

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM

__all__ = ["add", "app", "apply", "list_all", "remove", "verify"]

app = typer.Typer(
    help="What a trained model knows: list it, add measurements, remove some; nothing is trained.",
    no_args_is_help=True,
)

Model = Annotated[
    Path | None,
    typer.Argument(
        help="Folder of a run, its model.safetensors or the name of a model; with overlays as "
        "RUN+project.hpm. The default model if not given."
    ),
]
NewModel = Annotated[Path, typer.Option("--out", "--output", "-o", help="File of the new model.")]
Diff = Annotated[
    Path | None,
    typer.Option(help="Write the record of the change to this JSON file: what came and went, what moves."),
]
SignKey = Annotated[
    Path | None, typer.Option(help="File with a secret key (16 bytes or more) that signs the record.")
]
Author = Annotated[str | None, typer.Option(help="Who makes the change, for the record.")]
Compare = Annotated[
    int, typer.Option(min=0, help="Known targets that are scored before and after; 0 compares nothing.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the files that are written.")]

_COMPARED: Final = 32


@app.command("list")
def list_all(
    ctx: typer.Context,
    model: Model = None,
    target: Annotated[
        str | None, typer.Option(help="Name or sequence of a known target: its measured compounds.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--output", "-o", help="Write all rows to this .csv, .tsv or .parquet file."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """List the known targets of a model, with their labels and where those come from."""
    console: Console = ctx.obj
    source = _trained(console, model)
    if out is not None:
        from hyperpcm.datasets.output import check_output

        check_output(out, overwrite=overwrite, inputs=source.files)
    loaded = source.load()
    if target is None:
        show_targets(console, loaded, out, overwrite=overwrite, as_json=as_json)
    else:
        row = known_row(loaded, target)
        show_target(console, loaded, row, out, overwrite=overwrite, as_json=as_json)


@app.command()
def add(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] MEASUREMENTS",
            help="Folder of a run, its model.safetensors or the name of a model, with overlays as "
            "RUN+project.hpm; the default model where there is none. Then the measurements: CSV, TSV or "
            "Parquet file with SMILES, sequences (or --targets) and values.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Of the project; what the measurements are removed by.")],
    out: Annotated[
        Path | None, typer.Option("--out", "--output", "-o", help="Write the new model to this file.")
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Write only the difference, to lay over the model: project.hpm."),
    ] = None,
    targets: TableTargets = None,
    columns: TableColumns = None,
    quantity: Annotated[str | None, typer.Option(help="What the values are, such as Kd or pIC50.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values, such as nM.")] = None,
    active_at: Annotated[
        float | None,
        typer.Option(help="For a model of two classes: values of at least this are active."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail at the first row that cannot be used.")
    ] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that cannot be used to this CSV file.")
    ] = None,
    diff: Diff = None,
    sign_key: SignKey = None,
    author: Author = None,
    compare: Compare = _COMPARED,
    model: GivenModel = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Add targets and measurements to what a model knows, without training anything.

    New targets and compounds are remembered with their labels, and labels of known targets are added to
    theirs; a pair that has a label already is merged with it and told. The ridge regression is extended in
    closed form. A row that cannot be used is named with the reason, and the others are added.
    `hyperpcm memory remove --source NAME` gives back the model from before.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    given_model, measurements = _model_and_table(words, model)
    source = _trained(console, given_model)
    inputs = [existing_table(measurements, "the measurements"), *source.overlays]
    if targets is not None:
        inputs.append(existing_file(targets, "FASTA file of the targets"))
    writing = Writing(out, overlay, diff, sign_key, author, compare, overwrite, rejected)
    key = writing.check(source.path, inputs)
    before = source.load()
    from hyperpcm.model import with_targets
    from hyperpcm.model.overlay import check_new_name, check_quantity

    check_new_name(before, name)
    found = read_measurements(
        console,
        measurements,
        before.quantity,
        active_at=active_at,
        options={
            "columns": roles or None,
            "targets": targets,
            "quantity": quantity,
            "unit": unit,
            "strict": strict,
        },
    )
    check_quantity(before.quantity, found.quantity, found.name)
    tell_rejected(console, found, rejected, overwrite=overwrite)
    _align(console, before)
    origin: dict[str, Any] = {"name": name, "file": measurements.name, "fingerprint": found.fingerprint()}
    origin["rejected_rows"] = len(found.rejections)
    extension = with_targets(before, found, name, origin)
    change = Change(before, extension, "add", origin)
    change.finish(console, writing, key, as_json=as_json)


@app.command()
def remove(
    ctx: typer.Context,
    out: NewModel,
    model: Model = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Name of a known target that goes; may be repeated.")
    ] = None,
    sequence: Annotated[
        list[str] | None, typer.Option(help="FASTA file or sequence of one; may be repeated.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Name that measurements were added under; all of them go. May be repeated."),
    ] = None,
    measurements: Annotated[
        Path | None,
        typer.Option(
            help="Table of single measurements that go, read as for `add`; values in it are not read. With "
            "--source they go from there alone."
        ),
    ] = None,
    targets: TableTargets = None,
    columns: TableColumns = None,
    diff: Diff = None,
    sign_key: SignKey = None,
    author: Author = None,
    compare: Compare = _COMPARED,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Remove targets, projects or single measurements from what a model knows, without training anything.

    Of what was added, nothing is left but an entry in the card: when, by whom, how many labels. Of what the
    model was trained on, the labels go and the ridge regression is solved again without them; learned weights
    stay, and have seen those labels.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    given = _trained(console, model)
    inputs = list(given.overlays)
    if measurements is not None:
        inputs.append(existing_table(measurements, "the measurements"))
    if targets is not None:
        inputs.append(existing_file(targets, "FASTA file of the targets"))
    if not (target or sequence or source or measurements):
        raise InputError("what goes? Say it with --target, --sequence, --source or --measurements.")
    writing = Writing(out, None, diff, sign_key, author, compare, overwrite)
    fasta = [path for one in sequence or () if (path := target_file(one)) is not None]
    key = writing.check(given.path, [*inputs, *fasta])
    before = given.load()
    overlays = list(dict.fromkeys(source or ()))
    asked_for = [*(target or ()), *(read_target(one).sequence for one in sequence or ())]
    rows = list(dict.fromkeys(known_row(before, one) for one in asked_for))
    pairs: list[tuple[str, str]] | None = None
    if measurements is not None:
        options = {"columns": roles or None, "targets": targets}
        pairs = held_pairs(console, before, measurements, overlays, options)
    if rows or pairs or {one.name for one in before.overlays} - set(overlays):
        _align(console, before)
    from hyperpcm.model import without_measurements

    extension = without_measurements(
        before,
        targets=[before.memory_sequences[row] for row in rows],
        overlays=overlays,
        pairs=pairs,
    )
    names = [before.memory_names[row] for row in rows]
    asked = {
        "name": ", ".join(overlays),
        "targets": names,
        "overlays": overlays,
        "measurements": None if measurements is None else measurements.name,
    }
    change = Change(before, extension, "remove", asked)
    change.finish(console, writing, key, as_json=as_json)


@app.command()
def apply(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] OVERLAYS...",
            help="Folder of a run, its model.safetensors or the name of a model; the default model where "
            "there is none. Then files of overlays (.hpm), in their order.",
        ),
    ],
    out: NewModel,
    model: GivenModel = None,
    diff: Diff = None,
    sign_key: SignKey = None,
    author: Author = None,
    compare: Compare = _COMPARED,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a model and its overlays into one file, as if their measurements had been added to it."""
    from hyperpcm.checkpoint import laid, load_model

    console: Console = ctx.obj
    if model is None and not words[0].endswith(".hpm"):
        model, words = Path(words[0]), words[1:]
    if not words:
        raise InputError("which overlays? Give their files (.hpm) after the model.")
    source = _trained(console, model)
    files = [*source.overlays, *(existing_file(Path(one), "an overlay") for one in words)]
    writing = Writing(out, None, diff, sign_key, author, compare, overwrite)
    key = writing.check(source.path, files)
    before = load_model(source.path)
    extension = laid(before, files)
    names = [one.name for one in extension.model.overlays[len(before.overlays) :]]
    change = Change(before, extension, "apply", {"name": ", ".join(names)})
    change.finish(console, writing, key, as_json=as_json)


@app.command()
def verify(
    ctx: typer.Context,
    diff: Annotated[Path, typer.Argument(help="The record of a change, as --diff writes it.")],
    sign_key: SignKey = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the record of a change is as it was written, and signed with this key.

    Without a key its digest alone is checked, which tells of accidents: whoever alters the record can compute
    the digest again. Ends with exit code 3 where the record was altered.
    """
    from hyperpcm.checkpoint import read_key, verified

    console: Console = ctx.obj
    record, is_signed = verified(diff, None if sign_key is None else read_key(sign_key))
    from hyperpcm.model.history import FORMAT, FORMAT_VERSION

    if record.get("format") != FORMAT:
        raise InputError(f"{diff}: this is not the record of a change of a memory.")
    if record.get("format_version") not in range(1, FORMAT_VERSION + 1):
        raise IncompatibleModelError(
            f"{diff}: the record has format version {record.get('format_version')}, and this hyperpcm reads "
            f"versions up to {FORMAT_VERSION}. Upgrade it: pip install --upgrade hyperpcm"
        )
    found = {
        "unchanged": True,
        "signed": is_signed,
        "signature_checked": sign_key is not None,
        **{name: record.get(name) for name in ("action", "time", "author", "model_before", "model_after")},
    }
    if as_json:
        console.result_json(found)
        return
    if sign_key is not None:
        told = "unchanged, and signed with this key"
    elif is_signed:
        told = "its digest fits; it is signed: check that with --sign-key"
    else:
        told = "its digest fits; it is unsigned, so no key tells who wrote it"
    console.result(f"{diff}: {told}")


def _model_and_table(words: list[str], given: Path | None) -> tuple[Path | None, Path]:
    """The model, if one is given, and the table of measurements."""
    wanted = 1 if given is not None else 2
    if len(words) > wanted:
        raise InputError(f"{words[wanted]}: one table of measurements is added at a time.")
    if len(words) == 1 and given is None and is_model(words[0]) and not Path(words[0]).is_dir():
        raise InputError(f"{words[0]}: this is a model; which measurements are to be added? Give a table.")
    return (Path(words[0]) if len(words) == 2 else given), Path(words[-1])


def _trained(console: Console, given: Path | None) -> ModelSource:
    """The trained model that is meant."""
    source = asked_model(console, given)
    if source.is_target:
        raise InputError(
            f"{source}: this is the model of one target, which holds no memory. Give the run or the trained "
            "model that it was compiled from."
        )
    return source


def _align(console: Console, model: HyperPCM) -> None:
    """Align the memory to itself, as far as solving the regression needs that, and show how far it is."""
    from hyperpcm.model.memory_ridge import memory_similarity

    if model.ridge is not None:
        with console.progress() as progress:
            memory_similarity(model, progress.rows("known targets aligned", len(model.memory_sequences)))
