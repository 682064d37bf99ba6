"""`hyperpcm models`: trained models under names, those that ship and one's own, and which is the default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperpcm.cli.arguments import AsJson
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.errors import InputError, ModelFileError

if TYPE_CHECKING:
    from hyperpcm.pretrained import DefaultModel, PretrainedModel

__all__ = ["add", "app", "list_all", "remove", "show", "use"]

app = typer.Typer(
    help="Trained models under names: list them, read their cards, choose the default, add your own.",
    no_args_is_help=True,
)


@app.command("list")
def list_all(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the models that have names: what they predict and learned from, and which is the default."""
    from hyperpcm.pretrained import default_model, known_models

    console: Console = ctx.obj
    models, default = known_models(), default_model()
    rows = [_listed(one, _is_default(one, default)) for one in models]
    if as_json:
        told = None if default is None else {"model": str(default.given), "because": default.reason}
        console.result_json({"models": rows, "default": told})
        return
    if rows:
        console.result(_table(rows))
    else:
        console.result("None ships with this copy of hyperpcm, and none was added.")
    _tell_default(console, default, [one.name for one in models])


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name of a model; the default if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the card of a model: what it learned from, how good it was measured to be, what it is not for."""
    from hyperpcm.pretrained.choice import needed_default
    from hyperpcm.pretrained.registry import PretrainedModel, find_model, model_named

    console: Console = ctx.obj
    asked = str(needed_default().given) if name is None else name
    found = find_model(asked)
    if found is None:
        if not Path(asked).exists() and "+" not in asked:
            model_named(asked)  # says which there are
        from hyperpcm.training.model_source import model_source

        source = model_source(Path(asked))
        found = PretrainedModel(asked, source.path)
        if source.is_target:
            raise InputError(
                f"{asked}: this is the model of one target; hyperpcm card {asked} shows its card."
            )
    if as_json:
        console.result_json(found.record())
    else:
        console.result(found.card().rstrip())


@app.command()
def use(
    ctx: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(help="Name of a model, its file, or the folder of a run; also as RUN+project.hpm."),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget the choice: the model that ships is the default again.")
    ] = False,
) -> None:
    """Make a model the default of every command of this user.

    The environment variable HYPERPCM_MODEL, and a model that is given, go before it.
    """
    from hyperpcm.pretrained import choice
    from hyperpcm.training.model_source import model_source

    console: Console = ctx.obj
    if reset == (model is not None):
        raise InputError("give a model, or --reset to forget the choice.")
    if model is None:
        was = choice.reset()
        console.result("The choice was forgotten." if was else "No model was chosen.")
    else:
        source = model_source(Path(model))
        if source.is_target:
            raise InputError(f"{source}: this is the model of one target, and the default answers for any.")
        kept = "+".join(
            [source.name or str(source.path.resolve()), *(str(one.resolve()) for one in source.overlays)]
        )
        path = choice.choose(kept)
        console.result(f"{kept} is the default now (kept in {path}).")
    default = choice.default_model()
    if default is None or default.by != ("user" if model is not None else "package"):
        _tell_default(console, default, [])


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Trained model, or the folder of a run.")],
    name: Annotated[str, typer.Option(help="What to call it.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an added model of this name.")
    ] = False,
) -> None:
    """Copy a trained model to where it is found by its name from any folder."""
    from hyperpcm.pretrained import pack_model
    from hyperpcm.training.model_source import model_file

    console: Console = ctx.obj
    packed = pack_model(model_file(file), name, overwrite=overwrite)
    console.result(f"{packed.name}: {packed.path.stat().st_size / 1e6:.1f} MB in {packed.path.parent}")
    console.note(f"Make it the default: hyperpcm models use {packed.name}")


@app.command()
def remove(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="Name of a model that was added.")]
) -> None:
    """Remove a model that was added; those that ship stay."""
    from hyperpcm.pretrained.packing import remove_model

    console: Console = ctx.obj
    console.result(f"{remove_model(name).name} was removed.")


def _listed(model: PretrainedModel, is_default: bool) -> dict[str, Any]:
    """One model as JSON values; one that cannot be read is listed with the fault."""
    row: dict[str, Any] = {
        "name": model.name,
        "default": is_default,
        "ships": model.is_shipped,
        "file": str(model.path),
        "bytes": model.path.stat().st_size,
    }
    try:
        record = model.record()
    except ModelFileError as error:
        return row | {"fault": str(error)}
    return row | {
        "quantity": record["quantity"]["name"],
        "trained_on": record["trained_on"],
        "learned": record["learned"],
        "licence": record["licence"].get("weights", record["licence"]["data"]),
        "fault": None,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    cells = []
    for row in rows:
        size = f"{row['bytes'] / 1e6:.1f} MB"
        name = row["name"] + (" *" if row["default"] else "")
        if row["fault"] is not None:
            cells.append([name, "", printable(row["fault"]), size, ""])
            continue
        learned = row["learned"]
        count = f"{learned['interactions']:,} labels, " if "interactions" in learned else ""
        told = f"{row['trained_on']}: {count}{learned['known_targets']:,} targets"
        cells.append([name, row["quantity"], printable(told), size, printable(row["licence"])])
    header = ["name", "scores", "trained on", "size", "licence"]
    return aligned(header, cells, right={"size"}, flexible="licence", width=terminal_width())


def _is_default(model: PretrainedModel, default: DefaultModel | None) -> bool:
    return default is not None and str(default.given).partition("+")[0] in (model.name, str(model.path))


def _tell_default(console: Console, default: DefaultModel | None, listed: list[str]) -> None:
    if default is None:
        console.note("There is no default model. Choose one: hyperpcm models use NAME or FILE")
    else:
        mark = "* " if str(default.given) in listed else ""
        console.note(f"{mark}the default is {default.given}, {default.reason}")
